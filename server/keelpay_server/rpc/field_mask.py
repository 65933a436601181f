"""Checks the FieldMask of an update: every path must name a field of the resource that its owner may change.

In: the descriptors of the request and of its FieldMask field. Out: a check of the mask, as in bounds.py.
Invariant: a path that passes exists, and is neither OUTPUT_ONLY nor IMMUTABLE nor an IDENTIFIER (AIP-134, AIP-203).
"""

from collections.abc import Callable, Iterator
from typing import Any

from google.api import field_behavior_pb2
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.field_mask_pb2 import FieldMask

PATHS_MAX = 64
DEPTH_MAX = 4
EVERYTHING = "*"
_MASK = "google.protobuf.FieldMask"
BEHAVIOR: Any = field_behavior_pb2.field_behavior  # google.api's stubs do not know it as an extension
OUTPUT_ONLY = field_behavior_pb2.OUTPUT_ONLY
_FIXED = frozenset({OUTPUT_ONLY, field_behavior_pb2.IMMUTABLE, field_behavior_pb2.IDENTIFIER})


def mask_check(request: Descriptor, field: FieldDescriptor) -> Callable[[FieldMask], str | None] | None:
    """Makes the check of a FieldMask field, or None where the field is no mask.

    The resource is the request's first field that is a message of this contract (AIP-134 has exactly one).
    """
    if field.message_type is None or field.message_type.full_name != _MASK:
        return None
    resource = _resource(request)
    kind = None if resource is None else resource.message_type
    allowed = None if kind is None else frozenset(_paths(kind, DEPTH_MAX)) | {EVERYTHING}

    def check(mask: FieldMask) -> str | None:
        if len(mask.paths) > PATHS_MAX:
            return f"must have at most {PATHS_MAX} paths"
        if allowed is not None and not allowed.issuperset(mask.paths):
            return "names a field that does not exist or cannot be changed"
        return None

    return check


def mask_of(request: Descriptor, field: FieldDescriptor) -> str | None:
    """Returns the name of the FieldMask field that says which parts of a field count, or None where all do.

    Only the resource of an update has one (AIP-134: the request is named Update<Resource>Request).
    """
    if not request.name.startswith("Update") or _resource(request) is not field:
        return None
    masks = (other.name for other in request.fields if other.message_type and other.message_type.full_name == _MASK)
    return next(masks, None)


def is_masked(path: str, mask: FieldMask) -> bool:
    """Tells whether a mask names a field of the resource, something inside it, or what it is inside of."""
    return any(
        named == EVERYTHING or f"{path}.".startswith(f"{named}.") or f"{named}.".startswith(f"{path}.")
        for named in mask.paths
    )


def _resource(request: Descriptor) -> FieldDescriptor | None:
    """Returns the request's field that is the resource: the first one of this contract's own messages."""
    contract = request.full_name.split(".", 1)[0] + "."
    for other in request.fields:
        kind = other.message_type
        if kind is not None and not other.is_repeated and kind.full_name.startswith(contract):
            return other
    return None


def _paths(resource: Descriptor, depth: int) -> Iterator[str]:
    for field in resource.fields:
        if _FIXED.intersection(field.GetOptions().Extensions[BEHAVIOR]):
            continue
        yield field.name
        if depth > 1 and field.message_type is not None and not field.is_repeated:
            for path in _paths(field.message_type, depth - 1):
                yield f"{field.name}.{path}"
