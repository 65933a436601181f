"""Who gets a passkey: the first on a partner's word, a further one on an older one's, a recovered one after cooling."""

import asyncio

import pytest

from keelpay.api.auth.v1 import passkey_pb2, passkey_service_pb2
from keelpay.testing import SoftPasskey
from keelpay_server.auth.enrolment import AttestedPerson, EnrolmentEvidence
from keelpay_server.auth.mandate import Mandate, MandateState
from keelpay_server.auth.names import parse_mandate
from keelpay_server.auth.passkey import Passkey, PasskeyState
from keelpay_server.auth.passkey_service import told_currency
from keelpay_server.book.payer import Payer
from keelpay_server.book.reasons import Reason

from .refusals import refused
from .scene import ACME, AMA, BEN, HOUR, OPERATOR, ORIGIN, OTHER, PAYMENT, SECOND, Put, fresh

_S = passkey_pb2.Passkey


def revoke(scene, caller, passkey):
    request = passkey_service_pb2.RevokePasskeyRequest(name=passkey.name, request_id=fresh())
    return scene.call(caller, scene.passkeys.RevokePasskey, request)


async def veto(scene, cooling, device=None):
    asked = await scene.start(recovery_veto=cooling.name)
    request = passkey_service_pb2.VetoRecoveryRequest(
        name=cooling.name, request_id=fresh(), confirmation=asked.name,
        assertion_json=(device or scene.device).get(asked.options_json),
    )  # fmt: skip
    return (await scene.call(ACME, scene.passkeys.VetoRecovery, request)).passkey


async def test_a_first_passkey_is_made_on_the_partners_word_which_is_kept(scene):
    passkey = await scene.enrol()
    assert passkey.state == _S.STATE_ACTIVE
    assert passkey.amount_limit.amount_minor == scene.settings.new_passkey_limit(passkey.amount_limit.currency_code)
    assert passkey.limit_end_time.seconds == passkey.create_time.seconds + scene.settings.new_passkey_s
    row = await scene.stored(Passkey, passkey.name, "passkeys")
    evidence = await scene.reader.get(EnrolmentEvidence, row.id)
    (person,) = await scene.reader.find(AttestedPerson, {"payer": AMA})
    assert person.digest in evidence.attested
    assert person.word.count(".") == 2
    payer = await scene.reader.get(Payer, AMA)
    assert row.handle == payer.handle


async def test_a_limit_is_told_in_the_payers_own_currency_or_else_its_partners(scene):
    assert (await scene.enrol()).amount_limit.currency_code == "CNY"
    payer = await scene.reader.get(Payer, AMA)
    jo = payer._replace(id="acme/jo", number=901, handle=b"j" * 32, currencies="JPY KWD")
    await scene.engine.execute(Put(rows=(jo,)))
    await scene.enrol("acme/jo", SoftPasskey(origin=ORIGIN))
    request = passkey_service_pb2.ListPasskeysRequest(parent="partners/acme/payers/jo")
    (told,) = (await scene.call(ACME, scene.passkeys.ListPasskeys, request)).passkeys
    assert (told.amount_limit.currency_code, told.amount_limit.amount_minor) == ("JPY", 40_000)
    assert await told_currency(scene.reader, "other/cy") == "", "neither a balance nor a merchant"
    scene.clock.advance(25 * 3600 * SECOND)
    (told,) = (await scene.call(ACME, scene.passkeys.ListPasskeys, request)).passkeys
    assert [told.HasField(name) for name in ("amount_limit", "limit_end_time")] == [False, False]


@pytest.mark.parametrize(
    ("kind", "reason"), [(1, Reason.NOT_OWNER), (3, Reason.ENROL_TOKEN_REQUIRED)], ids=["pay", "manage"]
)
async def test_only_an_enrol_token_makes_a_first_passkey(scene, kind, reason):
    caller = await scene.payer_caller(kind, payment=PAYMENT if kind == 1 else "")
    assert await refused(scene.start_registration(caller)) is reason


async def test_a_payment_token_never_enrols_even_a_further_passkey(enrolled):
    caller = await enrolled.payer_caller(1, payment=PAYMENT)
    assert await refused(enrolled.start_registration(caller)) is Reason.NOT_OWNER
    assert "passkeys.enrol" not in caller.scopes


async def test_another_payers_token_enrols_nobody_else(scene):
    caller = await scene.payer_caller(2, BEN)
    assert await refused(scene.start_registration(caller)) is Reason.NOT_OWNER


async def test_a_further_passkey_needs_the_signature_of_an_active_one(enrolled):
    caller, second = await enrolled.payer_caller(3), SoftPasskey(origin=ORIGIN)
    registration = await enrolled.start_registration(caller)
    assert registration.confirmation_required
    made = second.create(registration.options_json)
    unsigned = enrolled.finish_registration(caller, registration, made=made)
    assert await refused(unsigned) is Reason.CONFIRMATION_REQUIRED
    asked = await enrolled.start(caller, registration=registration.name)
    passkey = await enrolled.finish_registration(
        caller, registration, made=made, confirmation=asked.name,
        assertion=enrolled.device.get(asked.options_json),
    )  # fmt: skip
    assert passkey.state == _S.STATE_ACTIVE
    assert passkey.HasField("amount_limit")


async def test_a_payments_confirmation_adds_no_passkey(enrolled):
    caller = await enrolled.payer_caller(3)
    registration = await enrolled.start_registration(caller)
    asked = await enrolled.start()
    added = enrolled.finish_registration(
        caller, registration, SoftPasskey(origin=ORIGIN), confirmation=asked.name,
        assertion=enrolled.device.get(asked.options_json),
    )  # fmt: skip
    assert await refused(added) is Reason.CONFIRMATION_REPLAYED


async def test_an_enrol_token_is_no_way_around_an_existing_passkey(enrolled):
    caller = await enrolled.payer_caller(2)
    registration = await enrolled.start_registration(caller)
    assert registration.confirmation_required
    made = enrolled.finish_registration(caller, registration, SoftPasskey(origin=ORIGIN))
    assert await refused(made) is Reason.CONFIRMATION_REQUIRED


async def test_of_two_first_registrations_one_makes_a_passkey(scene):
    caller = await scene.payer_caller(2)
    first, second = await scene.start_registration(caller), await scene.start_registration(caller)
    await scene.finish_registration(caller, first)
    late = scene.finish_registration(caller, second, SoftPasskey(origin=ORIGIN))
    assert await refused(late) is Reason.ENROL_TOKEN_REQUIRED


async def test_two_first_registrations_of_one_batch_make_one_passkey(scene):
    caller = await scene.payer_caller(2)
    both = [await scene.start_registration(caller) for _ in range(2)]
    answers = await asyncio.gather(
        *(scene.finish_registration(caller, each, SoftPasskey(origin=ORIGIN)) for each in both), return_exceptions=True
    )
    assert sum(isinstance(answer, _S) for answer in answers) == 1


async def test_a_registration_makes_one_passkey_in_time(scene):
    caller = await scene.payer_caller(2)
    registration = await scene.start_registration(caller)
    scene.clock.advance(601 * SECOND)
    late = scene.finish_registration(caller, registration)
    assert await refused(late) is Reason.PASSKEY_REGISTRATION_INVALID
    caller = await scene.payer_caller(2)
    registration = await scene.start_registration(caller)
    await scene.finish_registration(caller, registration, SoftPasskey(origin=ORIGIN))
    again = scene.finish_registration(caller, registration, SoftPasskey(origin=ORIGIN))
    assert await refused(again) is Reason.ILLEGAL_TRANSITION


@pytest.mark.parametrize("flaw", ["origin", "user_verified", "challenge"])
async def test_a_credential_that_does_not_verify_is_not_stored(scene, flaw):
    caller = await scene.payer_caller(2)
    registration = await scene.start_registration(caller)
    device = SoftPasskey(origin="https://evil.example" if flaw == "origin" else ORIGIN)
    device.user_verified = flaw != "user_verified"
    source = registration if flaw != "challenge" else await scene.start_registration(caller)
    made = scene.finish_registration(caller, registration, made=device.create(source.options_json))
    assert await refused(made) is Reason.PASSKEY_REGISTRATION_INVALID


async def test_one_credential_belongs_to_one_payer(enrolled):
    caller = await enrolled.payer_caller(2, BEN)
    registration = await enrolled.start_registration(caller, BEN)
    (stored,) = enrolled.device.credentials.values()
    twin = SoftPasskey(origin=ORIGIN)
    made = twin.create(registration.options_json)
    (fresh_credential,) = twin.credentials
    import json

    from keelpay_server.auth import base64url

    credential = json.loads(made)
    credential["id"] = credential["rawId"] = base64url.encode(stored.credential_id)
    attestation = base64url.decode(credential["response"]["attestationObject"])
    taken = attestation.replace(fresh_credential, stored.credential_id)
    credential["response"]["attestationObject"] = base64url.encode(taken)
    again = enrolled.finish_registration(caller, registration, made=json.dumps(credential))
    assert await refused(again) is Reason.PASSKEY_ALREADY_REGISTERED


async def test_a_payer_who_revoked_all_passkeys_has_to_recover(enrolled):
    await revoke(enrolled, await enrolled.payer_caller(3), enrolled.passkey)
    caller = await enrolled.payer_caller(2)
    assert await refused(enrolled.start_registration(caller)) is Reason.PASSKEY_REQUIRED


async def test_a_revoked_passkey_signs_nothing_more(enrolled):
    asked = await enrolled.start()
    await revoke(enrolled, ACME, enrolled.passkey)
    assert await refused(enrolled.pay(asked)) is Reason.PASSKEY_NOT_ACTIVE
    assert await refused(revoke(enrolled, ACME, enrolled.passkey)) is Reason.ILLEGAL_TRANSITION
    assert await refused(revoke(enrolled, OTHER, enrolled.passkey)) is Reason.NOT_OWNER


async def test_lists_show_the_payers_passkeys(enrolled):
    def ask(caller, filter_=""):
        request = passkey_service_pb2.ListPasskeysRequest(parent="partners/acme/payers/ama", filter=filter_)
        return enrolled.call(caller, enrolled.passkeys.ListPasskeys, request)

    assert [row.name for row in (await ask(ACME)).passkeys] == [enrolled.passkey.name]
    assert not (await ask(OPERATOR, "state = REVOKED")).passkeys
    assert await refused(ask(OTHER)) is Reason.NOT_OWNER


# ---- recovery


@pytest.fixture
async def recovering(enrolled):
    """Ama lost her phone; a new one cools. She had a mandate."""
    enrolled.mandate = await enrolled.finish_mandate(await enrolled.start_mandate())
    enrolled.new_device = SoftPasskey(origin=ORIGIN)
    enrolled.cooling = await enrolled.start_recovery(enrolled.new_device)
    return enrolled


async def mandate_state(scene):
    return MandateState((await scene.reader.get(Mandate, parse_mandate(scene.mandate.name)[1])).state)


async def test_a_recovered_passkey_cools_while_mandates_and_withdrawals_wait(recovering):
    assert recovering.cooling.state == _S.STATE_COOLING
    assert recovering.cooling.HasField("cooling_end_time")
    assert await mandate_state(recovering) is MandateState.SUSPENDED
    payer = await recovering.reader.get(Payer, AMA)
    business_us = recovering.clock.now_us
    assert payer.withdraw_after > business_us + 71 * HOUR
    assert "passkey.recovery_started" in await recovering.events("passkey")


async def test_a_cooling_passkey_signs_nothing(recovering):
    asked = await recovering.start()
    options = asked.options_json
    with pytest.raises(LookupError):
        recovering.new_device.get(options)
    import json

    forced = recovering.new_device.get(json.dumps({**json.loads(options), "allowCredentials": []}))
    assert await refused(recovering.pay(asked, forced)) is Reason.PASSKEY_NOT_ACTIVE


async def test_what_nobody_vetoes_becomes_active_and_everything_resumes(recovering):
    recovering.clock.advance(71 * HOUR)
    assert "passkey.cooling" not in await recovering.run_due()
    recovering.clock.advance(2 * HOUR)
    assert "passkey.cooling" in await recovering.run_due()
    row = await recovering.stored(Passkey, recovering.cooling.name, "passkeys")
    assert (row.state, row.cooling_end_time) == (PasskeyState.ACTIVE, 0)
    assert await mandate_state(recovering) is MandateState.ACTIVE
    recovering.device = recovering.new_device
    await recovering.pay(await recovering.start())


async def test_an_old_passkey_vetoes(recovering):
    stopped = await veto(recovering, recovering.cooling)
    assert stopped.state == _S.STATE_REVOKED
    assert await mandate_state(recovering) is MandateState.ACTIVE
    assert (await recovering.reader.get(Payer, AMA)).withdraw_after == 0
    recovering.clock.advance(80 * HOUR)
    assert "passkey.cooling" not in await recovering.run_due()


async def test_the_cooling_passkey_cannot_veto_itself(recovering):
    asked = await recovering.start(recovery_veto=recovering.cooling.name)
    with pytest.raises(LookupError):
        recovering.new_device.get(asked.options_json)


async def test_nothing_is_enrolled_or_recovered_while_a_recovery_cools(recovering):
    caller = await recovering.payer_caller(3)
    assert await refused(recovering.start_registration(caller)) is Reason.RECOVERY_IN_PROGRESS
    again = recovering.start_recovery(SoftPasskey(origin=ORIGIN))
    assert await refused(again) is Reason.RECOVERY_IN_PROGRESS


async def test_a_payer_stops_a_recovery_by_veto_alone_the_partner_may_call_it_off(recovering):
    caller = await recovering.payer_caller(3)
    assert await refused(revoke(recovering, caller, recovering.cooling)) is Reason.CONFIRMATION_REQUIRED
    await revoke(recovering, ACME, recovering.cooling)
    assert await mandate_state(recovering) is MandateState.ACTIVE


async def test_a_payers_confirmation_of_a_payment_vetoes_nothing(recovering):
    asked = await recovering.start()
    request = passkey_service_pb2.VetoRecoveryRequest(
        name=recovering.cooling.name, request_id=fresh(), confirmation=asked.name,
        assertion_json=recovering.device.get(asked.options_json),
    )  # fmt: skip
    vetoed = recovering.call(ACME, recovering.passkeys.VetoRecovery, request)
    assert await refused(vetoed) is Reason.CONFIRMATION_REPLAYED


async def test_who_never_had_a_passkey_enrols_and_does_not_recover(scene):
    assert await refused(scene.start_recovery(SoftPasskey(origin=ORIGIN))) is Reason.PASSKEY_REQUIRED
