"""Secure Payment Confirmation: what the browser showed is what the server stored, member by member."""

import dataclasses
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelpay.testing.soft_passkey import cose_public_key
from keelpay_server.auth.assertion_failure import AssertionFailure, AssertionRefused
from keelpay_server.auth.relying_party import RelyingParty
from keelpay_server.auth.spc import decimal_text

from .ceremonies import DISPLAYED, ORIGIN, RP_ID, SHOP, Ceremony, client_bytes, resigned

A_LOGO, EVIL_LOGO = DISPLAYED.logos[0], "https://evil.example/x.png"
EMBEDDED = RelyingParty(rp_id=RP_ID, origins=frozenset({ORIGIN}), embedders=frozenset({SHOP}))


@pytest.fixture(scope="module")
def payer() -> Ceremony:
    return Ceremony()


def refusal(payer: Ceremony, credential_json: str, **changes) -> AssertionFailure:
    with pytest.raises(AssertionRefused) as refused:
        payer.verify(credential_json, payment=DISPLAYED, **changes)
    return refused.value.failure


def signed_payment(credential_json: str) -> dict[str, object]:
    return json.loads(client_bytes(credential_json))["payment"]


def test_what_was_shown_as_stored_is_verified(payer: Ceremony):
    verified = payer.verify(payer.show(), payment=DISPLAYED)
    assert (verified.method, verified.origin, verified.top_origin) == ("spc", ORIGIN, None)


def test_the_amount_is_shown_by_the_currencys_exponent(payer: Ceremony):
    assert signed_payment(payer.show())["total"] == {"currency": "CNY", "value": "12.50"}


@pytest.mark.parametrize(
    "member,value,failure",
    [
        ("rpId", "evil.example", AssertionFailure.PAYMENT_RP_ID),
        ("rpId", None, AssertionFailure.PAYMENT_RP_ID),
        ("rp", "evil.example", AssertionFailure.PAYMENT_RP_ID),
        ("topOrigin", "https://evil.example", AssertionFailure.PAYMENT_TOP_ORIGIN),
        ("topOrigin", None, AssertionFailure.PAYMENT_TOP_ORIGIN),
        ("topOrigin", ["https://pay.example.com"], AssertionFailure.PAYMENT_TOP_ORIGIN),
        ("payeeName", "Evil", AssertionFailure.PAYMENT_PAYEE_NAME),
        ("payeeName", None, AssertionFailure.PAYMENT_PAYEE_NAME),
        ("payeeOrigin", "https://evil.example", AssertionFailure.PAYMENT_PAYEE_ORIGIN),
        ("payeeOrigin", None, AssertionFailure.PAYMENT_PAYEE_ORIGIN),
        ("total", {"currency": "USD", "value": "12.50"}, AssertionFailure.PAYMENT_CURRENCY),
        ("total", {"currency": "CNY", "value": "1250.00"}, AssertionFailure.PAYMENT_VALUE),
        ("total", {"currency": "CNY", "value": "12.5"}, AssertionFailure.PAYMENT_VALUE),
        ("total", {"currency": "CNY", "value": 12.5}, AssertionFailure.PAYMENT_VALUE),
        ("total", None, AssertionFailure.PAYMENT_CURRENCY),
        ("total", "12.50", AssertionFailure.PAYMENT_CURRENCY),
        ("instrument", None, AssertionFailure.PAYMENT_INSTRUMENT),
        ("paymentEntitiesLogos", [{"url": EVIL_LOGO, "label": A_LOGO.label}], AssertionFailure.PAYMENT_LOGOS),
        ("paymentEntitiesLogos", [{"url": A_LOGO.url, "label": "Evil"}], AssertionFailure.PAYMENT_LOGOS),
        ("paymentEntitiesLogos", [{"url": A_LOGO.url}], AssertionFailure.PAYMENT_LOGOS),
        ("paymentEntitiesLogos", [A_LOGO._asdict()] * 2, AssertionFailure.PAYMENT_LOGOS),
        ("paymentEntitiesLogos", "none", AssertionFailure.PAYMENT_LOGOS),
        ("paymentEntitiesLogos", [7], AssertionFailure.PAYMENT_LOGOS),
    ],
)
def test_a_member_that_differs_is_refused_by_its_name(
    payer: Ceremony, member: str, value: object, failure: AssertionFailure
):
    shown = payer.show()
    payment = signed_payment(shown) | {member: value}
    lying = resigned(
        payer, shown, payment={name: each for name, each in payment.items() if each is not None or name != member}
    )
    assert refusal(payer, lying) is failure


@pytest.mark.parametrize("member", ["displayName", "icon", "details"])
def test_another_instrument_is_refused(payer: Ceremony, member: str):
    shown = payer.show()
    payment = signed_payment(shown)
    lying = resigned(payer, shown, payment=payment | {"instrument": payment["instrument"] | {member: "other"}})
    assert refusal(payer, lying) is AssertionFailure.PAYMENT_INSTRUMENT


def test_logos_in_another_order_are_refused_and_fewer_are_not(payer: Ceremony):
    shown = payer.show()
    payment = signed_payment(shown)
    logos = payment["paymentEntitiesLogos"]
    turned = resigned(payer, shown, payment=payment | {"paymentEntitiesLogos": logos[::-1]})
    fewer = resigned(payer, shown, payment=payment | {"paymentEntitiesLogos": logos[1:]})
    assert refusal(payer, turned) is AssertionFailure.PAYMENT_LOGOS
    assert payer.verify(fewer, payment=DISPLAYED).method == "spc"


def test_a_logo_that_the_browser_could_not_fetch_is_signed_by_its_name_alone(payer: Ceremony):
    shown = payer.show()
    payment = signed_payment(shown)
    first, second = payment["paymentEntitiesLogos"]
    unseen = resigned(payer, shown, payment=payment | {"paymentEntitiesLogos": [first, second | {"url": ""}]})
    assert payer.verify(unseen, payment=DISPLAYED).method == "spc"


def test_no_payment_member_is_refused(payer: Ceremony):
    assert refusal(payer, resigned(payer, payer.show(), payment=None)) is AssertionFailure.PAYMENT_MISSING


def test_an_instrument_without_details_may_be_written_with_an_empty_line(payer: Ceremony):
    plain = dataclasses.replace(DISPLAYED, instrument_details=None)
    shown = payer.show(plain)
    payment = signed_payment(shown)
    empty = resigned(payer, shown, payment=payment | {"instrument": payment["instrument"] | {"details": ""}})
    assert payer.verify(empty, payment=plain).method == "spc"


def test_a_member_that_a_newer_browser_adds_is_no_failure(payer: Ceremony):
    shown = payer.show()
    newer = resigned(payer, shown, payment=signed_payment(shown) | {"someday": True})
    assert payer.verify(newer, payment=DISPLAYED).method == "spc"


def test_a_frame_is_accepted_only_inside_a_page_on_the_list():
    payer = Ceremony()
    payer.device.cross_origin, payer.device.top_origin = True, SHOP
    assert refusal(payer, payer.show()) is AssertionFailure.CROSS_ORIGIN
    assert payer.verify(payer.show(), payment=DISPLAYED, party=EMBEDDED).top_origin == SHOP


def test_a_frame_whose_browser_tells_its_page_only_in_the_payment_is_judged_by_that():
    payer = Ceremony()
    payer.device.cross_origin, payer.device.top_origin = True, SHOP
    shown = resigned(payer, payer.show(), topOrigin=None)
    assert refusal(payer, shown) is AssertionFailure.CROSS_ORIGIN
    assert payer.verify(shown, payment=DISPLAYED, party=EMBEDDED).top_origin == SHOP


# --- the browser's own key ---


def test_a_browser_that_is_not_known_yet_shows_its_key():
    payer = Ceremony(browser_bound=True)
    key = cose_public_key(payer.device.browser_key)
    verified = payer.verify(payer.show(), payment=DISPLAYED)
    assert (verified.browser_bound, verified.browser_bound_key) == (False, key)


def test_a_known_browser_is_told():
    payer = Ceremony(browser_bound=True)
    known = frozenset({cose_public_key(payer.device.browser_key)})
    assert payer.verify(payer.show(), payment=DISPLAYED, browser_bound_keys=known).browser_bound


def test_a_known_browser_that_did_not_sign_is_not_told(payer: Ceremony):
    known = frozenset({cose_public_key(payer.device.browser_key)})
    assert not payer.verify(payer.show(), payment=DISPLAYED, browser_bound_keys=known).browser_bound


@pytest.mark.parametrize("signature", ["AAAA", "***", 7, ["x"]])
def test_a_browsers_signature_that_does_not_hold_is_refused(signature: object):
    payer = Ceremony(browser_bound=True)
    credential = json.loads(payer.show())
    credential["clientExtensionResults"]["payment"]["browserBoundSignature"]["signature"] = signature
    assert refusal(payer, json.dumps(credential)) is AssertionFailure.BROWSER_BOUND_KEY


def test_a_browsers_key_without_its_signature_binds_nothing():
    payer = Ceremony(browser_bound=True)
    credential = json.loads(payer.show()) | {"clientExtensionResults": {}}
    verified = payer.verify(json.dumps(credential), payment=DISPLAYED)
    assert (verified.browser_bound, verified.browser_bound_key) == (False, None)


# --- amounts ---


@pytest.mark.parametrize(
    "amount_minor,exponent,text",
    [
        (1250, 2, "12.50"),
        (5, 2, "0.05"),
        (0, 2, "0.00"),
        (1250, 0, "1250"),
        (1, 3, "0.001"),
        (1_000_000, 6, "1.000000"),
    ],
)
def test_amounts_are_written_with_exactly_their_digits(amount_minor: int, exponent: int, text: str):
    assert decimal_text(amount_minor, exponent) == text


@given(st.integers(0, 2**63 - 1), st.integers(0, 18))
def test_an_amounts_text_holds_the_amount_and_nothing_else(amount_minor: int, exponent: int):
    text = decimal_text(amount_minor, exponent)
    whole, _, fraction = text.partition(".")
    assert len(fraction) == exponent
    assert int(whole + fraction) == amount_minor
    assert whole == "0" or not whole.startswith("0")
