"""Laws of how a payment looks on the wire."""

import json
from typing import get_type_hints

import pytest

from keelpay_server.gateway.parties import WALLET_CHANNEL
from keelpay_server.gateway.payment import Payment, PaymentState
from keelpay_server.gateway.payment_render import render_whole
from keelpay_server.gateway.tokenizer import CARD

BLANK = {
    name: "" if kind is str else kind() if isinstance(kind, type) else None
    for name, kind in get_type_hints(Payment).items()
}
APP_APPROVAL = json.dumps({"challenge": 1, "url": ""})


@pytest.mark.parametrize(
    ("channel", "locale", "said"),
    [
        (WALLET_CHANNEL, "en", "Please approve the payment in your wallet's app."),
        (WALLET_CHANNEL, "zh-CN", "请在您的钱包应用中确认付款。"),
        (CARD, "en", "Please approve the payment in your bank's app."),
        (CARD, "zh-CN", "请在您的银行应用中确认付款。"),
    ],
)
def test_the_payer_is_told_whose_app_asks(channel, locale, said):
    assert next_action(APP_APPROVAL, channel, locale).wait.text == said


def test_who_would_be_sent_nowhere_is_not_sent():
    sent = next_action(json.dumps({"challenge": 2, "url": "https://bank.example/3ds"}))
    assert sent.redirect.url == "https://bank.example/3ds"
    # What the bank named was no address that a payer may be sent to.
    assert next_action(json.dumps({"challenge": 2, "url": ""})).WhichOneof("action") == "wait"


def next_action(action, channel=CARD, locale="en"):
    stored = Payment(**BLANK)._replace(
        merchant="cafe", id=bytes(16), payer="acme/ama", currency="CNY", amount=100, history="[]", channel=channel,
        state=PaymentState.REQUIRES_ACTION, action=action, device=json.dumps({"locale": locale}),
    )  # fmt: skip
    return render_whole(stored, [], None, None).next_action
