"""What an event is about, by its resource name: the one table from kinds of keys to names (AIP-122).

In: kind, key, owner and facts of an event. Out: a name such as `merchants/cafe/payments/pay-01k...`.
Invariant: every kind that any room puts into an event has a row (a test walks the rooms).
"""

from collections.abc import Mapping
from typing import Any, Final

from keelpay_server.book import ids

SUBSCRIPTION: Final = "sub"
DELIVERY: Final = "dlv"
STREAM_PREFIX: Final = "partners/"
"""Owners of this form are partners themselves; every other owner is a merchant."""

NAMES: Final[dict[str, str]] = {
    "merchants": "merchants/{id}",
    "partners": "partners/{id}",
    "payers": "{payer}",
    "operators": "operators/{id}",
    "banks": "banks/{id}",
    "platformKeys": "platformKeys/{id}",
    "listEntries": "listEntries/{id}",
    "ord": "merchants/{owner}/orders/{id}",
    "pay": "merchants/{owner}/payments/{id}",
    "ref": "merchants/{owner}/refunds/{id}",
    "po": "merchants/{owner}/payouts/{id}",
    "man": "merchants/{owner}/mandates/{id}",
    "cnf": "{payer}/confirmations/{id}",
    "psk": "{payer}/passkeys/{id}",
    "reg": "{payer}/registrations/{id}",
    "ins": "{payer}/instruments/{id}",
    "trf": "{payer}/transfers/{id}",
    "key": "{client}/signingKeys/{id}",
    SUBSCRIPTION: "{owner}/subscriptions/{id}",
    "prp": "proposals/{id}",
    "dec": "decisions/{id}",
    "rev": "reviews/{id}",
    "win": "windows/{id}",
    "set": "settlements/{id}",
    "brk": "breaks/{id}",
    "stm": "statements/{id}",
    "adj": "adjustments/{id}",
}
"""Placeholders: `owner` of the event; `payer` (as a name) and `client` of its facts; `id`, readable. A payer's own key
is `<partner>/<id>`."""


def resource_name(kind: str, key: bytes | str, owner: str, facts: Mapping[str, Any]) -> str:
    """Returns the name of what an event is about; `<kind>/<id>` for a kind that a newer program wrote."""
    pattern = NAMES.get(kind, "{kind}/{id}")
    payer = key if kind == "payers" else facts.get("payer", "")
    return pattern.format(
        kind=kind, id=readable(kind, key), owner=owner, client=facts.get("client", ""),
        payer=payer_name(payer) if isinstance(payer, str) else "",
    )  # fmt: skip


def readable(kind: str, key: bytes | str) -> str:
    """Returns a key as people read it."""
    return key if isinstance(key, str) else ids.text(kind, key)


def payer_name(payer: str) -> str:
    """`partners/{p}/payers/{u}` of a payer's id; empty for none."""
    partner, _, own = payer.partition("/")
    return f"partners/{partner}/payers/{own}" if own else ""


def stream_of(partner: str) -> str:
    """Returns the owner of a partner's own events."""
    return f"{STREAM_PREFIX}{partner}"


def subscription_name(partner: str, key: bytes) -> str:
    """`partners/{p}/subscriptions/{s}`."""
    return f"partners/{partner}/subscriptions/{ids.text(SUBSCRIPTION, key)}"


def delivery_name(partner: str, subscription: bytes, key: bytes) -> str:
    """`partners/{p}/subscriptions/{s}/deliveries/{d}`."""
    return f"{subscription_name(partner, subscription)}/deliveries/{ids.text(DELIVERY, key)}"


def parse_subscription(name: str, field: str = "name") -> tuple[str, bytes]:
    """Returns (partner, key) of a subscription's name, whose form the contract's bounds have checked.

    Raises:
        Refused: FIELD_INVALID where the id is not one of a subscription.
    """
    owner, _, last = name.partition("/subscriptions/")
    return owner.removeprefix(STREAM_PREFIX), ids.parse(SUBSCRIPTION, last, field)
