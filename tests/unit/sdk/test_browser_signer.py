"""Handing a payment over to a browser: what is opened, and what is said where nothing can be."""

import sys
import webbrowser

import pytest

from keelpay import BrowserSigner, ConfigurationError
from keelpay.api.auth.v1.token_pb2 import PayerLink as RawLink
from keelpay.browser_signer import OVER
from keelpay.enums import PaymentState
from keelpay.models import PayerLink

LINK = PayerLink.of(RawLink(url="https://pay.example.com/pay#c2VjcmV0", kind=1, payment="merchants/cafe/payments/p"))


def test_without_an_opener_this_machines_browser_opens_the_link(monkeypatch):
    opened = []
    monkeypatch.setattr(webbrowser, "open", lambda url: opened.append(url) or True)
    BrowserSigner().opener(LINK)
    assert opened == ["https://pay.example.com/pay#c2VjcmV0"]


def test_a_machine_without_a_browser_is_told_what_to_do(monkeypatch):
    monkeypatch.setattr(webbrowser, "open", lambda _url: False)
    with pytest.raises(ConfigurationError, match="opener of your own"):
        BrowserSigner().opener(LINK)


def test_the_payer_is_done_exactly_where_a_payment_waits_for_nobody_and_no_bank():
    waits = {
        PaymentState.UNSPECIFIED, PaymentState.REQUIRES_PAYMENT_METHOD, PaymentState.REQUIRES_CONFIRMATION,
        PaymentState.REQUIRES_ACTION, PaymentState.IN_REVIEW, PaymentState.PROCESSING,
    }  # fmt: skip
    assert set(PaymentState) - waits == OVER


def test_the_secret_is_what_stands_behind_the_sign():
    assert LINK.token == "c2VjcmV0"


def test_a_qr_code_needs_its_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "segno", None)
    with pytest.raises(ConfigurationError, match=r"keelpay\[qr\]"):
        LINK.qr_svg()


def test_a_qr_code_grows_with_its_scale_and_keeps_its_quiet_zone():
    wide = LINK.qr_svg(scale=8)
    assert LINK.qr_svg() != wide
    assert 'd="M4 4.5' in wide
