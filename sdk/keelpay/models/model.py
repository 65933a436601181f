"""How a protobuf message becomes a pleasant, frozen value, and why nothing of it is lost.

In: a message and a dataclass whose fields are named after the message's. Out: the value, with the message as `raw`.
Invariant: each field is converted by its annotation alone: enums keep unknown numbers, times are aware and in UTC,
`x_minor` becomes the Money `x` in the message's currency, repeated fields become tuples, absent ones None.
"""

import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from enum import IntEnum
from types import MappingProxyType
from typing import Any, ClassVar, Final, Self

from google.protobuf import json_format
from google.protobuf.message import Message
from google.protobuf.struct_pb2 import Struct

from keelpay._times import to_datetime, to_timedelta
from keelpay.money import Money

Read = Callable[[Any], Any]
MINOR: Final = "_minor"
_PLANS: Final[dict[tuple[type, type], tuple[tuple[str, Read], ...]]] = {}
_OWN: Final = frozenset({"raw", "replayed"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Model:
    """A value that the server told.

    Attributes:
        raw: The protobuf message it was read from, with everything that a newer server may have put there.
        replayed: The request that this answers was answered before; nothing was done now.
    """

    LEFT_OUT: ClassVar[frozenset[str]] = frozenset()
    """Fields of the message that this class offers in another way."""

    raw: Message = field(repr=False, compare=False)
    replayed: bool = field(default=False, repr=False, compare=False)

    @classmethod
    def of(cls, raw: Message, *, replayed: bool = False) -> Self:
        """Reads a message.

        Args:
            raw: A message of the kind this class is made for.
            replayed: What the answer said about the request.
        """
        plan = _PLANS.get((cls, type(raw)))
        if plan is None:
            plan = _PLANS[cls, type(raw)] = _plan(cls, type(raw))
        return cls(raw=raw, replayed=replayed, **{name: read(raw) for name, read in plan})


def _plan(model: type[Model], message: type[Message]) -> tuple[tuple[str, Read], ...]:
    """How to read each field of a model from a kind of message."""
    hints = typing.get_type_hints(model)
    names = [each.name for each in fields(model) if each.name not in _OWN]
    return tuple((name, _field_reader(name, hints[name], message)) for name in names)


def _field_reader(name: str, hint: Any, message: type[Message]) -> Read:
    known = message.DESCRIPTOR.fields_by_name
    if name not in known and f"{name}{MINOR}" in known:
        return _minor_reader(f"{name}{MINOR}", message)
    options = typing.get_args(hint) if isinstance(hint, types.UnionType) else ()
    if type(None) in options:
        inner = _value_reader(next(each for each in options if each is not type(None)))
        return lambda raw: inner(getattr(raw, name)) if raw.HasField(name) else None
    inner = _value_reader(hint)
    return lambda raw: inner(getattr(raw, name))


def _minor_reader(name: str, message: type[Message]) -> Read:
    """Reads minor units as Money; the currency is the message's own, or that of its first amount."""
    known = message.DESCRIPTOR.fields_by_name
    if "currency_code" in known:
        return lambda raw: Money(getattr(raw, name), raw.currency_code)
    is_money = "keelpay.api.type.v1.Money"
    amount = next(each.name for each in known.values() if each.message_type and each.message_type.full_name == is_money)
    return lambda raw: Money(getattr(raw, name), getattr(raw, amount).currency_code)


def _value_reader(hint: Any) -> Read:
    """Reads one value that is there, by what it is to become."""
    origin = typing.get_origin(hint)
    if origin is tuple:
        item = _value_reader(typing.get_args(hint)[0])
        return lambda values: tuple(item(value) for value in values)
    if origin is Mapping:
        return _mapping
    if isinstance(hint, type) and issubclass(hint, Model):
        return hint.of
    if isinstance(hint, type) and issubclass(hint, IntEnum):
        return hint
    return _CONVERTERS[hint]


def _mapping(values: Any) -> Mapping[str, Any]:
    plain = _whole(json_format.MessageToDict(values)) if isinstance(values, Struct) else dict(values)
    return MappingProxyType(plain)


def _whole(value: Any) -> Any:
    """The same with whole numbers as such: a Struct has no other number than a float, and the contract no fractions."""
    if isinstance(value, dict):
        return {name: _whole(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_whole(each) for each in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


def _itself(value: Any) -> Any:
    return value


def to_money(raw: Any) -> Money:
    """The amount of a Money message."""
    return Money(raw.amount_minor, raw.currency_code)


_CONVERTERS: Final[dict[Any, Read]] = {
    str: _itself,
    int: _itself,
    bool: _itself,
    bytes: _itself,
    Money: to_money,
    datetime: to_datetime,
    timedelta: to_timedelta,
}
