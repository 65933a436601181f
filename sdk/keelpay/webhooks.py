"""Webhooks: is this request from keelpay, and what does it say.

In: the body's raw bytes, the headers, the secrets. Out: an Event. Invariant: nothing of the body is looked at before
one secret has proven it; the bytes are those that came, never a parsed and printed copy.
"""

import hmac
import json
import time
from binascii import Error as Base64Error
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final

from google.protobuf import json_format
from standardwebhooks.webhooks import EmptyWebhookSecretError, Webhook

from .api.event.v1 import event_pb2
from .errors import ConfigurationError, WebhookError
from .models.event import Event

TOLERANCE_S: Final = 300
ID_HEADER: Final = "webhook-id"
TIMESTAMP_HEADER: Final = "webhook-timestamp"
SIGNATURE_HEADER: Final = "webhook-signature"


def verify(
    body: bytes,
    headers: Mapping[str, str] | Iterable[tuple[str, str]],
    secrets: str | Iterable[str],
    *,
    tolerance_s: int = TOLERANCE_S,
) -> Event:
    """Verifies a webhook and reads it.

    Args:
        body: The raw bytes of the request's body.
        headers: The request's headers, of any case.
        secrets: The subscription's secret, `whsec_...`; several while one is rotated.
        tolerance_s: How old, or how far ahead, it may be. Remember event ids for longer than that.

    Raises:
        WebhookError: It is not from keelpay, is too old or too new, or is no event.
        ConfigurationError: There is no secret, or one is not readable.
        TypeError: The body is not bytes: a framework's parsed body can never be verified.
    """
    if not isinstance(body, bytes | bytearray | memoryview):
        raise TypeError("verify the raw bytes of the body, as they came")
    pairs = headers.items() if isinstance(headers, Mapping) else headers
    lowered = {key.lower(): value for key, value in pairs}
    message_id, timestamp, signatures = (
        lowered.get(name, "") for name in (ID_HEADER, TIMESTAMP_HEADER, SIGNATURE_HEADER)
    )
    if not (message_id and timestamp and signatures):
        raise WebhookError(f"the headers {ID_HEADER}, {TIMESTAMP_HEADER} and {SIGNATURE_HEADER} are needed")
    if not (timestamp.isascii() and timestamp.isdigit()):
        raise WebhookError(f"{TIMESTAMP_HEADER} is not a number of seconds", request_id=message_id)
    sent_s = int(timestamp)
    content = bytes(body)
    _require_signature(content, message_id, sent_s, signatures, _keys(secrets))
    age_s = int(time.time()) - sent_s
    if abs(age_s) > tolerance_s:
        word = "old" if age_s > 0 else "new"
        raise WebhookError(f"the message is {abs(age_s)} s too {word} to be trusted", request_id=message_id)
    return _event(content, message_id)


def _keys(secrets: str | Iterable[str]) -> list[Webhook]:
    """One verifier a secret."""
    texts = [secrets] if isinstance(secrets, str) else list(secrets)
    if not texts:
        raise ConfigurationError("at least one webhook secret is needed, as create_subscription showed it")
    try:
        return [Webhook(text) for text in texts]
    except (EmptyWebhookSecretError, Base64Error, ValueError) as error:
        raise ConfigurationError("a webhook secret is `whsec_` and base64, as create_subscription showed it") from error


def _require_signature(body: bytes, message_id: str, sent_s: int, signatures: str, keys: list[Webhook]) -> None:
    """Requires one signature by one of the secrets; every pair is compared, in constant time."""
    try:
        text = body.decode("utf-8")
        sent = datetime.fromtimestamp(sent_s, tz=UTC)
        expected = [key.sign(message_id, sent, text).encode("ascii") for key in keys]
    except (ValueError, OverflowError, OSError) as error:
        raise WebhookError("the message cannot be read", request_id=message_id) from error
    given = [each.encode("utf-8", "replace") for each in signatures.split()]
    matches = [hmac.compare_digest(one, other) for one in expected for other in given]
    if not any(matches):
        raise WebhookError("no signature is by a secret of this subscription", request_id=message_id)


def _event(body: bytes, message_id: str) -> Event:
    """Reads the event; a type that this version does not know survives, with its whole `data`."""
    raw = event_pb2.Event()
    try:
        members = json.loads(body)
        is_object = isinstance(members, dict)
        json_format.ParseDict(members if is_object else {}, raw, ignore_unknown_fields=True)
    except (ValueError, AttributeError, TypeError, json_format.ParseError) as error:
        raise WebhookError("the message is signed, but it is no event", request_id=message_id) from error
    if not is_object:
        raise WebhookError("the message is signed, but it is no event", request_id=message_id)
    if raw.id and raw.id != message_id:
        raise WebhookError("the message is signed, but its id is another one's", request_id=message_id)
    raw.id = message_id
    return Event.of(raw)
