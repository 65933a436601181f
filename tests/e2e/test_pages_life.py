"""What a person does on our pages, by links and sessions alone, on either database: enrol, manage, recover, veto."""

import json
import secrets
from datetime import UTC, datetime, timedelta

import pytest
from google.protobuf.json_format import MessageToDict

from keelpay import FailedPreconditionError, PaymentMethod, Reason, credentials
from keelpay.enums import MandateState, PasskeyState, PaymentState
from keelpay.testing import PasskeySigner, SoftPasskey
from keelpay_server.auth.evidence import evidence_digest
from keelpay_server.auth.evidence_report import read_jwks, verify_evidence
from keelpay_server.auth.evidence_words import evidence_sentences
from keelpay_server.ledger.finding import Invariant
from tests.e2e.installation import ORIGIN, cny, open_installation


@pytest.fixture
async def made(database_url, tmp_path):
    async with open_installation(tmp_path, database_url) as opened:
        yield opened


async def page(made, link):
    """The client of whoever opens a link, and what the page shows first."""
    kind = type(made.acme)
    async with kind(made.server.address, credentials=credentials.local(credentials.anonymous())) as nobody:
        opened = await nobody.sessions.open(link.token)
    return made.as_holder_of(opened.token), opened.session


async def managing(made, payer):
    return await page(made, await made.acme.tokens.manage_link(payer))


async def enrolling(made, payer):
    return await page(made, await made.acme.tokens.enrol_link(payer, made.acme.attest(payer, amr=["otp"])))


async def test_a_life_of_a_payer_on_our_pages(made):
    payer = await made.acme.payers.create("zoe", locale="en", region="CN")
    old, new, thief = (SoftPasskey(origin=ORIGIN) for _ in range(3))

    # A first passkey, then a further device that the first one vouches for.
    enrol, session = await enrolling(made, payer)
    assert (session.passkey_active, session.recovery) == (False, None)
    first = await enrol.passkeys.register(payer, old.create, display_name="Phone")
    assert (first.amount_limit, first.limit_end_time > first.create_time) == (cny(200_000), True)
    manage, session = await managing(made, payer)
    assert session.passkey_active
    further = await manage.passkeys.register(payer, new.create, display_name="Tablet", signer=PasskeySigner(old))
    shown = {key.display_name: key.state async for key in manage.passkeys.list(payer)}
    assert shown == {"Phone": PasskeyState.ACTIVE, "Tablet": PasskeyState.ACTIVE}

    # Small payments without a finger, as the person read and signed them, until they are revoked.
    mandate = await manage.mandates.create(
        PasskeySigner(new), merchant=made.cafe, payer=payer, payment_max=cny(900), day_max=cny(2_000),
        expire_time=datetime.now(UTC) + timedelta(days=30),
    )  # fmt: skip
    assert (mandate.payee_name, mandate.instrument_display) == ("Cafe", "Balance")
    (listed,) = [each async for each in manage.mandates.list(merchant="merchants/-", payer=payer)]
    assert (listed.name, listed.payee_name) == (mandate.name, "Cafe")
    kept = (await made.acme.confirmations.get(mandate.confirmation)).evidence
    keys = read_jwks(json.dumps({"keys": [MessageToDict(key) for key in await made.acme.partners.jwks()]}))
    report = verify_evidence(kept.document_json, keys)
    assert (report.proven, report.seal_known, kept.refusal) == (True, True, None)
    assert "payments of at most 9.00 CNY each, at most 20.00 CNY a day" in evidence_sentences(report)[0]
    spent = await made.acme.events.list(resource=mandate.confirmation, types=["confirmation.consumed"]).first()
    assert spent.data["evidence"] == evidence_digest(kept.document_json)
    assert (await manage.mandates.revoke(mandate)).state is MandateState.REVOKED

    # A lost tablet signs nothing more.
    assert (await manage.passkeys.revoke(further)).state is PasskeyState.REVOKED

    # Somebody talks the partner into a recovery: it cools, is seen on the page, and the old passkey stops it.
    word = made.acme.attest(payer, amr=["otp"], purpose="recover")
    await made.acme.passkeys.start_recovery(payer, word, display_name="New phone")
    # Whoever holds the old device cannot hide it behind another registration.
    await manage.passkeys.start_registration(payer, display_name="Another tablet")
    recovering, session = await enrolling(made, payer)
    assert session.recovery is not None
    assert session.recovery.recovery
    cooling = await recovering.passkeys.finish_registration(
        session.recovery, thief.create(session.recovery.options_json)
    )
    assert cooling.state is PasskeyState.COOLING
    manage, _ = await managing(made, payer)
    (seen,) = [key async for key in manage.passkeys.list(payer, state=PasskeyState.COOLING)]
    assert (seen.name, seen.display_name, seen.cooling_end_time) == (
        cooling.name, "New phone", cooling.cooling_end_time,
    )  # fmt: skip
    assert (await manage.passkeys.veto_recovery(seen, PasskeySigner(old))).state is PasskeyState.REVOKED
    _, session = await enrolling(made, payer)
    assert session.recovery is None


async def test_a_payment_by_link_is_chosen_confirmed_and_receipted(made):
    draft = made.acme.payments.draft(
        merchant=made.cafe, amount=cny(1_900), method=PaymentMethod.balance(made.ann.name),
        merchant_payment_id=f"life-{secrets.token_hex(4)}",
    )  # fmt: skip
    payment = await made.acme.payments.create(draft)
    link = await made.acme.orders.create_checkout_link(payment)
    holder, session = await page(made, link)
    option = next(each for each in session.checkout.options if each.method.instrument == made.ann.card)
    chosen = await holder.payments.choose(payment, option.method)
    paid = await holder.payments.confirm(chosen, made.ann.signer)
    assert paid.state is PaymentState.CAPTURED
    receipt = await holder.payments.receipt(payment)
    assert (receipt.captured, receipt.source_display) == (cny(1_900), option.display)
    with pytest.raises(FailedPreconditionError) as used:
        await page(made, link)
    assert used.value.reason == Reason.CHECKOUT_LINK_USED
    # What banks charge is not covered: nobody paid own funds in here.
    findings, looked_at = await made.findings()
    assert {finding.invariant for finding in findings} <= {Invariant.COVERED}
    assert looked_at
