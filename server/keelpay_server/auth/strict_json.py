"""JSON objects from outside, read without the liberties of Python's parser.

In: UTF-8 bytes or text. Out: a dict. Invariant: no member occurs twice (two readers could see two values), no NaN or
Infinity, the top is an object, and whatever goes wrong is a ValueError.
"""

import json
from typing import Any


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a member occurs twice")
    return members


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def parse_object(source: str | bytes) -> dict[str, Any]:
    """Reads one JSON object (RFC 8259, I-JSON's rule on unique members).

    Raises:
        ValueError: Anything that is not exactly one such object, including nesting too deep to read.
    """
    try:
        text = source.decode("utf-8") if isinstance(source, bytes) else source
        parsed = json.loads(text, object_pairs_hook=_unique, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        raise ValueError(f"no JSON, or not all of it: {error}") from error
    except RecursionError as error:
        raise ValueError("nested too deeply") from error
    if not isinstance(parsed, dict):
        raise ValueError("not a JSON object")  # noqa: TRY004  (one exception for everything malformed)
    return parsed


def text_member(members: dict[str, Any], name: str) -> str:
    """One member that must be there and be text.

    Raises:
        ValueError: It is missing or something else.
    """
    value = members.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{name} must be text")  # noqa: TRY004  (as above)
    return value


def integer_member(members: dict[str, Any], name: str) -> int:
    """One member that must be there and be a whole number (a bool or 1.0 is none).

    Raises:
        ValueError: It is missing or something else.
    """
    value = members.get(name)
    if type(value) is not int:
        raise ValueError(f"{name} must be a whole number")
    return value
