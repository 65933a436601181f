"""What an attacker holds, and how far it gets (a replayed or altered proof, a stolen partner key)."""

import json

import pytest

from keelpay.api.auth.v1 import passkey_service_pb2
from keelpay.testing import SoftPasskey
from keelpay_server.auth.passkey import Passkey, PasskeyState
from keelpay_server.book.reasons import Reason

from .refusals import refused
from .scene import ACME, AMA, BEN, HOUR, ORIGIN, OTHER_PAYMENT, Pay, fresh

# ---- A5: replayed assertion, altered terms, cloned key, cross-origin frame, foreign relying party


async def test_an_assertion_from_inside_a_foreign_page_pays_nothing(enrolled):
    enrolled.device.cross_origin, enrolled.device.top_origin = True, "https://evil.example"
    assert await refused(enrolled.pay(await enrolled.start())) is Reason.CONFIRMATION_SIGNATURE_INVALID


async def test_an_assertion_from_a_foreign_origin_pays_nothing(enrolled):
    enrolled.device.origin = "https://evil.example"
    assert await refused(enrolled.pay(await enrolled.start())) is Reason.CONFIRMATION_SIGNATURE_INVALID


async def test_an_assertion_for_a_foreign_relying_party_pays_nothing(enrolled):
    asked = await enrolled.start()
    (credential,) = enrolled.device.credentials.values()
    credential.rp_id = "evil.example"
    options = {**json.loads(asked.options_json), "rpId": "evil.example"}
    signed = enrolled.device.get(json.dumps(options))
    assert await refused(enrolled.pay(asked, signed)) is Reason.CONFIRMATION_SIGNATURE_INVALID


async def test_two_uses_of_one_confirmation_in_one_batch_pay_once(enrolled):
    proof = await enrolled.proof(await enrolled.start())
    outcomes = await enrolled.engine.execute_many([Pay(proof=proof, terms=enrolled.terms())] * 5)
    reasons = [None if each.refusal is None else each.refusal.reason for each in outcomes]
    assert reasons == [None] + [Reason.CONFIRMATION_REUSED] * 4


async def test_an_assertion_that_was_seen_on_the_wire_pays_no_second_time(enrolled):
    asked = await enrolled.start()
    signed = enrolled.device.get(asked.options_json)
    await enrolled.pay(asked, signed)
    again = await enrolled.start()
    assert await refused(enrolled.pay(again, signed)) is Reason.CONFIRMATION_REPLAYED
    other = await enrolled.start(payment=OTHER_PAYMENT)
    proof = await enrolled.proof(other, signed)
    spent = enrolled.engine.execute(Pay(proof=proof, terms=enrolled.terms(OTHER_PAYMENT)))
    assert await refused(spent) is Reason.CONFIRMATION_REPLAYED


async def test_a_passkey_that_became_syncable_is_not_the_one_we_know(enrolled):
    enrolled.device.backup_eligible = enrolled.device.backup_state = True
    assert await refused(enrolled.pay(await enrolled.start())) is Reason.CONFIRMATION_SIGNATURE_INVALID


# ---- A11: a stolen partner key


async def thief_revokes(scene, as_payer):
    caller = await scene.payer_caller(3) if as_payer else ACME
    request = passkey_service_pb2.RevokePasskeyRequest(name=scene.passkey.name, request_id=fresh())
    await scene.call(caller, scene.passkeys.RevokePasskey, request)


async def test_a_partner_key_confirms_nothing_for_a_payer(enrolled):
    asked = await enrolled.start(caller=ACME)
    own = SoftPasskey(origin=ORIGIN)
    await enrolled.enrol(BEN, own)
    forged = own.get(json.dumps({**json.loads(asked.options_json), "allowCredentials": []}))
    assert await refused(enrolled.pay(asked, forged)) is Reason.CONFIRMATION_SIGNATURE_INVALID


@pytest.mark.parametrize("as_payer", [True, False])
async def test_who_revokes_first_and_recovers_then_still_meets_the_old_passkeys_veto(enrolled, as_payer):
    await thief_revokes(enrolled, as_payer)
    assert await refused(enrolled.start()) is Reason.PASSKEY_REQUIRED
    thief = SoftPasskey(origin=ORIGIN)
    cooling = await enrolled.start_recovery(thief)
    asked = await enrolled.start(recovery_veto=cooling.name)
    request = passkey_service_pb2.VetoRecoveryRequest(
        name=cooling.name, request_id=fresh(), confirmation=asked.name,
        assertion_json=enrolled.device.get(asked.options_json),
    )  # fmt: skip
    await enrolled.call(ACME, enrolled.passkeys.VetoRecovery, request)
    enrolled.clock.advance(100 * HOUR)
    await enrolled.run_due()
    row = await enrolled.stored(Passkey, cooling.name, "passkeys")
    assert row.state == PasskeyState.REVOKED


async def test_a_vetoed_passkey_has_no_veto_itself(enrolled):
    thief = SoftPasskey(origin=ORIGIN)
    cooling = await enrolled.start_recovery(thief)
    request = passkey_service_pb2.RevokePasskeyRequest(name=cooling.name, request_id=fresh())
    await enrolled.call(ACME, enrolled.passkeys.RevokePasskey, request)
    honest = SoftPasskey(origin=ORIGIN)
    again = await enrolled.start_recovery(honest)
    asked = await enrolled.start(recovery_veto=again.name)
    with pytest.raises(LookupError):
        thief.get(asked.options_json)


async def test_recoveries_of_one_partner_are_counted_by_the_day(enrolled):
    for payer in (BEN, "acme/dan"):
        if payer == "acme/dan":
            await put_payer(enrolled, payer)
        await enrolled.enrol(payer, SoftPasskey(origin=ORIGIN))
    for payer in (AMA, BEN):
        await enrolled.start_recovery(SoftPasskey(origin=ORIGIN), payer)
    third = enrolled.start_recovery(SoftPasskey(origin=ORIGIN), "acme/dan")
    assert await refused(third) is Reason.RATE_LIMITED
    enrolled.clock.advance(24 * HOUR)
    await enrolled.start_recovery(SoftPasskey(origin=ORIGIN), "acme/dan")


async def put_payer(scene, payer):
    from keelpay_server.book.payer import Payer

    from .scene import Put

    like = await scene.reader.get(Payer, AMA)
    await scene.engine.execute(Put(rows=(like._replace(id=payer, number=999, handle=b"h" * 32),)))


async def test_enrol_tokens_of_one_partner_are_counted_by_the_day(scene):
    for _ in range(scene.settings.enrolments_a_day):
        await scene.payer_caller(2, partner=ACME._replace(key=scene.keys["partners/acme"].kid))
    assert await refused(scene.payer_caller(2)) is Reason.RATE_LIMITED
    await scene.payer_caller(3)


async def test_a_word_about_a_person_is_used_once(scene):
    from keelpay.api.auth.v1 import partner_request_pb2

    word = scene.word()

    def ask():
        request = partner_request_pb2.IssuePayerTokenRequest(
            parent="partners/acme/payers/ama", request_id=fresh(), kind=2, attestation=word
        )
        return scene.call(ACME, scene.partners.IssuePayerToken, request)

    await ask()
    assert await refused(ask()) is Reason.CLIENT_ASSERTION_REPLAYED


async def test_an_enrol_token_recovers_nobody_at_once(enrolled):
    caller = await enrolled.payer_caller(2)
    registration = await enrolled.start_registration(caller)
    made = enrolled.finish_registration(caller, registration, SoftPasskey(origin=ORIGIN))
    assert await refused(made) is Reason.CONFIRMATION_REQUIRED


async def test_a_partner_sees_and_suspends_what_a_stolen_key_did(enrolled):
    await thief_revokes(enrolled, as_payer=False)
    await enrolled.start_recovery(SoftPasskey(origin=ORIGIN))
    seen = await enrolled.events("passkey")
    assert {"passkey.revoked", "passkey.recovery_started", "passkey.created"} <= set(seen)
