"""Who calls: assertions, tokens, keys that overlap and end, and the kill switch."""

import secrets

import pytest
from google.protobuf.timestamp_pb2 import Timestamp

from keelpay.api.auth.v1 import partner_request_pb2, partner_service_pb2, signing_key_pb2
from keelpay_server.auth.client_commands import CreateClient, ResumeClient, SuspendClient
from keelpay_server.auth.client_key import ClientKey
from keelpay_server.auth.jws import sign
from keelpay_server.auth.key_keeper import KeyKeeper
from keelpay_server.auth.key_proof import PROOF_TYPE
from keelpay_server.auth.platform_key import PlatformKey, WrongMasterKey
from keelpay_server.auth.signing_key import KeyAlgorithm, SigningKey, generate_signing_key, thumbprint
from keelpay_server.auth.standing import STALE_US_MAX
from keelpay_server.book.caller import ANYONE, CallerKind
from keelpay_server.book.reasons import Reason

from .refusals import refused
from .scene import (
    ACME,
    AMA,
    OTHER,
    OTHER_PAYMENT,
    PARTNER_SCOPES,
    PAYMENT,
    SECOND,
    Scene,
    der_of,
    fresh,
    payment_facts,
)


async def issue(scene, assertion, scopes=()):
    request = partner_request_pb2.IssueTokenRequest(assertion=assertion, scopes=scopes)
    return (await scene.call(ANYONE, scene.partners.IssueToken, request)).token


def proof_of(key, client, request_id, *, by=None, typ=PROOF_TYPE, **changes):
    """What shows that whoever adds a key holds it; `by` names another key that signs instead."""
    signer = by or key
    claims = {"iss": client, "jti": request_id, **changes}
    return sign(claims, SigningKey(thumbprint(key.public.public_key), signer.algorithm, signer.private_key), typ)


async def add_key(scene, key, client="partners/acme", caller=ACME, expire_s=0, algorithm=None, request_id="", **how):
    request_id = request_id or fresh()
    request = partner_request_pb2.CreateSigningKeyRequest(
        parent=client, request_id=request_id, proof=proof_of(key, client, request_id.lower(), **how),
        signing_key=signing_key_pb2.SigningKey(
            algorithm=algorithm or (1 if key.algorithm is KeyAlgorithm.EDDSA else 2), public_key_der=der_of(key),
            expire_time=Timestamp(seconds=expire_s) if expire_s else None,
        ),
    )  # fmt: skip
    return await scene.call(caller, scene.partners.CreateSigningKey, request)


def revoke_key(scene, name, caller=ACME):
    request = partner_request_pb2.RevokeSigningKeyRequest(name=name, request_id=fresh())
    return scene.call(caller, scene.partners.RevokeSigningKey, request)


async def test_an_assertion_becomes_a_token_of_its_client(scene):
    token = await scene.token()
    assert token.expire_time.seconds - scene.now_s() <= 600
    caller = await scene.caller(token.value)
    assert (caller.kind, caller.partner, caller.scopes) == (CallerKind.PARTNER, "acme", PARTNER_SCOPES)


async def test_a_token_holds_no_more_scopes_than_were_asked_and_than_the_client_has(scene):
    token = await scene.token(scopes=["payments.write"])
    assert list(token.scopes) == ["payments.write"]
    assert (await scene.caller(token.value)).scopes == {"payments.write"}
    assert await refused(scene.token(scopes=["ledger.adjust"])) is Reason.SCOPE_MISSING


async def test_an_assertion_is_good_for_one_token(scene):
    assertion = scene.assertion()
    await issue(scene, assertion)
    assert await refused(issue(scene, assertion)) is Reason.CLIENT_ASSERTION_REPLAYED


async def test_a_used_assertion_is_remembered_until_it_could_not_be_valid_any_more(scene):
    assertion = scene.assertion()
    await issue(scene, assertion)
    scene.clock.advance(60 * SECOND)
    assert await scene.run_due() == []
    assert await refused(issue(scene, assertion)) is Reason.CLIENT_ASSERTION_REPLAYED
    scene.clock.advance(120 * SECOND)
    assert await scene.run_due() == ["single-use.forget"]
    assert await refused(issue(scene, assertion)) is Reason.CLIENT_ASSERTION_INVALID


@pytest.mark.parametrize(
    "change",
    [
        {"aud": "elsewhere"}, {"exp": 1}, {"iss": "partners/other"}, {"sub": "partners/other"}, {"jti": "short"},
        {"iat": 4_000_000_000, "exp": 4_000_000_060}, {"sub": "nobody", "iss": "nobody"},
    ],
    ids=str,
)  # fmt: skip
async def test_an_assertion_that_is_not_quite_right_is_refused_with_one_reason(scene, change):
    assert await refused(issue(scene, scene.assertion(**change))) is Reason.CLIENT_ASSERTION_INVALID


async def test_an_assertion_signed_by_another_clients_key_is_refused(scene):
    scene.keys["partners/acme"] = scene.keys["partners/other"]
    assert await refused(issue(scene, scene.assertion())) is Reason.CLIENT_ASSERTION_INVALID


@pytest.mark.parametrize("text", ["", "x", "a.b.c", "eyJhbGciOiJub25lIn0.e30."])
async def test_no_assertion_no_token(scene, text):
    assert await refused(issue(scene, text)) is Reason.CLIENT_ASSERTION_INVALID


@pytest.mark.parametrize(("name", "kind"), [("operators/ops-1", CallerKind.OPERATOR), ("banks/b1", CallerKind.BANK)])
async def test_operators_and_banks_prove_themselves_the_same_way(scene, name, kind):
    await scene.client(name, frozenset({"approvals.read"}))
    caller = await scene.caller((await scene.token(name)).value)
    assert (caller.kind, caller.subject, caller.partner) == (kind, name.partition("/")[2], "")


async def test_a_name_is_taken_once(scene):
    again = CreateClient(
        client="partners/acme", display_name="x", scopes=frozenset(), public_key=der_of(generate_signing_key())
    )
    assert await refused(scene.engine.execute(again)) is Reason.RESOURCE_ALREADY_EXISTS


async def test_keys_overlap_and_a_revoked_one_ends_its_tokens_at_once(scene):
    old = await scene.token()
    added = (await add_key(scene, key := generate_signing_key(KeyAlgorithm.ES256))).signing_key
    first = scene.keys["partners/acme"]
    scene.keys["partners/acme"] = SigningKey(added.name.rpartition("/")[2], key.algorithm, key.private_key)
    new = await scene.token()
    await scene.caller(old.value)
    await scene.caller(new.value)
    await revoke_key(scene, f"partners/acme/signingKeys/{first.kid}")
    assert await refused(scene.caller(old.value)) is Reason.TOKEN_INVALID
    assert (await scene.caller(new.value)).partner == "acme"
    scene.keys["partners/acme"] = first
    assert await refused(scene.token()) is Reason.CLIENT_ASSERTION_INVALID


async def test_payer_tokens_end_with_the_key_that_asked_for_them(scene):
    request = partner_request_pb2.IssuePayerTokenRequest(parent="partners/acme/payers/ama", request_id=fresh(), kind=3)
    partner = await scene.caller((await scene.token()).value)
    token = (await scene.call(partner, scene.partners.IssuePayerToken, request)).token
    assert (await scene.caller(token.value)).subject == AMA
    await revoke_key(scene, f"partners/acme/signingKeys/{scene.keys['partners/acme'].kid}")
    assert await refused(scene.caller(token.value)) is Reason.TOKEN_INVALID


async def test_a_key_ends_when_it_said_it_would(scene):
    key = generate_signing_key()
    added = (await add_key(scene, key, expire_s=scene.now_s() + 60)).signing_key
    scene.keys["partners/acme"] = SigningKey(added.name.rpartition("/")[2], key.algorithm, key.private_key)
    token = await scene.token()
    await scene.caller(token.value)
    scene.clock.advance(61 * SECOND)
    assert await refused(scene.caller(token.value)) is Reason.TOKEN_INVALID
    assert await refused(scene.token()) is Reason.CLIENT_ASSERTION_INVALID
    assert await refused(add_key(scene, generate_signing_key(), expire_s=scene.now_s() - 1)) is Reason.FIELD_INVALID


async def test_keys_are_counted_and_never_come_back(scene):
    first = generate_signing_key()
    added = (await add_key(scene, first)).signing_key
    assert await refused(add_key(scene, first)) is Reason.RESOURCE_ALREADY_EXISTS
    await revoke_key(scene, added.name)
    assert await refused(add_key(scene, first)) is Reason.RESOURCE_ALREADY_EXISTS
    assert await refused(revoke_key(scene, added.name)) is Reason.ILLEGAL_TRANSITION
    for _ in range(scene.settings.signing_keys_max - 1):
        await add_key(scene, generate_signing_key())
    assert await refused(add_key(scene, generate_signing_key())) is Reason.COUNT_LIMIT_REACHED
    request = partner_service_pb2.ListSigningKeysRequest(parent="partners/acme", filter="state = ACTIVE")
    listed = await scene.call(ACME, scene.partners.ListSigningKeys, request)
    assert len(listed.signing_keys) == scene.settings.signing_keys_max


async def test_a_key_must_be_what_it_says(scene):
    assert await refused(add_key(scene, generate_signing_key(), algorithm=2)) is Reason.FIELD_INVALID
    request = partner_request_pb2.CreateSigningKeyRequest(
        parent="partners/acme", request_id=fresh(),
        signing_key=signing_key_pb2.SigningKey(algorithm=1, public_key_der=b"x" * 40),
    )  # fmt: skip
    added = scene.call(ACME, scene.partners.CreateSigningKey, request)
    assert await refused(added) is Reason.FIELD_INVALID


async def test_nobody_touches_another_partners_keys(scene):
    name = f"partners/acme/signingKeys/{scene.keys['partners/acme'].kid}"
    assert await refused(revoke_key(scene, name, OTHER)) is Reason.NOT_OWNER
    crossed = f"partners/other/signingKeys/{scene.keys['partners/acme'].kid}"
    assert await refused(revoke_key(scene, crossed, OTHER)) is Reason.RESOURCE_NOT_FOUND
    assert await refused(add_key(scene, generate_signing_key(), caller=OTHER)) is Reason.NOT_OWNER


async def test_the_kill_switch_stops_a_partner_and_its_payers_everywhere(scene):
    token = await scene.token()
    partner = await scene.caller(token.value)
    request = partner_request_pb2.IssuePayerTokenRequest(parent="partners/acme/payers/ama", request_id=fresh(), kind=3)
    payer_token = (await scene.call(partner, scene.partners.IssuePayerToken, request)).token
    elsewhere = Scene(scene.engine, scene.clock)
    await elsewhere.keeper.open()
    for place in (scene, elsewhere):
        await place.caller(token.value)
        await place.caller(payer_token.value)
    await scene.engine.execute(SuspendClient(client="partners/acme"))
    scene.clock.advance(STALE_US_MAX)
    for place in (scene, elsewhere):
        assert await refused(place.caller(token.value)) is Reason.PARTNER_SUSPENDED
        assert await refused(place.caller(payer_token.value)) is Reason.PARTNER_SUSPENDED
    assert await refused(scene.token()) is Reason.PARTNER_SUSPENDED
    assert (await scene.caller((await scene.token("partners/other")).value)).partner == "other"
    await scene.engine.execute(ResumeClient(client="partners/acme"))
    scene.clock.advance(STALE_US_MAX)
    assert (await scene.caller(token.value)).partner == "acme"
    assert await refused(scene.engine.execute(ResumeClient(client="partners/acme"))) is Reason.ILLEGAL_TRANSITION


async def test_standing_is_looked_up_at_most_once_a_second(scene):
    token = await scene.token()
    await scene.caller(token.value)
    found = scene.authenticate({"authorization": f"Bearer {token.value}"})
    assert found.partner == "acme"


async def test_a_token_ends_after_ten_minutes(scene):
    token = await scene.token()
    scene.clock.advance((600 + scene.settings.skew_s) * SECOND)
    assert await refused(scene.caller(token.value)) is Reason.TOKEN_EXPIRED


@pytest.mark.parametrize(
    ("metadata", "reason"),
    [
        ({}, Reason.TOKEN_MISSING), ({"authorization": "Basic eA=="}, Reason.TOKEN_INVALID),
        ({"authorization": "Bearer x"}, Reason.TOKEN_INVALID), ({"authorization": b"Bearer x"}, Reason.TOKEN_MISSING),
    ],
)  # fmt: skip
async def test_a_call_without_a_good_token_is_nobodys(scene, metadata, reason):
    async def ask():
        found = scene.authenticate(metadata)
        return found if isinstance(found, tuple) else await found

    assert await refused(ask()) is reason


# ---- payer tokens


async def test_a_payment_token_is_bound_to_one_payment_of_the_payer(scene):
    caller = await scene.payer_caller(1, payment=PAYMENT)
    assert (caller.kind, caller.subject, caller.purpose) == (CallerKind.PAYER, AMA, "pay")
    assert caller.resource == PAYMENT
    scene.shelf.payments[OTHER_PAYMENT] = payment_facts(OTHER_PAYMENT, "acme/ben")
    assert await refused(scene.payer_caller(1, payment=OTHER_PAYMENT)) is Reason.RESOURCE_NOT_FOUND


async def test_purposes_carry_what_they_need_and_no_more(scene):
    assert await refused(scene.payer_caller(1)) is Reason.FIELD_INVALID
    assert await refused(scene.payer_caller(3, payment=PAYMENT)) is Reason.FIELD_INVALID
    partner = await scene.caller((await scene.token()).value)
    request = partner_request_pb2.IssuePayerTokenRequest(parent="partners/acme/payers/ama", request_id=fresh(), kind=2)
    assert await refused(scene.call(partner, scene.partners.IssuePayerToken, request)) is Reason.FIELD_INVALID


async def test_a_partner_gets_tokens_for_its_own_payers_alone(scene):
    assert await refused(scene.payer_caller(3, AMA, partner=OTHER)) is Reason.NOT_OWNER
    assert await refused(scene.payer_caller(3, "acme/nobody")) is Reason.RESOURCE_NOT_FOUND


async def test_the_same_request_gives_a_new_token_for_the_same_purpose(scene):
    partner = await scene.caller((await scene.token()).value)
    request = partner_request_pb2.IssuePayerTokenRequest(
        parent="partners/acme/payers/ama", request_id=fresh(), kind=2, attestation=scene.word()
    )
    first = await scene.call(partner, scene.partners.IssuePayerToken, request)
    second = await scene.call(partner, scene.partners.IssuePayerToken, request)
    assert (first.replayed, second.replayed) == (False, True)
    assert first.token.value != second.token.value
    scene.clock.advance(700 * SECOND)
    late = scene.call(partner, scene.partners.IssuePayerToken, request)
    assert await refused(late) is Reason.SIGNATURE_INVALID


@pytest.mark.parametrize(
    "change",
    [
        {"iss": "partners/other"}, {"sub": "partners/acme/payers/ben"}, {"purpose": "recover"}, {"auth_time": 1},
        {"amr": []},
    ],
    ids=str,
)  # fmt: skip
async def test_a_word_that_is_not_quite_right_enrols_nobody(scene, change):
    word = scene.word(**change)
    request = partner_request_pb2.IssuePayerTokenRequest(
        parent="partners/acme/payers/ama", request_id=fresh(), kind=2, attestation=word
    )
    asked = scene.call(ACME, scene.partners.IssuePayerToken, request)
    assert await refused(asked) is Reason.SIGNATURE_INVALID


async def test_the_attestation_says_what_was_signed(scene):
    word = scene.word()
    word.amr[:] = ["face"]
    request = partner_request_pb2.IssuePayerTokenRequest(
        parent="partners/acme/payers/ama", request_id=fresh(), kind=2, attestation=word
    )
    assert await refused(scene.call(ACME, scene.partners.IssuePayerToken, request)) is Reason.FIELD_INVALID


# ---- our own keys


async def test_a_rotation_breaks_no_token_and_is_known_before_it_signs(scene):
    old = await scene.token()
    before = await scene.call(ANYONE, scene.partners.GetJwks, partner_service_pb2.GetJwksRequest())
    kid = await scene.keeper.rotate()
    shown = await scene.call(ANYONE, scene.partners.GetJwks, partner_service_pb2.GetJwksRequest())
    assert {key.kid for key in shown.keys} == {key.kid for key in before.keys} | {kid}
    assert scene.keeper.ring.signer(scene.now_s()).kid != kid
    scene.clock.advance(40 * SECOND)
    assert scene.keeper.ring.signer(scene.now_s()).kid == kid
    await scene.caller(old.value)
    await scene.caller((await scene.token()).value)
    scene.clock.advance(1000 * SECOND)
    shown = await scene.call(ANYONE, scene.partners.GetJwks, partner_service_pb2.GetJwksRequest())
    assert [key.kid for key in shown.keys] == [kid, scene.keeper.evidence.public.kid]
    assert all(key.y == "" and key.kty == "OKP" for key in shown.keys)


async def test_another_process_learns_a_new_key_within_its_notice(scene):
    elsewhere = Scene(scene.engine, scene.clock)
    await elsewhere.keeper.open()
    await scene.keeper.rotate()
    scene.clock.advance(31 * SECOND)
    token = await scene.token()
    assert (await elsewhere.caller(token.value)).partner == "acme"


async def test_a_leaked_key_of_ours_ends_at_once_but_never_the_last(scene):
    token = await scene.token()
    first = scene.keeper.ring.signer(scene.now_s()).kid
    assert await refused(scene.keeper.revoke(first)) is Reason.CONFLICT
    await scene.keeper.rotate()
    scene.clock.advance(40 * SECOND)
    await scene.keeper.revoke(first)
    assert await refused(scene.caller(token.value)) is Reason.TOKEN_INVALID
    assert await refused(scene.keeper.revoke("unknown")) is Reason.RESOURCE_NOT_FOUND


async def test_private_keys_are_sealed_by_the_master_key(scene):
    (row,) = await scene.reader.find(PlatformKey, {"purpose": "tokens"})
    assert b"PRIVATE" not in row.sealed
    with pytest.raises(WrongMasterKey):
        await KeyKeeper(scene.engine, b"\1" * 32, bytes).open()


async def test_processes_that_start_together_make_one_first_key(scene):
    again = KeyKeeper(scene.engine, bytes(32), secrets.token_bytes)
    await again._add(first=True)
    assert len(await scene.reader.find(PlatformKey, {"purpose": "tokens"})) == 1


async def test_a_partner_sees_itself(scene):
    request = partner_service_pb2.GetPartnerRequest(name="partners/acme")
    answer = await scene.call(ACME, scene.partners.GetPartner, request)
    assert set(answer.partner.scopes) == PARTNER_SCOPES
    assert await refused(scene.call(OTHER, scene.partners.GetPartner, request)) is Reason.NOT_OWNER
    assert len(await scene.reader.find(ClientKey, {"client": "partners/acme"})) == 1
