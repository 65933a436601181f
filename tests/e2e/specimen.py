"""Specimens: a valid request of every message of the contract, and every way to break one bound of it.

In: descriptors with their `bounds`. Out: messages. Invariant: nothing is listed by hand: a field added to a proto file
is in the tables of the next run.
"""

import re
from collections.abc import Iterator
from re import _constants as op
from re import _parser as parser
from typing import Any, NamedTuple

from google.api import field_behavior_pb2
from google.protobuf.message_factory import GetMessageClass

from keelpay.api.type.v1 import bounds_pb2

DEPTH_MAX = 6
UNKNOWN_ENUM = 99_999
TIMESTAMP, DURATION, MASK = (f"google.protobuf.{name}" for name in ("Timestamp", "Duration", "FieldMask"))
MONEY = "keelpay.api.type.v1.Money"
NANOS_MAX = 999_999_999
YEAR_9999_S = 253_402_300_799
TEN_THOUSAND_YEARS_S = 315_576_000_000
PATHS_MAX = 64


class Broken(NamedTuple):
    """A request with one thing wrong.

    Attributes:
        path: The field's path, as a BadRequest has to name it.
        what: What is wrong.
        request: The message.
    """

    path: str
    what: str
    request: Any


def bounds_of(field):
    """What a value of the field must satisfy."""
    return field.GetOptions().Extensions[bounds_pb2.bounds]


def is_input(field):
    """Whether a caller fills it."""
    behaviour = field.GetOptions().Extensions[field_behavior_pb2.field_behavior]
    return field_behavior_pb2.OUTPUT_ONLY not in behaviour


def is_map(field):
    """Whether it is a map."""
    return bool(field.message_type and field.message_type.GetOptions().map_entry)


def specimen(descriptor, route=(), depth=0):
    """A valid message with every field filled.

    Args:
        descriptor: Its type.
        route: Names of fields from here down to one that has to be there: it decides between the members of a oneof.
        depth: How deep it is inside another one.
    """
    message = GetMessageClass(descriptor)()
    if descriptor.full_name == TIMESTAMP:
        message.seconds = 1_900_000_000
    elif descriptor.full_name == DURATION:
        message.seconds = 1
    elif descriptor.full_name == MASK:
        message.paths.append("*")
    else:
        for field in descriptor.fields:
            if is_input(field) and _is_chosen(field, route):
                _fill(message, field, route[1:] if route[:1] == (field.name,) else (), depth)
    return message


def _is_chosen(field, route):
    oneof = field.containing_oneof
    if oneof is None or len(oneof.fields) == 1:
        return True
    wanted = [other for other in oneof.fields if route[:1] == (other.name,)]
    return field is (wanted or oneof.fields)[0]


def _fill(message, field, route, depth):
    if is_map(field):
        entry = field.message_type.fields_by_name
        target = getattr(message, field.name)
        key = text_of(bounds_of(field))
        if entry["value"].message_type is None:
            target[key] = "v"
    elif field.is_repeated:
        target = getattr(message, field.name)
        if field.message_type is None:
            target.append(value_of(field))
        elif depth < DEPTH_MAX:
            target.append(specimen(field.message_type, route, depth + 1))
    elif field.message_type is not None:
        if depth < DEPTH_MAX:
            getattr(message, field.name).CopyFrom(specimen(field.message_type, route, depth + 1))
            getattr(message, field.name).SetInParent()
    else:
        setattr(message, field.name, value_of(field))


def value_of(field):
    """A valid value of a scalar field."""
    bounds = bounds_of(field)
    if field.enum_type is not None:
        return min(number for number in field.enum_type.values_by_number if number)
    if field.type == field.TYPE_STRING:
        return text_of(bounds)
    if field.type == field.TYPE_BYTES:
        return b"\1" * max(1, bounds.min_length)
    if field.type == field.TYPE_BOOL:
        return True
    return max(1, bounds.min) if not bounds.HasField("max") else max(min(1, bounds.max), bounds.min)


def text_of(bounds):
    """A valid text: the shortest one of the pattern, filled up to the least length."""
    if bounds.pattern:
        text = "".join(_sample(parser.parse(bounds.pattern)))
        assert re.fullmatch(bounds.pattern, text), f"{text!r} is no specimen of {bounds.pattern}"
        return text
    return "a" * max(1, bounds.min_length)


def _sample(parsed) -> Iterator[str]:
    for code, given in parsed:
        if code is op.LITERAL:
            yield chr(given)
        elif code is op.IN:
            yield _member(given)
        elif code in (op.MAX_REPEAT, op.MIN_REPEAT):
            least, most, inner = given
            for _ in range(least or (1 if most == 1 and inner[0][0] is not op.SUBPATTERN else 0)):
                yield from _sample(inner)
        elif code is op.SUBPATTERN:
            yield from _sample(given[3])
        elif code is op.BRANCH:
            yield from _sample(given[1][0])
        elif code is not op.AT:
            raise LookupError(f"a pattern uses {code}")


def _member(members):
    kind, given = members[0]
    if kind is op.NEGATE:
        return "x"
    return chr(given[0] if kind is op.RANGE else given)


def breaks(descriptor) -> Iterator[Broken]:
    """Every bound of a request broken, one at a time."""
    for names, field in bounded(descriptor):
        for what, path, change in _changes(field):
            request = specimen(descriptor, names)
            parent, written = _reach(request, names[:-1])
            if parent is not None:
                change(parent)
                yield Broken(f"{written}{path}", what, request)


def bounded(descriptor, above=(), depth=0) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every field that a caller fills, on every way to it: (names, field)."""
    for field in descriptor.fields:
        if not is_input(field):
            continue
        names = (*above, field.name)
        yield names, field
        inner = field.message_type
        walked = inner is not None and not is_map(field) and not inner.full_name.startswith("google.protobuf.")
        if walked and depth < DEPTH_MAX and inner.name not in above:
            yield from bounded(inner, names, depth + 1)


def _reach(message, names):
    written = ""
    for name in names:
        field = message.DESCRIPTOR.fields_by_name[name]
        target = getattr(message, name)
        if field.is_repeated:
            if not target:
                return None, ""
            target, name = target[0], f"{name}[0]"  # noqa: PLW2901  (the path as a BadRequest writes it)
        written += f"{name}."
        message = target
    return message, written


def _changes(field):
    """(what is wrong, the path below the parent, how to do it to the parent)."""
    bounds, name = bounds_of(field), field.name
    if is_map(field):
        yield from _map_changes(name, bounds)
    elif field.is_repeated:
        if bounds.required:
            yield "empty", name, lambda parent: parent.ClearField(name)
        if bounds.HasField("max_items"):
            yield "too many", name, lambda parent: _repeat(getattr(parent, name), bounds.max_items + 1)
        for what, value in _values(field, bounds):
            yield what, f"{name}[0]", lambda parent, value=value: getattr(parent, name).__setitem__(0, value)
    elif field.message_type is not None:
        if bounds.required and field.containing_oneof is None:
            yield "missing", name, lambda parent: parent.ClearField(name)
        yield from _known_messages(field)
    else:
        for what, value in _values(field, bounds):
            yield what, name, lambda parent, value=value: setattr(parent, name, value)
        if bounds.required and field.has_presence and field.containing_oneof is None:
            yield "missing", name, lambda parent: parent.ClearField(name)


def _repeat(values, count):
    values.extend([values[0]] * (count - len(values)))


def _map_changes(name, bounds):
    if bounds.HasField("max_items"):
        most = bounds.max_items + 1
        yield "too many", name, lambda parent: getattr(parent, name).update({f"k{n}": "v" for n in range(most)})
    if bounds.HasField("max_length"):
        key = "k" * (bounds.max_length + 1)
        yield "long key", name, lambda parent: getattr(parent, name).update({key: "v"})
    if bounds.pattern:
        yield "odd key", name, lambda parent: getattr(parent, name).update({"Ä !": "v"})
    if bounds.HasField("max_value_length"):
        value = "v" * (bounds.max_value_length + 1)
        yield "long value", f"{name}[k]", lambda parent: getattr(parent, name).update({"k": value})


def _known_messages(field):
    name, kind = field.name, field.message_type.full_name
    if kind in {TIMESTAMP, DURATION}:
        most_s = YEAR_9999_S if kind == TIMESTAMP else TEN_THOUSAND_YEARS_S
        least_ns = 0 if kind == TIMESTAMP else -NANOS_MAX
        yield "far away", f"{name}.seconds", lambda parent: setattr(getattr(parent, name), "seconds", most_s + 1)
        yield "long ago", f"{name}.seconds", lambda parent: setattr(getattr(parent, name), "seconds", -most_s - 1)
        yield "many nanos", f"{name}.nanos", lambda parent: setattr(getattr(parent, name), "nanos", NANOS_MAX + 1)
        yield "few nanos", f"{name}.nanos", lambda parent: setattr(getattr(parent, name), "nanos", least_ns - 1)
    elif kind == MONEY:
        bounds, path = bounds_of(field), f"{name}.amount_minor"
        for what, value in _numbers(field.message_type.fields_by_name["amount_minor"], bounds):
            yield what, path, lambda parent, value=value: setattr(getattr(parent, name), "amount_minor", value)
    elif kind == MASK:
        yield "unknown path", name, lambda parent: getattr(parent, name).paths.append("no_such_field")
        yield "fixed path", name, lambda parent: getattr(parent, name).paths.append("create_time")
        yield "many paths", name, lambda parent: getattr(parent, name).paths.extend(["*"] * PATHS_MAX)


def _values(field, bounds):
    """(what is wrong, a value) of a scalar."""
    if field.message_type is not None:
        return
    if field.enum_type is not None:
        yield "unknown enum", UNKNOWN_ENUM
        if bounds.enum_defined or bounds.required:
            yield "enum zero", 0
    elif field.type == field.TYPE_STRING:
        yield "NUL", text_of(bounds)[:-1] + "\0"
        if bounds.required and not (field.is_repeated and not bounds.min_length and not bounds.pattern):
            yield "empty", ""
        if bounds.min_length > 1:
            yield "short", text_of(bounds)[: bounds.min_length - 1]
        if bounds.HasField("max_length"):
            yield "long", "a" * (bounds.max_length + 1)
        if bounds.pattern:
            yield "odd", "Ä ?"
            yield "line break", text_of(bounds) + "\n"
    elif field.type == field.TYPE_BYTES:
        if bounds.required:
            yield "empty", b""
        if bounds.HasField("max_length"):
            yield "long", b"\1" * (bounds.max_length + 1)
        if bounds.min_length > 1:
            yield "short", b"\1" * (bounds.min_length - 1)
    elif field.type != field.TYPE_BOOL:
        yield from _numbers(field, bounds)


def _numbers(field, bounds):
    wide = field.type in {field.TYPE_INT64, field.TYPE_UINT64, field.TYPE_SINT64}
    signed = field.type not in {field.TYPE_UINT32, field.TYPE_UINT64}
    top = 2 ** (63 if wide else 31) - 1
    if bounds.HasField("min"):
        for value in {bounds.min - 1, *((0, -1, -top) if bounds.min > 0 else ())}:
            if signed or value >= 0:
                yield f"small {value}", value
    if bounds.HasField("max") and bounds.max < top:
        yield "big", bounds.max + 1
        yield "biggest", top
