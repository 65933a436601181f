"""Filters of lists: conditions joined by AND over a fixed list of fields, each backed by an index (AIP-160, a subset).

In: text such as `state = CAPTURED AND create_time >= "2026-05-01T00:00:00Z"`, and what each field means.
Out: column conditions for the Reader. Invariant: nothing of the text but parsed values reaches a query.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Final, NoReturn

from .reasons import Reason
from .refusal import Refused

Meaning = Callable[[str], tuple[str, object]]
"""Turns a value's text into (column, value); raises ValueError where it makes no sense."""
_CONDITION: Final = re.compile(r'\s*([a-z_]+)\s*(>=|<=|=|<|>)\s*("(?:[^"\\]|\\.)*"|[^\s"]+)\s*')
_SUFFIX: Final = {"=": "", "<": "__lt", "<=": "__le", ">": "__gt", ">=": "__ge"}
CONDITIONS_MAX: Final = 8
_INTEGER_MAX: Final = (1 << 63) - 1
"""What a column of numbers can hold."""
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


def parse_filter(text: str, fields: Mapping[str, Meaning]) -> dict[str, object]:
    """Reads a filter.

    Args:
        text: The request's filter; empty means everything.
        fields: What may be asked for, by name.

    Returns:
        Conditions as `Reader.find` takes them.

    Raises:
        Refused: FILTER_INVALID telling what is wrong.
    """
    if "\0" in text:  # no text column can hold it, so a database need not be asked
        _refuse("a filter holds no NUL character")
    found: dict[str, object] = {}
    at = 0
    while at < len(text):
        match = _CONDITION.match(text, at)
        if match is None:
            _refuse(f"cannot read {text[at : at + 40]!r}; write conditions such as state = CAPTURED, joined by AND")
        name, sign, raw = match.groups()
        if name not in fields:
            _refuse(f"{name} cannot be filtered by; these can: {', '.join(sorted(fields))}")
        value = raw[1:-1].replace('\\"', '"').replace("\\\\", "\\") if raw.startswith('"') else raw
        try:
            column, meaning = fields[name](value)
        except (ValueError, KeyError, OverflowError, Refused):
            _refuse(f"{value[:80]!r} is no value of {name}")
        if isinstance(meaning, int) and abs(meaning) > _INTEGER_MAX:
            _refuse(f"{value[:80]!r} is beyond every value of {name}")
        key = column + _SUFFIX[sign]
        if key in found:
            _refuse(f"{name} {sign} stands twice")
        found[key] = meaning
        at = match.end()
        if at < len(text):
            if text[at : at + 4] != "AND " or at + 4 == len(text):
                _refuse("conditions are joined by AND")
            at += 4
    if len(found) > CONDITIONS_MAX:
        _refuse(f"at most {CONDITIONS_MAX} conditions")
    return found


def one_of(column: str, states: type[IntEnum]) -> Meaning:
    """Returns the meaning of an enum field: its members' names."""
    return lambda text: (column, int(states[text]))


def text_of(column: str) -> Meaning:
    """Returns the meaning of a text field."""
    return lambda text: (column, text)


def time_of(column: str) -> Meaning:
    """Returns the meaning of a time field: RFC 3339 in a column of microseconds."""

    def read(text: str) -> tuple[str, object]:
        moment = datetime.fromisoformat(text)
        if moment.tzinfo is None:
            raise ValueError(text)
        return column, (moment - _EPOCH) // timedelta(microseconds=1)

    return read


def parse_order(text: str, columns: Mapping[str, str], default: str) -> tuple[str, bool]:
    """Reads `order_by`: a listed field, ascending, or followed by ` desc`.

    Returns:
        (column, descending).

    Raises:
        Refused: FILTER_INVALID.
    """
    field, _, direction = (text or default).partition(" ")
    if field not in columns or direction not in ("", "desc"):
        _refuse(f"cannot order by {text[:60]!r}; fields: {', '.join(sorted(columns))}, optionally followed by desc")
    return columns[field], direction == "desc"


def _refuse(sentence: str) -> NoReturn:
    raise Refused(Reason.FILTER_INVALID, sentence)
