"""The challenge: one text form for one set of terms."""

import dataclasses
import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelpay.challenge import (
    ChallengeMismatch,
    Displayed,
    DisplayedMandate,
    DisplayedPasskeyAddition,
    DisplayedPasskeyResumption,
    DisplayedPayment,
    DisplayedRecoveryVeto,
    DisplayedWithdrawal,
    require_displayed,
)
from keelpay_server.auth.challenge import TermsInvalid, canonical, challenge, document, parse_document
from keelpay_server.auth.terms import (
    ConfirmationMethod,
    MandateTerms,
    PasskeyAddTerms,
    PasskeyResumeTerms,
    PaymentTerms,
    RecoveryVetoTerms,
    Terms,
    WithdrawalTerms,
)

from .ceremonies import EXPIRES_AT_S, TERMS

NONCE = bytes(range(32, 64))
MANDATE = MandateTerms(
    mandate_id="merchants/cafe/mandates/man-1",
    payer_id="partners/acme/payers/ama",
    payee_id="merchants/cafe",
    payee_name="Café",
    currency="CNY",
    payment_max_minor=5_000,
    day_max_minor=20_000,
    total_max_minor=0,
    day_zone="Asia/Shanghai",
    instrument_id="partners/acme/payers/ama/instruments/ins-1",
    instrument_display="Balance",
    rp_id="pay.example.com",
    valid_until_s=1_950_000_000,
)
ADDITION = PasskeyAddTerms(
    registration_id="reg-1", payer_id="partners/acme/payers/ama", passkey_display="Phone", rp_id="pay.example.com"
)
WITHDRAWAL = WithdrawalTerms(
    payer_id="partners/acme/payers/ama",
    currency="CNY",
    amount_minor=1,
    instrument_id="partners/acme/payers/ama/instruments/ins-1",
    instrument_display="Bank •••• 0001",
    rp_id="pay.example.com",
)
VETO = RecoveryVetoTerms(
    passkey_id="partners/acme/payers/ama/passkeys/key-2",
    payer_id="partners/acme/payers/ama",
    passkey_display="Phone",
    rp_id="pay.example.com",
)
RESUMPTION = PasskeyResumeTerms(
    passkey_id="partners/acme/payers/ama/passkeys/key-2",
    payer_id="partners/acme/payers/ama",
    passkey_display="Phone",
    rp_id="pay.example.com",
)
EVERY_TERMS = (TERMS, MANDATE, WITHDRAWAL, ADDITION, VETO, RESUMPTION)
SCREENS = {
    PaymentTerms: DisplayedPayment,
    MandateTerms: DisplayedMandate,
    WithdrawalTerms: DisplayedWithdrawal,
    PasskeyAddTerms: DisplayedPasskeyAddition,
    RecoveryVetoTerms: DisplayedRecoveryVeto,
    PasskeyResumeTerms: DisplayedPasskeyResumption,
}
EVERY_MEMBER = [(terms, field.name) for terms in EVERY_TERMS for field in dataclasses.fields(terms)]

texts = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=40)
amounts = st.integers(1, 2**63 - 1)
nonces = st.binary(min_size=32, max_size=32)
payments = st.builds(
    PaymentTerms,
    **dict.fromkeys(
        (
            "payment_id",
            "payer_id",
            "payee_id",
            "payee_name",
            "currency",
            "instrument_id",
            "instrument_display",
            "rp_id",
        ),
        texts,
    ),
    amount_minor=amounts,
    method=st.sampled_from(ConfirmationMethod),
)
mandates = st.builds(
    MandateTerms,
    **dict.fromkeys(
        (
            "mandate_id",
            "payer_id",
            "payee_id",
            "payee_name",
            "currency",
            "day_zone",
            "instrument_id",
            "instrument_display",
            "rp_id",
        ),
        texts,
    ),
    payment_max_minor=amounts,
    day_max_minor=amounts,
    total_max_minor=st.integers(0, 2**63 - 1),
    valid_until_s=amounts,
)
additions = st.builds(
    PasskeyAddTerms, **dict.fromkeys(("registration_id", "payer_id", "passkey_display", "rp_id"), texts)
)
withdrawals = st.builds(
    WithdrawalTerms,
    **dict.fromkeys(("payer_id", "currency", "instrument_id", "instrument_display", "rp_id"), texts),
    amount_minor=amounts,
)
vetoes = st.builds(RecoveryVetoTerms, **dict.fromkeys(("passkey_id", "payer_id", "passkey_display", "rp_id"), texts))
resumptions = st.builds(
    PasskeyResumeTerms, **dict.fromkeys(("passkey_id", "payer_id", "passkey_display", "rp_id"), texts)
)
every_terms = payments | mandates | withdrawals | additions | vetoes | resumptions


def changed(value: object) -> object:
    if isinstance(value, ConfirmationMethod):
        return ConfirmationMethod.SPC
    return value + 1 if isinstance(value, int) else f"{value}x"


def test_the_form_is_sorted_compact_json_of_texts():
    assert canonical(ADDITION, NONCE, EXPIRES_AT_S).decode() == (
        '{"expiresAt":"1900000120","nonce":"ICEiIyQlJicoKSorLC0uLzAxMjM0NTY3ODk6Ozw9Pj8",'
        '"passkeyDisplay":"Phone","payerId":"partners/acme/payers/ama","registrationId":"reg-1",'
        '"rpId":"pay.example.com","type":"keelpay.passkey-add.v1"}'
    )


def test_the_challenge_is_the_sha256_of_the_form():
    assert challenge(TERMS, NONCE, EXPIRES_AT_S) == hashlib.sha256(canonical(TERMS, NONCE, EXPIRES_AT_S)).digest()


def test_payment_members_have_the_names_of_the_contract():
    assert set(document(TERMS, NONCE, EXPIRES_AT_S)) == {
        "type",
        "paymentId",
        "payerId",
        "payeeId",
        "payeeName",
        "currency",
        "amountMinor",
        "instrumentId",
        "instrumentDisplay",
        "rpId",
        "method",
        "nonce",
        "expiresAt",
    }


@pytest.mark.parametrize("terms,field", EVERY_MEMBER, ids=lambda each: each if isinstance(each, str) else "")
def test_changing_any_member_changes_the_challenge(terms: Terms, field: str):
    other = dataclasses.replace(terms, **{field: changed(getattr(terms, field))})
    assert challenge(other, NONCE, EXPIRES_AT_S) != challenge(terms, NONCE, EXPIRES_AT_S)


@pytest.mark.parametrize("terms", EVERY_TERMS)
def test_nonce_and_expiry_are_part_of_what_is_signed(terms: Terms):
    first = challenge(terms, NONCE, EXPIRES_AT_S)
    assert challenge(terms, bytes(32), EXPIRES_AT_S) != first
    assert challenge(terms, NONCE, EXPIRES_AT_S + 1) != first


@pytest.mark.parametrize("text", ["\ud800", "a\udfffb", "", "x" * 1025])
def test_a_text_without_a_form_is_refused(text: str):
    with pytest.raises(TermsInvalid):
        canonical(dataclasses.replace(TERMS, payee_name=text), NONCE, EXPIRES_AT_S)


@pytest.mark.parametrize("amount", [0, -1, 2**63, True, 12.5])
def test_an_amount_out_of_range_is_refused(amount: int):
    with pytest.raises(TermsInvalid):
        canonical(dataclasses.replace(TERMS, amount_minor=amount), NONCE, EXPIRES_AT_S)


@pytest.mark.parametrize("size", [0, 31, 33])
def test_a_nonce_of_another_size_is_refused(size: int):
    with pytest.raises(TermsInvalid):
        canonical(TERMS, bytes(size), EXPIRES_AT_S)
    with pytest.raises(ValueError, match="nonce"):
        displayed(TERMS).challenge(bytes(size), EXPIRES_AT_S)


@given(every_terms, nonces, amounts)
def test_terms_are_read_back_as_they_were_written(terms: Terms, nonce: bytes, expires_at_s: int):
    assert parse_document(document(terms, nonce, expires_at_s)) == (terms, nonce, expires_at_s)


@pytest.mark.parametrize(
    "change",
    [
        {"type": "keelpay.payment-confirmation.v2"},
        {"amountMinor": "01250"},
        {"amountMinor": "+1250"},
        {"amountMinor": "١٢٥٠"},
        {"amountMinor": "1" * 30},
        {"method": "sms"},
        {"nonce": "AA"},
        {"nonce": "*" * 43},
        {"extra": "x"},
    ],
)
def test_a_document_that_is_not_canonical_is_refused(change: dict[str, str]):
    with pytest.raises(TermsInvalid):
        parse_document(document(TERMS, NONCE, EXPIRES_AT_S) | change)


def test_a_document_with_a_missing_member_is_refused():
    members = document(TERMS, NONCE, EXPIRES_AT_S)
    del members["payeeName"]
    with pytest.raises(TermsInvalid):
        parse_document(members)


def displayed(terms: Terms) -> Displayed:
    """The same facts as a client has them on its screen."""
    members = {field.name: getattr(terms, field.name) for field in dataclasses.fields(terms)}
    return SCREENS[type(terms)](**members)


@given(every_terms, nonces, amounts)
def test_the_client_recomputes_the_servers_challenge_from_what_it_displays(
    terms: Terms, nonce: bytes, expires_at_s: int
):
    offered = challenge(terms, nonce, expires_at_s)
    require_displayed(offered, displayed(terms), nonce=nonce, expires_at_s=expires_at_s)


@pytest.mark.parametrize("terms,field", EVERY_MEMBER, ids=lambda each: each if isinstance(each, str) else "")
def test_the_client_refuses_a_challenge_for_other_terms_than_it_displays(terms: Terms, field: str):
    other = dataclasses.replace(terms, **{field: changed(getattr(terms, field))})
    offered = challenge(other, NONCE, EXPIRES_AT_S)
    with pytest.raises(ChallengeMismatch):
        require_displayed(offered, displayed(terms), nonce=NONCE, expires_at_s=EXPIRES_AT_S)


def test_the_client_refuses_a_lone_surrogate():
    with pytest.raises(ValueError, match="surrogate"):
        displayed(dataclasses.replace(TERMS, payee_name="\ud800")).challenge(NONCE, EXPIRES_AT_S)


@given(payments)
def test_control_characters_are_escaped_as_rfc_8785_says(terms: PaymentTerms):
    form = canonical(terms, NONCE, EXPIRES_AT_S).decode()
    assert not any(ord(character) < 0x20 for character in form)
    assert json.loads(form)["payeeName"] == terms.payee_name
