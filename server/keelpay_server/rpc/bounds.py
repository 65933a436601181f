"""Checks of single values: text, bytes, number and enum against the `bounds` option of their field.

In: a field's Bounds. Out: a function from a value to None, or to the sentence that tells what is wrong with it.
Invariant: a sentence states the bound and never repeats the value, so that no secret is echoed.
"""

import re
import sys
from collections.abc import Callable
from typing import Any, Final

from google.protobuf.descriptor import EnumDescriptor, FieldDescriptor

from keelpay.api.type.v1.bounds_pb2 import Bounds
from keelpay_server.book.readable import unreadable

REQUIRED = "is required"
_NUL = "\0"
_NUMBERS = frozenset(
    {
        FieldDescriptor.CPPTYPE_INT32,
        FieldDescriptor.CPPTYPE_INT64,
        FieldDescriptor.CPPTYPE_UINT32,
        FieldDescriptor.CPPTYPE_UINT64,
    }
)


def text_check(bounds: Bounds) -> Callable[[str], str | None]:
    """Makes the check of a filled text: length in characters, pattern, whether people can read it, and no NUL.

    NUL is legal in UTF-8 and protobuf, but PostgreSQL cannot store it and C libraries cut the text there.
    """
    least, most = _lengths(bounds)
    usual = _text_check(least, most, bounds.pattern)
    if not bounds.readable:
        return usual
    lines = bounds.readable == Bounds.READABLE_LINES
    return lambda value: usual(value) or unreadable(value, lines=lines)


def map_value_check(bounds: Bounds) -> Callable[[str], str | None]:
    """Makes the check of the text values of a map."""
    most = bounds.max_value_length if bounds.HasField("max_value_length") else sys.maxsize
    return _text_check(0, most, "")


def bytes_check(bounds: Bounds) -> Callable[[bytes], str | None]:
    """Makes the check of filled bytes: their length."""
    least, most = _lengths(bounds)

    def check(value: bytes) -> str | None:
        if least <= len(value) <= most:
            return None
        return f"must have {_range(least, most)} bytes"

    return check


def number_check(bounds: Bounds) -> Callable[[int], str | None] | None:
    """Makes the check of a number, or None where it has no bound."""
    least = bounds.min if bounds.HasField("min") else None
    most = bounds.max if bounds.HasField("max") else None
    if least is None and most is None:
        return None

    def check(value: int) -> str | None:
        if least is not None and value < least:
            return f"must be at least {least}"
        if most is not None and value > most:
            return f"must be at most {most}"
        return None

    return check


def enum_check(enum: EnumDescriptor, bounds: Bounds) -> Callable[[int], str | None]:
    """Makes the check of an enum value.

    Proto3 keeps numbers it does not know. In a request they come from a newer client, and the server cannot do what
    it does not understand, so they are refused whatever the bounds say.
    """
    known = frozenset(enum.values_by_number)
    allowed = known - {0} if bounds.enum_defined or bounds.required else known

    def check(value: int) -> str | None:
        if value in allowed:
            return None
        return REQUIRED if value == 0 else f"is not a known value of {enum.name}"

    return check


WORDS: Final = {
    r"^(https|[a-z][a-z0-9+-]*(\.[a-z0-9+-]+)+)://[^\s]+$": "must be an https address, or an app's own scheme in "
    "reverse domain form, such as https://shop.example/thanks or com.example.shop://thanks; http is not taken",
}
"""What a pattern means, where a person meets it who would rather not read it."""


def _text_check(least: int, most: int, pattern: str) -> Callable[[str], str | None]:
    # ASCII: the contract's patterns are RE2, whose \d and \w know no other letters. fullmatch: a $ before a last line
    # break is not an end.
    matches = re.compile(pattern, re.ASCII).fullmatch if pattern else None

    def check(value: str) -> str | None:
        if least <= len(value) <= most and _NUL not in value and (matches is None or matches(value)):
            return None
        if _NUL in value:
            return "must not contain a NUL character"
        if not least <= len(value) <= most:
            return f"must have {_range(least, most)} characters"
        return WORDS.get(pattern) or f"must match {pattern}"

    return check


def _lengths(bounds: Bounds) -> tuple[int, int]:
    most = bounds.max_length if bounds.HasField("max_length") else sys.maxsize
    return bounds.min_length, most


def _range(least: int, most: int) -> str:
    if least == most:
        return f"exactly {least}"
    if most == sys.maxsize:
        return f"at least {least}"
    return f"{least} to {most}" if least else f"at most {most}"


def value_check_of(field: FieldDescriptor, bounds: Bounds) -> Callable[[Any], str | None] | None:
    """Makes the check of one value of a field that is no message; None where there is nothing to check."""
    if field.type == FieldDescriptor.TYPE_STRING:
        return text_check(bounds)
    if field.type == FieldDescriptor.TYPE_BYTES:
        limited = bounds.required or bounds.HasField("min_length") or bounds.HasField("max_length")
        return bytes_check(bounds) if limited else None
    if field.enum_type is not None:
        return enum_check(field.enum_type, bounds)
    return number_check(bounds) if field.cpp_type in _NUMBERS else None
