"""A confirmation allows one act, once, in time, on the terms that were signed."""

import json

import pytest

from keelpay.api.auth.v1 import confirmation_pb2, confirmation_service_pb2
from keelpay.testing import SoftPasskey
from keelpay_server.auth.confirmation import Confirmation, ConfirmationState
from keelpay_server.auth.evidence import evidence_digest
from keelpay_server.auth.evidence_report import verify_evidence
from keelpay_server.auth.passkey import Passkey, PasskeyState
from keelpay_server.book.caller import CallerKind
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

from .refusals import refused
from .scene import ACME, AMA, BEN, ORIGIN, OTHER, OTHER_PAYMENT, PAYMENT, SECOND, Pay, edited, fresh, payment_facts


async def state_of(scene, confirmation):
    row = await stored(scene, confirmation)
    return ConfirmationState(row.state), row.reason


async def stored(scene, confirmation):
    return await scene.stored(Confirmation, confirmation.name, "confirmations")


async def confirmation_of(scene, asked):
    request = confirmation_service_pb2.GetConfirmationRequest(name=asked.name)
    return (await scene.call(ACME, scene.confirmations.GetConfirmation, request)).confirmation


async def test_a_signed_confirmation_is_spent_once(enrolled):
    asked = await enrolled.start()
    signed = enrolled.device.get(asked.options_json)
    await enrolled.pay(asked, signed)
    assert await state_of(enrolled, asked) == (ConfirmationState.CONSUMED, "")
    assert await refused(enrolled.pay(asked, signed)) is Reason.CONFIRMATION_REUSED


async def test_the_evidence_of_a_spent_confirmation_verifies_offline(enrolled):
    asked = await enrolled.start()
    await enrolled.pay(asked)
    shown = await confirmation_of(enrolled, asked)
    report = verify_evidence(shown.evidence.document_json, [enrolled.keeper.evidence.public])
    assert (report.proven, report.seal_known) == (True, True)
    assert report.terms.payment_id == PAYMENT
    assert (shown.evidence.refusal, shown.evidence.decide_time.seconds) == (0, report.outcome.decided_at_us // SECOND)
    (told,) = await enrolled.data_of("confirmation.consumed")
    assert told["evidence"] == evidence_digest(shown.evidence.document_json)
    assert shown.evidence.passkey == enrolled.passkey.name
    assert json.loads(shown.evidence.client_data_json)["origin"] == ORIGIN


async def test_the_evidence_of_a_refused_attempt_says_so_and_why(enrolled):
    twin = enrolled.device.clone()
    await enrolled.pay(await enrolled.start())
    asked = await enrolled.start()
    assert await refused(enrolled.pay(asked, twin.get(asked.options_json))) is Reason.PASSKEY_COUNTER_REGRESSED
    shown = await confirmation_of(enrolled, asked)
    report = verify_evidence(shown.evidence.document_json)
    assert (report.genuine, report.proven) == (True, False)
    assert report.outcome.reason == Reason.PASSKEY_COUNTER_REGRESSED.name
    assert shown.evidence.refusal == Reason.PASSKEY_COUNTER_REGRESSED.value
    *_, told = await enrolled.data_of("confirmation.consumed")
    assert told["evidence"] == evidence_digest(shown.evidence.document_json)


async def test_no_two_confirmations_have_one_nonce(enrolled):
    nonces = [json.loads((await stored(enrolled, await enrolled.start())).terms)["nonce"] for _ in range(5)]
    assert len(set(nonces)) == 5


async def test_a_payer_never_sees_the_evidence(enrolled):
    asked = await enrolled.start()
    await enrolled.pay(asked)
    payer = await enrolled.payer_caller(1, payment=PAYMENT)
    request = confirmation_service_pb2.GetConfirmationRequest(name=asked.name)
    shown = (await enrolled.call(payer, enrolled.confirmations.GetConfirmation, request)).confirmation
    assert not shown.HasField("evidence")


@pytest.mark.parametrize(
    "change",
    [
        {"amount_minor": 1251}, {"payee_name": "Cafe"}, {"payee_id": "merchants/bar"}, {"currency": "USD"},
        {"instrument_id": "balance"}, {"instrument_display": ""}, {"instrument_display": "Visa •••• 1111"},
    ],
    ids=lambda change: next(iter(change)),
)  # fmt: skip
async def test_terms_altered_after_the_signature_are_refused_and_the_confirmation_is_gone(enrolled, change):
    asked = await enrolled.start()
    assert await refused(enrolled.pay(asked, **change)) is Reason.CONFIRMATION_MISMATCH
    assert await state_of(enrolled, asked) == (ConfirmationState.CONSUMED, "CONFIRMATION_MISMATCH")


async def test_a_confirmation_of_another_payment_is_a_replay(enrolled):
    asked = await enrolled.start()
    proof = await enrolled.proof(asked)
    assert await refused(enrolled.engine.execute(Pay(proof=proof, terms=enrolled.terms(OTHER_PAYMENT)))) is (
        Reason.CONFIRMATION_REPLAYED
    )


async def test_an_assertion_of_another_challenge_is_a_replay(enrolled):
    first = await enrolled.start()
    signed = enrolled.device.get(first.options_json)
    second = await enrolled.start(payment=OTHER_PAYMENT)
    proof = await enrolled.proof(second, signed)
    spent = enrolled.engine.execute(Pay(proof=proof, terms=enrolled.terms(OTHER_PAYMENT)))
    assert await refused(spent) is Reason.CONFIRMATION_REPLAYED
    assert await state_of(enrolled, second) == (ConfirmationState.CONSUMED, "CONFIRMATION_REPLAYED")


async def test_another_payers_confirmation_moves_nothing(enrolled):
    await enrolled.enrol(BEN, other := SoftPasskey(origin=ORIGIN))
    enrolled.shelf.payments[OTHER_PAYMENT] = payment_facts(OTHER_PAYMENT, BEN)
    asked = await enrolled.start(payer=BEN, payment=OTHER_PAYMENT)
    proof = await enrolled.proof(asked, other.get(asked.options_json))
    assert await refused(enrolled.engine.execute(Pay(proof=proof, terms=enrolled.terms()))) is Reason.NOT_OWNER
    assert (await state_of(enrolled, asked))[0] is ConfirmationState.PENDING


async def test_another_payers_passkey_proves_nothing(enrolled):
    await enrolled.enrol(BEN, other := SoftPasskey(origin=ORIGIN))
    asked = await enrolled.start()
    options = json.loads(asked.options_json)
    signed = other.get(json.dumps({**options, "allowCredentials": []}))
    assert await refused(enrolled.pay(asked, signed)) is Reason.CONFIRMATION_SIGNATURE_INVALID
    assert (await state_of(enrolled, asked))[0] is ConfirmationState.CONSUMED


async def test_a_signature_from_another_site_is_told_with_both_origins(enrolled):
    asked = await enrolled.start()
    enrolled.device.origin = "https://evil.example"
    with pytest.raises(Refused) as told:
        await enrolled.pay(asked, enrolled.device.get(asked.options_json))
    assert told.value.metadata == {"failure": "origin"}
    assert "it ran at 'https://evil.example'; allowed are " in told.value.message
    assert ORIGIN in told.value.message


@pytest.mark.parametrize("signed", ["not json", "{}", "[]"])
async def test_a_malformed_assertion_spends_the_confirmation(enrolled, signed):
    asked = await enrolled.start()
    assert await refused(enrolled.pay(asked, signed)) is Reason.CONFIRMATION_SIGNATURE_INVALID
    assert (await state_of(enrolled, asked))[0] is ConfirmationState.CONSUMED


async def test_a_forged_signature_is_no_cloned_key(enrolled):
    asked = await enrolled.start()
    good = json.loads(enrolled.device.get(asked.options_json))["response"]["signature"]
    again = await enrolled.start()
    forged = edited(enrolled.device.get(again.options_json), signature=good)
    assert await refused(enrolled.pay(again, forged)) is Reason.CONFIRMATION_SIGNATURE_INVALID
    key = await enrolled.stored(Passkey, enrolled.passkey.name, "passkeys")
    assert (key.regressed_time, key.sign_count) == (0, 0)


async def test_an_unverified_user_confirms_nothing(enrolled):
    asked = await enrolled.start()
    enrolled.device.user_verified = False
    assert await refused(enrolled.pay(asked)) is Reason.CONFIRMATION_SIGNATURE_INVALID


async def test_a_confirmation_expires_by_the_wall_clock(enrolled):
    asked = await enrolled.start()
    proof = await enrolled.proof(asked)
    enrolled.clock.advance(121 * SECOND)
    spent = enrolled.engine.execute(Pay(proof=proof, terms=enrolled.terms()))
    assert await refused(spent) is Reason.CONFIRMATION_EXPIRED
    assert (await state_of(enrolled, asked))[0] is ConfirmationState.EXPIRED


async def test_an_unanswered_confirmation_is_ended_by_its_work(enrolled):
    asked = await enrolled.start()
    assert "confirmation.expiry" not in await enrolled.run_due()
    enrolled.clock.advance(121 * SECOND)
    assert "confirmation.expiry" in await enrolled.run_due()
    assert (await state_of(enrolled, asked))[0] is ConfirmationState.EXPIRED
    assert await refused(enrolled.pay(asked)) is Reason.CONFIRMATION_EXPIRED
    assert await enrolled.run_due() == []


async def test_a_spent_confirmation_leaves_no_work(enrolled):
    await enrolled.pay(await enrolled.start())
    enrolled.clock.advance(600 * SECOND)
    assert "confirmation.expiry" not in await enrolled.run_due()


async def test_a_new_start_supersedes_the_pending_one(enrolled):
    first, second = await enrolled.start(), await enrolled.start()
    assert (await state_of(enrolled, first))[0] is ConfirmationState.SUPERSEDED
    assert await refused(enrolled.pay(first)) is Reason.CONFIRMATION_SUPERSEDED
    await enrolled.pay(second)


async def test_confirmations_of_two_payments_do_not_supersede_each_other(enrolled):
    first, _ = await enrolled.start(), await enrolled.start(payment=OTHER_PAYMENT)
    assert (await state_of(enrolled, first))[0] is ConfirmationState.PENDING


async def test_a_rejected_confirmation_is_over(enrolled):
    asked = await enrolled.start()
    request = confirmation_service_pb2.RejectConfirmationRequest(
        name=asked.name, request_id=fresh(), rejection=confirmation_pb2.Confirmation.REJECTION_BY_PAYER
    )
    answer = await enrolled.call(ACME, enrolled.confirmations.RejectConfirmation, request)
    assert answer.confirmation.state == confirmation_pb2.Confirmation.STATE_REJECTED
    assert answer.confirmation.rejection == confirmation_pb2.Confirmation.REJECTION_BY_PAYER
    assert await refused(enrolled.pay(asked)) is Reason.CONFIRMATION_REJECTED
    repeat = await enrolled.call(ACME, enrolled.confirmations.RejectConfirmation, request)
    assert repeat.replayed
    late = confirmation_service_pb2.RejectConfirmationRequest(name=asked.name, request_id=fresh(), rejection=1)
    again = enrolled.call(ACME, enrolled.confirmations.RejectConfirmation, late)
    assert await refused(again) is Reason.ILLEGAL_TRANSITION


async def test_a_repeated_start_answers_with_the_same_confirmation(enrolled):
    request = confirmation_service_pb2.StartConfirmationRequest(
        parent="partners/acme/payers/ama", request_id=fresh(), payment=PAYMENT
    )
    first = await enrolled.call(ACME, enrolled.confirmations.StartConfirmation, request)
    second = await enrolled.call(ACME, enrolled.confirmations.StartConfirmation, request)
    assert second.replayed
    assert not first.replayed
    assert second.confirmation.challenge == first.confirmation.challenge


async def test_only_the_payers_own_active_passkeys_are_listed(enrolled):
    await enrolled.enrol(BEN, SoftPasskey(origin=ORIGIN))
    asked = json.loads((await enrolled.start()).options_json)
    assert len(asked["allowCredentials"]) == 1
    assert asked["userVerification"] == "required"


async def test_a_payer_without_a_passkey_cannot_be_asked(scene):
    assert await refused(scene.start()) is Reason.PASSKEY_REQUIRED


async def test_an_act_must_be_named(enrolled):
    request = confirmation_service_pb2.StartConfirmationRequest(parent="partners/acme/payers/ama", request_id=fresh())
    asked = enrolled.call(ACME, enrolled.confirmations.StartConfirmation, request)
    assert await refused(asked) is Reason.FIELD_INVALID


async def test_a_regressed_counter_refuses_and_the_second_in_a_day_suspends(enrolled):
    twin = enrolled.device.clone()
    for _ in range(2):
        asked = await enrolled.start()
        await enrolled.pay(asked)
    asked = await enrolled.start()
    assert await refused(enrolled.pay(asked, twin.get(asked.options_json))) is Reason.PASSKEY_COUNTER_REGRESSED
    key = await enrolled.stored(Passkey, enrolled.passkey.name, "passkeys")
    assert (key.state, key.sign_count) == (PasskeyState.ACTIVE, 2)
    asked = await enrolled.start()
    assert await refused(enrolled.pay(asked, twin.get(asked.options_json))) is Reason.PASSKEY_COUNTER_REGRESSED
    key = await enrolled.stored(Passkey, enrolled.passkey.name, "passkeys")
    assert key.state == PasskeyState.SUSPENDED
    assert await enrolled.events("passkey.counter_regressed") == ["passkey.counter_regressed"] * 2
    assert await refused(enrolled.start()) is Reason.PASSKEY_NOT_ACTIVE


async def test_a_regression_a_day_later_is_the_first_again(enrolled):
    twin = enrolled.device.clone()
    for wait_s in (0, 25 * 3600):
        enrolled.clock.advance(wait_s * SECOND)
        twin.credentials = enrolled.device.clone().credentials
        await enrolled.pay(await enrolled.start())
        asked = await enrolled.start()
        assert await refused(enrolled.pay(asked, twin.get(asked.options_json))) is Reason.PASSKEY_COUNTER_REGRESSED
    key = await enrolled.stored(Passkey, enrolled.passkey.name, "passkeys")
    assert key.state == PasskeyState.ACTIVE


async def test_the_counter_of_the_commit_decides_not_that_of_the_verification(enrolled):
    first, second = await enrolled.start(), await enrolled.start(payment=OTHER_PAYMENT)
    early = await enrolled.proof(first)
    late = await enrolled.proof(second)
    await enrolled.engine.execute(Pay(proof=late, terms=enrolled.terms(OTHER_PAYMENT)))
    spent = enrolled.engine.execute(Pay(proof=early, terms=enrolled.terms()))
    assert await refused(spent) is Reason.PASSKEY_COUNTER_REGRESSED


async def test_synced_passkeys_report_zero_for_ever(scene):
    scene.device = SoftPasskey(origin=ORIGIN, counter_step=0, backup_eligible=True, backup_state=True)
    passkey = await scene.enrol()
    assert passkey.synced
    for _ in range(3):
        await scene.pay(await scene.start())


async def test_a_new_passkey_confirms_small_amounts_only(scene):
    await scene.enrol()
    limit = scene.settings.new_passkey_limit("CNY")
    scene.shelf.payments[PAYMENT]["amount_minor"] = limit + 1
    assert await refused(scene.start()) is Reason.PASSKEY_LIMIT_EXCEEDED
    scene.shelf.payments[PAYMENT]["amount_minor"] = limit
    await scene.pay(await scene.start())
    scene.shelf.payments[PAYMENT]["amount_minor"] = limit + 1
    scene.clock.advance(25 * 3600 * SECOND)
    await scene.pay(await scene.start())


@pytest.mark.parametrize(("code", "limit"), [("JPY", 40_000), ("VND", 7_000_000), ("KWD", 100_000)])
async def test_a_new_passkey_is_good_for_about_as_much_in_every_currency(scene, code, limit):
    await scene.enrol()
    scene.shelf.payments[PAYMENT] |= {"currency": code, "amount_minor": limit}
    await scene.pay(await scene.start())
    scene.shelf.payments[PAYMENT]["amount_minor"] = limit + 1
    assert await refused(scene.start()) is Reason.PASSKEY_LIMIT_EXCEEDED


async def test_a_new_passkey_is_held_to_its_limit_in_the_commit_too(scene):
    await scene.enrol()
    proof = await scene.proof(await scene.start())
    spent = scene.engine.execute(Pay(proof=proof._replace(limit_minor=1249), terms=scene.terms()))
    assert await refused(spent) is Reason.PASSKEY_LIMIT_EXCEEDED


async def test_secure_payment_confirmation_signs_what_the_browser_showed(scene):
    await scene.enrol(spc=True)
    asked = await scene.start(method=2)
    signed = scene.device.confirm_payment(asked.options_json)
    await scene.pay(asked, signed)
    assert verify_evidence((await confirmation_of(scene, asked)).evidence.document_json).proven


async def test_a_browser_that_showed_another_amount_is_refused(scene):
    await scene.enrol(spc=True)
    asked = await scene.start(method=2)
    shown = json.loads(asked.options_json)
    shown["total"]["value"] = "0.01"
    spent = scene.pay(asked, scene.device.confirm_payment(json.dumps(shown)))
    assert await refused(spent) is Reason.CONFIRMATION_MISMATCH


async def test_secure_payment_confirmation_is_for_payments_and_for_keys_made_for_it(enrolled):
    assert await refused(enrolled.start(method=2)) is Reason.PASSKEY_REQUIRED
    withdrawal = confirmation_service_pb2.StartConfirmationRequest.Withdrawal()
    assert await refused(enrolled.start(method=2, withdrawal=withdrawal)) is Reason.FIELD_INVALID


async def test_a_stranger_sees_no_confirmation(enrolled):
    asked = await enrolled.start()
    request = confirmation_service_pb2.GetConfirmationRequest(name=asked.name)
    assert await refused(enrolled.call(OTHER, enrolled.confirmations.GetConfirmation, request)) is Reason.NOT_OWNER
    assert await refused(enrolled.start(caller=OTHER)) is Reason.NOT_OWNER


async def test_a_payment_token_asks_for_its_payment_and_nothing_else(enrolled):
    payer = await enrolled.payer_caller(1, payment=PAYMENT)
    assert payer.kind is CallerKind.PAYER
    asked = await enrolled.start(caller=payer)
    assert await refused(enrolled.start(caller=payer, payment=OTHER_PAYMENT)) is Reason.NOT_OWNER
    withdrawal = confirmation_service_pb2.StartConfirmationRequest.Withdrawal()
    assert await refused(enrolled.start(caller=payer, withdrawal=withdrawal)) is Reason.SCOPE_MISSING
    other = await enrolled.start(payment=OTHER_PAYMENT)
    request = confirmation_service_pb2.GetConfirmationRequest(name=other.name)
    hidden = enrolled.call(payer, enrolled.confirmations.GetConfirmation, request)
    assert await refused(hidden) is Reason.NOT_OWNER
    await enrolled.pay(asked)


async def test_the_events_of_a_confirmation_belong_to_the_partner_and_name_nobody(enrolled):
    from keelpay_server.book import journal

    await enrolled.pay(await enrolled.start())
    rows = await enrolled.reader.journal(0, 1000)
    found = [event for row in rows for event in journal.decode(row.body).events if event[1] == "confirmation.consumed"]
    (event,) = found
    assert event[5] == "partners/acme"
    assert event[7]["payer"] == AMA
    assert "Café" not in str(event)
