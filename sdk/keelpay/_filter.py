"""Filters of lists, as the contract writes them: conditions joined by AND.

In: plain values by field name. Out: one text. Invariant: a value can never become a condition: texts are quoted.
"""

from datetime import datetime
from enum import IntEnum
from typing import Any, TypeVar

from ._times import to_text

E = TypeVar("E", bound=IntEnum)


def conditions(extra: str = "", *, since: datetime | None = None, until: datetime | None = None, **values: Any) -> str:
    """Joins conditions.

    Args:
        extra: Conditions in the contract's own words, for what has no argument.
        since: Created at this time or later.
        until: Created before this time.
        values: What the fields must be; None and empty texts ask for nothing.
    """
    parts = [f"{name} = {_literal(value)}" for name, value in values.items() if value is not None and value != ""]
    if since is not None:
        parts.append(f'create_time >= "{to_text(since)}"')
    if until is not None:
        parts.append(f'create_time < "{to_text(until)}"')
    if extra:
        parts.append(extra)
    return " AND ".join(parts)


def member(kind: type[E], value: E | str | None) -> E | None:
    """The member of an enum that a caller named, by itself or by its name.

    Raises:
        ValueError: There is none of that name.
    """
    if not isinstance(value, str):
        return value
    try:
        return kind[value]
    except KeyError:
        names = ", ".join(each.name for each in kind if each.value)
        raise ValueError(f"{value!r} is not one of {names}") from None


def _literal(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, IntEnum):
        return value.name
    if isinstance(value, int):
        return str(value)
    escaped = str(value).replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'
