"""Which resources a request names: what a caller is reminded of when one of them is not there.

In: a request. Out: the names in it. Invariant: they come from the request alone, so that they tell nothing of what
exists; a field is a name where the contract bounds it to the form of one.
"""

import re
from typing import Any, Final

from google.protobuf.message import Message

from keelpay.api.type.v1 import bounds_pb2

NAMES_MAX: Final = 5
_NAME: Final = re.compile(r"\^[a-z][A-Za-z]*/")
"""How the pattern of a name begins: with the collection that it is in."""


def names_in(request: Message | None) -> tuple[str, ...]:
    """Returns the resource names in a request, in the order of its fields, each once.

    Args:
        request: None for a call whose request is not known, or is many.
    """
    found: dict[str, None] = {}
    if request is not None:
        _collect(request, found)
    return tuple(found)[:NAMES_MAX]


def _collect(message: Any, found: dict[str, None]) -> None:
    for field, value in message.ListFields():
        if field.message_type is not None and not field.is_repeated:
            _collect(value, found)
        elif field.type == field.TYPE_STRING and _is_name(field):
            found.update(dict.fromkeys(value if field.is_repeated else (value,)))


def _is_name(field: Any) -> bool:
    bounds = field.GetOptions().Extensions[bounds_pb2.bounds]
    return _NAME.match(bounds.pattern) is not None and not bounds.secret
