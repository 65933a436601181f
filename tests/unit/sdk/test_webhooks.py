import base64
import json
import time
from datetime import UTC, datetime

import pytest
from standardwebhooks.webhooks import Webhook

import keelpay
from keelpay import webhooks

SECRET = "whsec_" + base64.b64encode(b"s" * 32).decode()
OTHER = "whsec_" + base64.b64encode(b"o" * 32).decode()
EVENT = {
    "id": "0-7",
    "book": 0,
    "sequence": "7",
    "resource": "merchants/cafe/payments/pay-1",
    "resourceVersion": "3",
    "type": "payment.captured",
    "merchant": "merchants/cafe",
    "data": {"amount_minor": "1230"},
    "createTime": "2026-05-01T12:00:00Z",
}


def sent(event=EVENT, secret=SECRET, age_s=0, message_id="0-7", body=None):
    content = json.dumps(event).encode() if body is None else body
    moment = int(time.time()) - age_s
    signature = Webhook(secret).sign(message_id, datetime.fromtimestamp(moment, UTC), content.decode())
    return content, {"Webhook-Id": message_id, "Webhook-Timestamp": str(moment), "Webhook-Signature": signature}


def test_a_genuine_webhook_is_an_event():
    event = webhooks.verify(*sent(), SECRET)
    assert (event.id, event.type, event.sequence, event.resource_version) == ("0-7", "payment.captured", 7, 3)
    assert event.data == {"amount_minor": "1230"}


def test_headers_may_come_as_pairs_of_any_case():
    body, headers = sent()
    pairs = [(key.upper(), value) for key, value in headers.items()]
    assert webhooks.verify(body, pairs, [SECRET]).id == "0-7"


def test_types_and_members_that_are_not_known_survive():
    strange = EVENT | {"type": "moon.landed", "data": {"deep": {"er": [1]}}, "fromTheFuture": {"x": 1}}
    event = webhooks.verify(*sent(strange), SECRET)
    assert (event.type, event.data) == ("moon.landed", {"deep": {"er": [1]}})


def test_each_of_several_secrets_is_enough_and_each_of_several_signatures():
    assert webhooks.verify(*sent(secret=OTHER), [SECRET, OTHER])
    body, headers = sent()
    headers["Webhook-Signature"] = f"v1,AAAA v9,xyz {headers['Webhook-Signature']}"
    assert webhooks.verify(body, headers, SECRET)


def change(key, value):
    body, headers = sent()
    return body, {name: value if name == key else old for name, old in headers.items()}


@pytest.mark.parametrize(
    "message",
    [
        sent(secret=OTHER),
        (sent()[0] + b" ", sent()[1]),
        (sent()[0], {}),
        change("Webhook-Id", "0-8"),
        change("Webhook-Id", ""),
        change("Webhook-Signature", "v1"),
        change("Webhook-Signature", "garbage"),
        change("Webhook-Signature", "v1,%%%"),
        change("Webhook-Signature", "v1,a,b"),
        change("Webhook-Signature", " "),
        change("Webhook-Signature", "v1,签名"),
        change("Webhook-Timestamp", "soon"),
        change("Webhook-Timestamp", "1e9"),
        change("Webhook-Timestamp", "-5"),
        change("Webhook-Timestamp", "9" * 40),
        change("Webhook-Timestamp", "１７００"),
        (b"\xff\xfe", sent()[1]),
    ],
)
def test_what_is_not_proven_is_one_error_of_ours(message):
    with pytest.raises(keelpay.WebhookError):
        webhooks.verify(*message, SECRET)


@pytest.mark.parametrize("age_s", [301, 10_000, -301])
def test_old_and_future_messages_are_refused(age_s):
    with pytest.raises(keelpay.WebhookError, match=r"too (old|new)"):
        webhooks.verify(*sent(age_s=age_s), SECRET)


def test_the_tolerance_is_the_callers():
    assert webhooks.verify(*sent(age_s=3_000), SECRET, tolerance_s=3_600)
    with pytest.raises(keelpay.WebhookError, match="too old"):
        webhooks.verify(*sent(age_s=20), SECRET, tolerance_s=10)


@pytest.mark.parametrize("body", [b"no json", b"[]", b"null", b"7", b'{"data": 5}', b'{"sequence": "many"}'])
def test_a_signed_message_that_is_no_event_is_an_error_of_ours(body):
    with pytest.raises(keelpay.WebhookError, match="no event"):
        webhooks.verify(*sent(body=body), SECRET)


def test_an_event_cannot_pass_under_another_id():
    with pytest.raises(keelpay.WebhookError, match="another"):
        webhooks.verify(*sent(message_id="0-8"), SECRET)


@pytest.mark.parametrize("secrets", ["", [], "whsec_", "whsec_é", ["whsec_a"]])
def test_a_secret_that_cannot_be_one_is_said_kindly(secrets):
    with pytest.raises(keelpay.ConfigurationError, match="secret"):
        webhooks.verify(*sent(), secrets)


@pytest.mark.parametrize("body", [EVENT, "text", None])
def test_only_raw_bytes_are_verified(body):
    with pytest.raises(TypeError, match="raw bytes"):
        webhooks.verify(body, sent()[1], SECRET)
