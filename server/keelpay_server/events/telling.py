"""An event as everybody is told it: one rendering for the stream, for lists and for webhooks.

In: an event of a decoded journal row. Out: a Told, and its JSON. Pure.
Invariant: what a room keeps in an event for itself (nested facts) is not told; every integer is told as a text,
whatever its size: members of enums by their names, times in RFC 3339, the others as decimals.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, Final, NamedTuple

import msgspec

from keelpay_server.book import ids
from keelpay_server.book.journal import JournalRow

from .enum_render import member_name
from .names import STREAM_PREFIX, payer_name, resource_name

KINDS_OF_FACTS: Final = {
    "confirmation": "cnf", "decision": "dec", "instrument": "ins", "mandate": "man", "operation": "op", "order": "ord",
    "passkey": "psk", "payment": "pay", "payout": "po", "proposal": "prp", "refund": "ref", "review": "rev",
    "risk_decision": "dec", "settlement": "set", "statement": "stm", "window": "win",
}  # fmt: skip
"""Facts that are ids, and of what."""
HIDDEN: Final = frozenset({"explained"})
"""Facts that only the risk counters read."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_ID_BYTES: Final = 16
_encode = msgspec.json.Encoder().encode


class Told(NamedTuple):
    """One event, rendered.

    Attributes:
        book: The book it happened in.
        sequence: Its place there.
        resource: What it is about, by name.
        resource_version: `state_version` of that after it.
        type: What happened.
        merchant: `merchants/{m}`, or empty.
        data: What else is told: texts, truth values and lists of them.
        wall_us: When, wall clock.
        business_us: When, business clock.
    """

    book: int
    sequence: int
    resource: str
    resource_version: int
    type: str
    merchant: str
    data: dict[str, Any]
    wall_us: int
    business_us: int

    @property
    def id(self) -> str:
        """Unique for ever: `{book}-{sequence}`."""
        return event_id(self.book, self.sequence)


def event_id(book: int, sequence: int) -> str:
    """Returns the id of an event."""
    return f"{book}-{sequence}"


def tell(book: int, row: JournalRow, event: Sequence[Any]) -> Told:
    """Renders one event of a journal row: (sequence, type, kind, id, version, owner, actor, data)."""
    sequence, what, kind, key, version, owner, _, facts = event
    merchant = f"merchants/{owner}" if owner and not owner.startswith(STREAM_PREFIX) else ""
    return Told(
        book, sequence, resource_name(kind, key, owner, facts), version, what, merchant, told_facts(what, facts),
        row.wall_time, row.business_time,
    )  # fmt: skip


def told_facts(event_type: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the facts of an event that are told."""
    told: dict[str, Any] = {}
    for name, value in facts.items():
        if name in HIDDEN or isinstance(value, dict):
            continue
        if isinstance(value, list | tuple):
            if not any(isinstance(part, dict | list | tuple) for part in value):
                told[name] = [_told(event_type, name, part) for part in value]
        else:
            told[name] = _told(event_type, name, value)
    return told


def body(told: Told) -> bytes:
    """Returns the event as JSON, by the protobuf mapping of keelpay.api.event.v1.Event; the same for ever."""
    message = {
        "id": told.id, "book": told.book, "sequence": str(told.sequence), "resource": told.resource,
        "resourceVersion": str(told.resource_version), "type": told.type, "merchant": told.merchant,
        "data": told.data, "createTime": moment(told.wall_us), "businessTime": moment(told.business_us),
    }  # fmt: skip
    return _encode({name: value for name, value in message.items() if value != ""})


def moment(time_us: int) -> str:
    """Returns a time in RFC 3339, UTC, to the microsecond."""
    return (_EPOCH + timedelta(microseconds=time_us)).isoformat().replace("+00:00", "Z")


def _told(event_type: str, name: str, value: Any) -> Any:
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, bytes):
        kind = KINDS_OF_FACTS.get(name)
        return ids.text(kind, value) if kind and len(value) == _ID_BYTES else value.hex()
    if isinstance(value, int):
        if (member := member_name(event_type, name, value)) is not None:
            return member
        return moment(value) if name.endswith("_time") and 0 < value < _TIME_MAX_US else str(value)
    if name == "payer":
        return payer_name(value)
    return str(value)


_TIME_MAX_US: Final = (datetime(9999, 12, 31, tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
"""Later times are no times but `for ever`."""
