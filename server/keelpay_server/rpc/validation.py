"""Checks whole requests against the `bounds` options of their fields, all violations at once.

In: a message descriptor. Out: a function from a message to its violations, compiled once: only fields that have
something to check cost anything, and a message with nothing to check costs nothing.
Invariant: the protos are the only place where a bound is written.
"""

from collections.abc import Callable, Iterable
from typing import Any, cast

from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message

from keelpay.api.type.v1 import bounds_pb2
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

from .bounds import REQUIRED, enum_check, map_value_check, number_check, text_check, value_check_of
from .field_mask import BEHAVIOR, OUTPUT_ONLY, is_masked, mask_check, mask_of
from .time_bounds import TIMES

VIOLATIONS_MAX = 100
AMOUNT = "amount_minor"
_MONEY = "keelpay.api.type.v1.Money"
"""A field of this type has a `min` and `max` of its own: how much it may be, within what Money says any may be."""

Violations = list[tuple[str, str]]
Check = Callable[[Any], Violations | None]
ValueCheck = Callable[[Any], str | None]

_compiled: dict[tuple[str, bool], Check | None] = {}


def compile_check(message: Descriptor, *, into_items: bool = True) -> Check | None:
    """Compiles the check of a message type; the same type is compiled once.

    Args:
        message: The type.
        into_items: Whether the elements of the message's own repeated message fields are checked too. False for a
            batch whose items are refused one by one: its servicer checks each item.

    Returns:
        A function that returns the violations as (field path, sentence), or None when there are none; None instead of
        a function where the type has nothing to check.
    """
    key = (message.full_name, into_items)
    if key not in _compiled:
        steps: list[Check] = []
        # Set before the fields are walked, so that a type that contains itself finds the check being made.
        _compiled[key] = _all_of(steps)
        steps.extend(_steps(message, into_items=into_items))
        if not steps:
            _compiled[key] = None
    return _compiled[key]


def require_valid(message: Message) -> None:
    """Checks one message, for servicers that take their items apart themselves.

    Raises:
        Refused: FIELD_INVALID with every violation.
    """
    check = compile_check(cast("Descriptor", message.DESCRIPTOR))
    violations = check(message) if check else None
    if violations:
        raise invalid_fields(violations)


def invalid_fields(violations: Violations) -> Refused:
    """Makes the refusal of a message from its violations."""
    first, sentence = violations[0]
    more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
    return Refused(Reason.FIELD_INVALID, f"{first} {sentence}{more}", violations=tuple(violations))


def _all_of(steps: list[Check]) -> Check:
    def check(message: Message) -> Violations | None:
        found: Violations | None = None
        for step in steps:
            violations = step(message)
            if violations:
                found = violations if found is None else [*found, *violations]
                if len(found) >= VIOLATIONS_MAX:
                    break
        return found

    return check


def _steps(message: Descriptor, *, into_items: bool) -> Iterable[Check]:
    if message.full_name in TIMES:
        yield TIMES[message.full_name]
        return
    for field in message.fields:
        if OUTPUT_ONLY in field.GetOptions().Extensions[BEHAVIOR]:
            continue  # what the server writes is ignored when a client sends it back (AIP-203)
        bounds = field.GetOptions().Extensions[bounds_pb2.bounds]
        if field.is_repeated:
            step = _many(field, bounds, into_items=into_items)
        elif field.message_type is not None:
            step = _nested(field, bounds, mask_check(message, field), mask_of(message, field))
        else:
            step = _single(field, bounds)
        if step is not None:
            yield step


def _single(field: FieldDescriptor, bounds: bounds_pb2.Bounds) -> Check | None:
    name, required = field.name, bounds.required
    value_check = value_check_of(field, bounds)
    if value_check is None:
        return None
    is_text = field.cpp_type == FieldDescriptor.CPPTYPE_STRING
    if field.has_presence:

        def check_present(message: Message) -> Violations | None:
            if not message.HasField(name):
                return [(name, REQUIRED)] if required and field.containing_oneof is None else None
            sentence = value_check(getattr(message, name))
            return [(name, sentence)] if sentence else None

        return check_present

    def check_text(message: Message) -> Violations | None:
        value = getattr(message, name)
        if value:
            sentence = value_check(value)
            return [(name, sentence)] if sentence else None
        return [(name, REQUIRED)] if required else None

    def check_number(message: Message) -> Violations | None:
        sentence = value_check(getattr(message, name))
        return [(name, sentence)] if sentence else None

    return check_text if is_text else check_number


def _nested(
    field: FieldDescriptor, bounds: bounds_pb2.Bounds, mask: ValueCheck | None, masked_by: str | None
) -> Check | None:
    assert field.message_type is not None
    name, required, inner = field.name, bounds.required, compile_check(field.message_type)
    if mask is not None:

        def check_mask(message: Message) -> Violations | None:
            if not message.HasField(name):
                return [(name, REQUIRED)] if required else None
            sentence = mask(getattr(message, name))
            return [(name, sentence)] if sentence else None

        return check_mask
    amount = number_check(bounds) if field.message_type.full_name == _MONEY else None
    if inner is None and amount is None and not required:
        return None

    def check(message: Message) -> Violations | None:
        if not message.HasField(name):
            return [(name, REQUIRED)] if required else None
        violations = inner(getattr(message, name)) if inner else None
        if amount and (sentence := amount(getattr(message, name).amount_minor)):
            violations = [*(violations or ()), (AMOUNT, sentence)]
        if violations and masked_by is not None:
            violations = [each for each in violations if is_masked(each[0], getattr(message, masked_by))]
        return [(f"{name}.{path}", sentence) for path, sentence in violations] if violations else None

    return check


def _many(field: FieldDescriptor, bounds: bounds_pb2.Bounds, *, into_items: bool) -> Check | None:
    name, required = field.name, bounds.required
    most = bounds.max_items if bounds.HasField("max_items") else None
    elements = _elements(field, bounds, into_items=into_items)
    if elements is None and most is None and not required:
        return None

    def check(message: Message) -> Violations | None:
        values = getattr(message, name)
        if not values:
            return [(name, REQUIRED)] if required else None
        if most is not None and len(values) > most:
            return [(name, f"must have at most {most} elements")]
        return elements(values) if elements else None

    return check


def _elements(field: FieldDescriptor, bounds: bounds_pb2.Bounds, *, into_items: bool) -> Check | None:
    """The check of all elements of a repeated field, or of all entries of a map."""
    name, entry = field.name, field.message_type
    if entry is not None and entry.GetOptions().map_entry:
        return _entries(field, entry, bounds)
    if entry is not None:
        inner = compile_check(entry) if into_items else None
        return None if inner is None else _items(name, inner)
    value_check = value_check_of(field, bounds)
    if value_check is None:
        return None

    def check(values: Iterable[Any]) -> Violations | None:
        sentences = [(index, value_check(value)) for index, value in enumerate(values)]
        return [(f"{name}[{index}]", sentence) for index, sentence in sentences if sentence] or None

    return check


def _items(name: str, inner: Check) -> Check:
    def check(values: Iterable[Message]) -> Violations | None:
        found: Violations = []
        for index, value in enumerate(values):
            violations = inner(value)
            if violations:
                found.extend((f"{name}[{index}].{path}", sentence) for path, sentence in violations)
                if len(found) >= VIOLATIONS_MAX:
                    break
        return found or None

    return check


def _entries(field: FieldDescriptor, entry: Descriptor, bounds: bounds_pb2.Bounds) -> Check | None:
    """The check of a map: keys by `max_length` and `pattern`, values by `max_value_length` or their own type."""
    name, key, value = field.name, entry.fields_by_name["key"], entry.fields_by_name["value"]
    key_check = text_check(bounds) if key.cpp_type == FieldDescriptor.CPPTYPE_STRING else None
    inner = compile_check(value.message_type) if value.message_type is not None else None
    is_text = value.type == FieldDescriptor.TYPE_STRING
    value_check: ValueCheck | None = map_value_check(bounds) if is_text else None
    if value.enum_type is not None:
        value_check = enum_check(value.enum_type, bounds)
    if key_check is None and value_check is None and inner is None:
        return None

    def check(values: Any) -> Violations | None:
        found: Violations = []
        for item in values:
            if key_check and (sentence := key_check(item)):
                found.append((name, f"has a key that {sentence}"))
            elif value_check and (sentence := value_check(values[item])):
                found.append((f"{name}[{item}]", sentence))
            elif inner and (violations := inner(values[item])):
                found.extend((f"{name}[{item}].{path}", sentence) for path, sentence in violations)
        return found or None

    return check
