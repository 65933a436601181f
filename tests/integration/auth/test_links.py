"""Links to our pages as a partner makes them: for its own payers, on its fresh word, by day counted, never in clear."""

import pytest

from keelpay.api.auth.v1 import partner_request_pb2
from keelpay_server.auth import base64url
from keelpay_server.auth.enrolment import AttestedPerson
from keelpay_server.auth.link_desk import find_link
from keelpay_server.auth.names import payer_name
from keelpay_server.auth.payer_link import PayerLink, PayerLinkState, digest_of
from keelpay_server.auth.payer_link_commands import OpenLink
from keelpay_server.auth.token_signer import TokenSigner
from keelpay_server.book.reasons import Reason

from .refusals import refused
from .scene import ACME, AMA, BEN, OTHER, SECOND, fresh, merchant_request

ENROL, MANAGE, PAY = 2, 3, 1


async def made(scene, kind=MANAGE, payer=AMA, caller=None, request_id="", word=None, **back):
    request = partner_request_pb2.CreatePayerLinkRequest(
        parent=payer_name(payer), request_id=request_id or fresh(), kind=kind, attestation=word, **back
    )
    caller = caller or ACME._replace(key=scene.keys["partners/acme"].kid)
    return (await scene.call(caller, scene.partners.CreatePayerLink, request)).link


async def stored(scene, link):
    return await find_link(scene.reader, link.url.partition("#")[2])


async def test_a_links_secret_is_nowhere_in_the_database(scene):
    link = await made(scene)
    secret = base64url.decode(link.url.partition("#")[2])
    row = await stored(scene, link)
    assert row.digest == digest_of(secret)
    assert secret not in {row.seed, row.digest, row.id}
    for batch in await scene.reader.journal(0, 1000):
        assert secret not in batch.body


async def test_a_repeated_request_makes_the_same_link(scene):
    request_id = fresh()
    assert await made(scene, request_id=request_id) == await made(scene, request_id=request_id)


async def test_of_two_links_for_one_purpose_the_newer_counts(scene):
    first, second = await made(scene), await made(scene)
    assert (await stored(scene, first)).state == PayerLinkState.REPLACED
    assert (await stored(scene, second)).state == PayerLinkState.OPEN
    await made(scene, payer=BEN)
    assert (await stored(scene, second)).state == PayerLinkState.OPEN


async def test_an_enrolment_link_needs_the_partners_word_which_is_kept_and_used_once(scene):
    assert await refused(made(scene, ENROL)) is Reason.FIELD_INVALID
    word = scene.word()
    link = await made(scene, ENROL, word=word)
    assert len(await scene.reader.find(AttestedPerson, {"payer": AMA})) == 1
    assert await refused(made(scene, ENROL, word=word)) is Reason.CLIENT_ASSERTION_REPLAYED
    assert await refused(made(scene, MANAGE, word=scene.word())) is Reason.FIELD_INVALID
    assert link.expire_time.seconds - scene.now_s() <= 600


async def test_enrolment_links_are_counted_with_enrolment_tokens(scene):
    for _ in range(scene.settings.enrolments_a_day - 1):
        await made(scene, ENROL, word=scene.word())
    await scene.payer_caller(2)
    assert await refused(made(scene, ENROL, word=scene.word())) is Reason.RATE_LIMITED


@pytest.mark.parametrize(
    ("kind", "payer", "caller", "reason"),
    [
        (PAY, AMA, None, Reason.FIELD_INVALID),
        (MANAGE, AMA, OTHER, Reason.NOT_OWNER),
        (MANAGE, "acme/nobody", None, Reason.RESOURCE_NOT_FOUND),
    ],
)
async def test_a_partner_links_to_the_pages_of_its_own_payers_alone(scene, kind, payer, caller, reason):
    assert await refused(made(scene, kind, payer, caller)) is reason


async def shop_with(scene, name, partner, origins):
    """Admits a shop whose people may be sent back to some places."""
    caller = ACME._replace(subject=partner, partner=partner)
    request = merchant_request(name, partner=partner, return_origins=origins)
    await scene.call(caller, scene.partners.CreateMerchant, request)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("https://shop.example/account?a=b", None),
        ("com.example.shop://account", None),
        ("https://shop.example.evil.example/", Reason.RETURN_URL_NOT_ALLOWED),
        ("https://shop.example@evil.example/", Reason.RETURN_URL_NOT_ALLOWED),
        ("https://shop.example:8443/", Reason.RETURN_URL_NOT_ALLOWED),
        ("com.example.shop.evil://account", Reason.RETURN_URL_NOT_ALLOWED),
    ],
)
@pytest.mark.parametrize("kind", [ENROL, MANAGE])
async def test_a_link_leads_back_only_to_what_the_merchant_registered(scene, kind, url, reason):
    await shop_with(scene, "tea", "acme", ["https://shop.example", "com.example.shop:"])
    word = scene.word() if kind == ENROL else None
    making = made(scene, kind, word=word, merchant="merchants/tea", return_url=url)
    if reason is None:
        assert (await stored(scene, await making)).return_uri == url
    else:
        assert await refused(making) is reason
        assert (await made(scene, kind, word=word)).url, "what was refused has not used the partner's word"


async def test_a_link_does_not_borrow_another_partners_places(scene):
    await shop_with(scene, "tea", "other", ["https://shop.example"])
    for merchant, reason in (("merchants/tea", Reason.NOT_OWNER), ("merchants/none", Reason.RESOURCE_NOT_FOUND)):
        assert await refused(made(scene, merchant=merchant, return_url="https://shop.example/")) is reason
    assert await refused(made(scene, return_url="https://shop.example/")) is Reason.FIELD_INVALID
    assert await refused(made(scene, merchant="merchants/tea")) is Reason.FIELD_INVALID


async def test_a_link_opens_until_its_last_moment_and_never_again(scene):
    late, early = await made(scene), await made(scene, payer=BEN)
    await scene.engine.execute(OpenLink(link=(await stored(scene, early)).id))
    assert await refused(scene.engine.execute(OpenLink(link=(await stored(scene, early)).id))) is (
        Reason.CHECKOUT_LINK_USED
    )
    scene.clock.advance(1_800 * SECOND)
    row = await stored(scene, late)
    assert await refused(scene.engine.execute(OpenLink(link=row.id))) is Reason.CHECKOUT_LINK_EXPIRED
    assert (await scene.reader.get(PayerLink, row.id)).open_time == 0


async def test_a_sessions_token_ends_with_the_session_and_with_the_partners_key(scene):
    link = await made(scene)
    row = (await scene.engine.execute(OpenLink(link=(await stored(scene, link)).id))).row
    signer = TokenSigner(scene.settings, scene.keeper, bytes)
    scene.clock.advance(1_700 * SECOND)
    token = signer.of_session(row, scene.clock())
    assert token.expire_time == row.session_end_time // SECOND * SECOND
    caller = await scene.caller(token.value)
    assert (caller.subject, caller.purpose, caller.key) == (AMA, "manage", scene.keys["partners/acme"].kid)
    assert caller.session.startswith("lnk-")
