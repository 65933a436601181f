"""Risk hears how a payer said yes: by which method, passkey and browser, over a whole installation."""

from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from keelpay import BankAccount, PaymentMethod
from keelpay.enums import ConfirmationMethod, PaymentState
from keelpay.testing import PasskeySigner, SoftPasskey
from keelpay_server.book.ports import Page
from keelpay_server.risk.consent import BrowserKey, ConsentMethod, Site
from keelpay_server.risk.decision import Decision
from keelpay_server.risk.features import UNKNOWN, from_snapshot
from tests.e2e.installation import ORIGIN, cny, open_installation

SPC = ConfirmationMethod.SPC


@pytest.fixture
async def made(tmp_path):
    async with open_installation(tmp_path, instrument_icon="https://localhost/card.png") as opened:
        yield opened


async def latest(made):
    """The features of the newest decision, and what moved it."""
    (row,) = await made.server.engine.reader.find(Decision, {}, Page(1, descending=True))
    return from_snapshot(row.features), {each.source for each in row.contributions()}


async def test_risk_hears_passkey_method_and_whether_the_browser_is_known(made):
    payer = await made.acme.payers.create("zoe", locale="en", region="CN")
    phone = SoftPasskey(origin=ORIGIN, browser_bound=True)
    enrol = made.as_holder_of(await made.acme.tokens.enrol(payer, made.acme.attest(payer, amr=["otp"])))
    await enrol.passkeys.register(payer, phone.create, display_name="Phone", spc=True)
    account = await made.acme.payers.tokenize(
        payer, BankAccount(account_number="6222020200112233445", bank_code="ICBKCNBJ", holder_name="Zoe")
    )

    async def pay(device, method):
        draft = made.acme.payments.draft(merchant=made.cafe, amount=cny(1_250), method=PaymentMethod.bank(account.name))
        payment = await made.acme.payments.create(draft)
        return await made.acme.payments.confirm(payment, PasskeySigner(device), signing=method)

    assert (await pay(phone, SPC)).state is PaymentState.CAPTURED
    seen, moved = await latest(made)
    assert (seen.consent_method, seen.passkey_browser) == (ConsentMethod.SPC, BrowserKey.KNOWN)
    assert (seen.passkey_synced, seen.passkey_site, seen.passkey_regressed_hours) == (0, Site.OWN, UNKNOWN)
    assert 0 <= seen.passkey_hours < 1
    assert "browser_known" in moved

    await pay(replace(phone, browser_key=ec.generate_private_key(ec.SECP256R1())), SPC)
    seen, moved = await latest(made)
    assert (seen.passkey_browser, "browser_new" in moved) == (BrowserKey.NEW, True)

    await pay(phone, ConfirmationMethod.WEBAUTHN)
    seen, _ = await latest(made)
    assert (seen.consent_method, seen.passkey_browser) == (ConsentMethod.WEBAUTHN, BrowserKey.NONE)
