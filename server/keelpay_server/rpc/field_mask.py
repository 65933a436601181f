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
    contract = request.full_name.split(".", 1)[0] + "."
    resources = [
        other.message_type
        for other in request.fields
        if other.message_type is not None
        and not other.is_repeated
        and other.message_type.full_name.startswith(contract)
    ]
    allowed = frozenset(_paths(resources[0], DEPTH_MAX)) | {EVERYTHING} if resources else None

    def check(mask: FieldMask) -> str | None:
        if len(mask.paths) > PATHS_MAX:
            return f"must have at most {PATHS_MAX} paths"
        if allowed is not None and not allowed.issuperset(mask.paths):
            return "names a field that does not exist or cannot be changed"
        return None

    return check


def _paths(resource: Descriptor, depth: int) -> Iterator[str]:
    for field in resource.fields:
        if _FIXED.intersection(field.GetOptions().Extensions[BEHAVIOR]):
            continue
        yield field.name
        if depth > 1 and field.message_type is not None and not field.is_repeated:
            for path in _paths(field.message_type, depth - 1):
                yield f"{field.name}.{path}"
