import json
from base64 import urlsafe_b64decode
from datetime import UTC, datetime

import pytest

import keelpay
from keelpay import BrowserSigner, ConfigurationError, ConfirmationMethod, Money, enums
from keelpay.api.auth.v1 import confirmation_service_pb2, passkey_service_pb2
from keelpay.api.gateway.v1 import payment_pb2, payment_request_pb2, payment_service_pb2
from keelpay.challenge import DisplayedPayment
from keelpay.models import Payment
from keelpay.testing import PasskeySigner, SoftPasskey
from tests.integration.sdk.confirmations import NAME, PAYER, RP_ID, confirmation, payment_confirmation, started, text

START, REJECT = "ConfirmationService/StartConfirmation", "ConfirmationService/RejectConfirmation"
CONFIRM = "PaymentService/ConfirmPayment"
CARD = f"{PAYER}/instruments/ins-1"
CNY = Money.of("12.30", "CNY")


@pytest.fixture
def passkey():
    device = SoftPasskey(origin=f"https://{RP_ID}")
    device.create(
        json.dumps(
            {
                "challenge": "AAAA",
                "rp": {"id": RP_ID},
                "user": {"id": "AAAA"},
                "pubKeyCredParams": [{"type": "public-key", "alg": -8}],
            }
        )
    )
    return device


@pytest.fixture
def ids(passkey):
    return list(passkey.credentials)


def payment(**changes):
    raw = payment_pb2.Payment(name="merchants/cafe/payments/pay-1", payer=PAYER, channel=2, state=3, **changes)
    raw.amount.currency_code, raw.amount.amount_minor = "CNY", 1230
    return Payment.of(raw)


def signed_challenge(assertion_json):
    client_data = json.loads(assertion_json)["response"]["clientDataJSON"]
    challenge = json.loads(urlsafe_b64decode(client_data + "==="))["challenge"]
    return urlsafe_b64decode(challenge + "===")


async def test_what_is_shown_is_what_is_signed_and_spent(server, driver, passkey, ids):
    raw = payment_confirmation(ids)
    server.script(START, started(raw))
    done = payment_request_pb2.ConfirmPaymentResponse(payment=payment_pb2.Payment(name="p", state=8))
    server.script(CONFIRM, done)
    signer = PasskeySigner(passkey)
    paid = await driver.call(lambda c: c.payments.confirm(payment(), signer))
    (start,), (confirm,) = server.called(START), server.called(CONFIRM)
    assert (start.request.parent, start.request.payment) == (PAYER, "merchants/cafe/payments/pay-1")
    assert confirm.request.confirmation == NAME
    assert signed_challenge(confirm.request.assertion_json) == raw.challenge
    assert signer.shown == [
        DisplayedPayment(
            payment_id="merchants/cafe/payments/pay-1",
            payer_id=PAYER,
            payee_id="merchants/cafe",
            payee_name="Café 咖啡",
            currency="CNY",
            amount_minor=1230,
            instrument_id="balance",
            instrument_display="Balance",
            rp_id=RP_ID,
        )
    ]
    assert paid.is_paid


async def test_a_name_is_fetched_before_it_is_signed(server, driver, passkey, ids):
    server.script("PaymentService/GetPayment", payment_service_pb2.GetPaymentResponse(payment=payment().raw))
    server.script(START, started(payment_confirmation(ids)))
    await driver.call(lambda c: c.payments.confirm("merchants/cafe/payments/pay-1", PasskeySigner(passkey)))
    assert server.called(CONFIRM)


@pytest.mark.parametrize(
    "change",
    [
        {"amount_minor": "999999"},
        {"amount_minor": "01230"},
        {"amount_minor": "１２３０"},
        {"currency": "USD"},
        {"payee_id": "merchants/thief"},
        {"payment_id": "merchants/cafe/payments/pay-2"},
        {"payer_id": "partners/shop/payers/bob"},
        {"instrument_id": CARD},
        {"type": "keelpay.mandate.v1"},
    ],
)
async def test_other_terms_than_the_payments_are_never_signed(change, server, driver, passkey, ids):
    server.script(START, started(payment_confirmation(ids, **change)))
    signer = PasskeySigner(passkey)
    with pytest.raises(keelpay.TermsDifferError):
        await driver.call(lambda c: c.payments.confirm(payment(), signer))
    assert not signer.shown
    assert not server.called(CONFIRM)
    assert server.called(REJECT)[0].request.rejection == enums.Rejection.TERMS_DIFFER


@pytest.mark.parametrize("part", ["challenge", "options challenge", "rp", "options", "nonce", "none"])
async def test_a_challenge_or_options_of_something_else_are_never_signed(part, server, driver, passkey, ids):
    raw = payment_confirmation(ids)
    options = json.loads(raw.options_json)
    if part == "challenge":
        raw.challenge = bytes(32)
    elif part == "options challenge":
        raw.options_json = json.dumps(options | {"challenge": text(bytes(32))})
    elif part == "rp":
        raw.options_json = json.dumps(options | {"rpId": "evil.example"})
    elif part == "options":
        raw.options_json = "not JSON"
    elif part == "nonce":
        raw.payment.nonce = "short"
    else:
        raw.ClearField("payment")
    server.script(START, started(raw))
    signer = PasskeySigner(passkey)
    with pytest.raises(keelpay.TermsDifferError):
        await driver.call(lambda c: c.payments.confirm(payment(), signer))
    assert not signer.shown
    assert not server.called(CONFIRM)


def spc(ids, **changes):
    raw = payment_confirmation(ids, method="spc")
    raw.method = ConfirmationMethod.SPC.wire
    request = {
        "rpId": RP_ID,
        "challenge": text(raw.challenge),
        "credentialIds": [text(each) for each in ids],
        "payeeName": "Café 咖啡",
        "instrument": {"displayName": "Balance", "icon": ""},
        "total": {"currency": "CNY", "value": "12.30"},
    }
    raw.options_json = json.dumps(request | changes)
    return raw


async def test_secure_payment_confirmation_signs_what_the_browser_shows(server, driver, passkey, ids):
    server.script(START, started(spc(ids)))
    signer = PasskeySigner(passkey)
    await driver.call(lambda c: c.payments.confirm(payment(), signer, signing=ConfirmationMethod.SPC))
    assert server.called(START)[0].request.method == ConfirmationMethod.SPC
    assert server.called(CONFIRM)


@pytest.mark.parametrize(
    "change",
    [
        {"total": {"currency": "CNY", "value": "0.01"}},
        {"total": {"currency": "USD", "value": "12.30"}},
        {"payeeName": "Somebody"},
        {"payeeName": None},
        {"payeeOrigin": "https://evil.example"},
        {"instrument": {"displayName": "Other", "icon": ""}},
        {"instrument": {"displayName": "Balance", "icon": "", "details": "of somebody else"}},
    ],
)
async def test_a_browser_is_never_asked_to_show_other_terms(change, server, driver, passkey, ids):
    server.script(START, started(spc(ids, **change)))
    with pytest.raises(keelpay.TermsDifferError):
        await driver.call(
            lambda c: c.payments.confirm(payment(), PasskeySigner(passkey), signing=ConfirmationMethod.SPC)
        )
    assert not server.called(CONFIRM)


async def test_a_person_who_says_no_is_told_to_the_server(server, driver, passkey, ids):
    server.script(START, started(payment_confirmation(ids)))
    with pytest.raises(keelpay.PayerDeclinedError):
        await driver.call(lambda c: c.payments.confirm(payment(), PasskeySigner(passkey, declines=True)))
    assert server.called(REJECT)[0].request.rejection == enums.Rejection.BY_PAYER
    assert not server.called(CONFIRM)


async def test_a_device_that_fails_is_told_to_the_server_and_to_the_caller(server, driver, ids):
    server.script(START, started(payment_confirmation(ids)))
    with pytest.raises(LookupError):
        await driver.call(lambda c: c.payments.confirm(payment(), PasskeySigner(SoftPasskey(origin="https://x"))))
    assert server.called(REJECT)[0].request.rejection == enums.Rejection.VERIFICATION_FAILED


async def test_an_asynchronous_signer_is_for_the_asynchronous_client(server, side, driver, passkey, ids):
    async def signer(request):
        return passkey.get(request.options_json)

    server.script(START, started(payment_confirmation(ids)))
    if side == "async":
        await driver.call(lambda c: c.payments.confirm(payment(), signer))
        assert server.called(CONFIRM)
    else:
        with pytest.raises(TypeError, match="AsyncClient"):
            await driver.call(lambda c: c.payments.confirm(payment(), signer))


async def test_a_payment_without_a_payer_cannot_be_signed(server, driver, passkey):
    whole = payment()
    raw = payment_pb2.Payment()
    raw.CopyFrom(whole.raw)
    raw.payer = ""
    with pytest.raises(keelpay.ConfigurationError, match="names no payer"):
        await driver.call(lambda c: c.payments.confirm(Payment.of(raw), PasskeySigner(passkey)))
    assert not server.calls


async def test_a_withdrawal_is_signed_with_its_amount_and_destination(server, driver, passkey, ids):
    terms = {
        "currency": "CNY",
        "amount_minor": "1230",
        "instrument_id": CARD,
        "instrument_display": "ICBC •••• 0018",
    }
    server.script(START, started(confirmation("withdrawal", ids, **terms)))
    signer = PasskeySigner(passkey)
    await driver.call(lambda c: c.payers.withdraw(PAYER, signer, amount=CNY, instrument=CARD))
    (call,) = server.called("PayerService/Withdraw")
    assert (call.request.confirmation, call.request.amount.amount_minor, call.request.instrument) == (NAME, 1230, CARD)
    server.script(START, started(confirmation("withdrawal", ids, **{**terms, "instrument_id": f"{CARD}9"})))
    with pytest.raises(keelpay.TermsDifferError):
        await driver.call(lambda c: c.payers.withdraw(PAYER, signer, amount=CNY, instrument=CARD))


async def test_a_mandate_is_signed_with_every_limit(server, driver, passkey, ids):
    until = datetime(2026, 12, 1, tzinfo=UTC)
    terms = {
        "mandate_id": "merchants/cafe/mandates/mdt-1",
        "payee_id": "merchants/cafe",
        "payee_name": "Cafe",
        "currency": "CNY",
        "payment_max_minor": "1230",
        "day_max_minor": "5000",
        "total_max_minor": "0",
        "day_zone": "Asia/Shanghai",
        "instrument_id": "balance",
        "instrument_display": "Balance",
        "valid_until": str(int(until.timestamp())),
    }
    limits = {"payer": PAYER, "payment_max": CNY, "day_max": Money(5000, "CNY"), "expire_time": until}
    answers = [
        confirmation_service_pb2.StartMandateResponse(confirmation=confirmation("mandate", ids, **{**terms, **change}))
        for change in ({}, {"day_max_minor": "500000"}, {"total_max_minor": "1"}, {"valid_until": "1999999999"})
    ]
    server.script("ConfirmationService/StartMandate", *answers)
    signer = PasskeySigner(passkey)
    await driver.call(lambda c: c.mandates.create(signer, **limits))
    (finish,) = server.called("ConfirmationService/FinishMandate")
    assert finish.request.confirmation == NAME
    for _ in range(3):
        with pytest.raises(keelpay.TermsDifferError):
            await driver.call(lambda c: c.mandates.create(signer, **limits))
    assert len(server.called("ConfirmationService/FinishMandate")) == 1


def registration(*, confirmation_required):
    answer = passkey_service_pb2.StartRegistrationResponse()
    answer.registration.name = f"{PAYER}/registrations/reg-1"
    answer.registration.confirmation_required = confirmation_required
    answer.registration.options_json = json.dumps(
        {
            "challenge": "AAAA",
            "rp": {"id": RP_ID},
            "user": {"id": "AAAA"},
            "pubKeyCredParams": [{"type": "public-key", "alg": -7}],
        }
    )
    return answer


async def test_a_first_passkey_is_made_in_one_go(server, driver):
    server.script("PasskeyService/StartRegistration", registration(confirmation_required=False))
    device = SoftPasskey(origin=f"https://{RP_ID}")
    await driver.call(lambda c: c.passkeys.register(PAYER, device.create, display_name="phone"))
    (finish,) = server.called("PasskeyService/FinishRegistration")
    assert json.loads(finish.request.credential_json)["type"] == "public-key"
    assert not finish.request.confirmation


async def test_a_further_passkey_is_allowed_by_an_active_one(server, driver, passkey, ids):
    server.script("PasskeyService/StartRegistration", *[registration(confirmation_required=True)] * 2)
    device = SoftPasskey(origin=f"https://{RP_ID}")
    with pytest.raises(keelpay.ConfigurationError, match="signer"):
        await driver.call(lambda c: c.passkeys.register(PAYER, device.create, display_name="pad"))
    terms = {"registration_id": f"{PAYER}/registrations/reg-1", "passkey_display": "pad"}
    server.script(START, started(confirmation("passkey_add", ids, **terms)))
    signer = PasskeySigner(passkey)
    await driver.call(lambda c: c.passkeys.register(PAYER, device.create, display_name="pad", signer=signer))
    (finish,) = server.called("PasskeyService/FinishRegistration")
    assert finish.request.confirmation == NAME


async def test_a_recovery_is_vetoed_with_an_old_passkey(server, driver, passkey, ids):
    cooling = f"{PAYER}/passkeys/psk-2"
    terms = {"passkey_id": cooling, "passkey_display": "thief's phone"}
    server.script(START, started(confirmation("recovery_veto", ids, **terms)))
    await driver.call(lambda c: c.passkeys.veto_recovery(cooling, PasskeySigner(passkey)))
    (veto,) = server.called("PasskeyService/VetoRecovery")
    assert (veto.request.name, veto.request.confirmation) == (cooling, NAME)


async def test_a_suspension_is_lifted_with_another_passkey(server, driver, passkey, ids):
    suspended = f"{PAYER}/passkeys/psk-2"
    terms = {"passkey_id": suspended, "passkey_display": "old phone"}
    server.script(START, started(confirmation("passkey_resume", ids, **terms)))
    await driver.call(lambda c: c.passkeys.resume(suspended, PasskeySigner(passkey)))
    (resumed,) = server.called("PasskeyService/ResumePasskey")
    assert (resumed.request.name, resumed.request.confirmation) == (suspended, NAME)


@pytest.mark.parametrize(
    ("signer", "words"),
    [("x", "'x' is no signer"), (BrowserSigner, "BrowserSigner(...)"), ({"a": 1}, "is no signer")],
)
async def test_what_cannot_sign_is_told_before_anything_is_asked(server, driver, signer, words):
    with pytest.raises(ConfigurationError) as told:
        await driver.call(lambda c: c.payments.confirm(payment(), signer))
    assert words in told.value.message
    assert not server.called(START)


@pytest.mark.parametrize(
    ("returned", "words"),
    [(None, "returned None"), ({"id": "x"}, "returned a dict"), (b"{}", "returned a bytes"), ("yes", "no JSON object"),
     ("[]", "no JSON object")],
)  # fmt: skip
async def test_what_no_browser_returns_is_told_and_never_sent(server, driver, ids, returned, words):
    server.script(START, started(payment_confirmation(ids)))
    server.script(REJECT, confirmation_service_pb2.RejectConfirmationResponse())
    with pytest.raises(ConfigurationError) as told:
        await driver.call(lambda c: c.payments.confirm(payment(), lambda request: returned))
    assert words in told.value.message
    assert "nothing was confirmed" in told.value.message
    assert len(server.called(REJECT)) == 1
    assert not server.called(CONFIRM)
