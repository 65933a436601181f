"""An ending as Connect tells it: a code in words, an HTTP status, the details of the contract in base64.

In: how a call ended. Out: JSON and a status (https://connectrpc.com/docs/protocol, "Error codes").
Invariant: nothing of the contract's details is lost on the way: what gRPC callers learn, browsers learn.
"""

import base64
from collections.abc import Mapping
from typing import Any, Final, NamedTuple

import grpc
from google.protobuf import descriptor_pool, json_format
from google.protobuf.message_factory import GetMessageClass
from google.rpc.error_details_pb2 import RetryInfo
from google.rpc.status_pb2 import Status

from .ports import Ended

_NS_PER_S: Final = 1_000_000_000


class Code(NamedTuple):
    """How Connect says a gRPC status.

    Attributes:
        word: In JSON.
        status: In HTTP, for unary calls.
    """

    word: str
    status: int


CODES: Final[Mapping[grpc.StatusCode, Code]] = {
    grpc.StatusCode.CANCELLED: Code("canceled", 499),
    grpc.StatusCode.UNKNOWN: Code("unknown", 500),
    grpc.StatusCode.INVALID_ARGUMENT: Code("invalid_argument", 400),
    grpc.StatusCode.DEADLINE_EXCEEDED: Code("deadline_exceeded", 504),
    grpc.StatusCode.NOT_FOUND: Code("not_found", 404),
    grpc.StatusCode.ALREADY_EXISTS: Code("already_exists", 409),
    grpc.StatusCode.PERMISSION_DENIED: Code("permission_denied", 403),
    grpc.StatusCode.RESOURCE_EXHAUSTED: Code("resource_exhausted", 429),
    grpc.StatusCode.FAILED_PRECONDITION: Code("failed_precondition", 400),
    grpc.StatusCode.ABORTED: Code("aborted", 409),
    grpc.StatusCode.OUT_OF_RANGE: Code("out_of_range", 400),
    grpc.StatusCode.UNIMPLEMENTED: Code("unimplemented", 501),
    grpc.StatusCode.INTERNAL: Code("internal", 500),
    grpc.StatusCode.UNAVAILABLE: Code("unavailable", 503),
    grpc.StatusCode.DATA_LOSS: Code("data_loss", 500),
    grpc.StatusCode.UNAUTHENTICATED: Code("unauthenticated", 401),
}


def error_json(ended: Ended) -> dict[str, Any]:
    """Returns the error object."""
    error: dict[str, Any] = {"code": CODES[ended.code].word}
    if ended.message:
        error["message"] = ended.message
    details = [_detail(detail.type_url.rpartition("/")[2], detail.value) for detail in _details(ended)]
    if details:
        error["details"] = details
    return error


def retry_after(ended: Ended) -> tuple[tuple[str, str], ...]:
    """Returns the `retry-after` header of a refusal that says when to come again, in whole seconds."""
    for detail in _details(ended):
        wait = RetryInfo()
        if detail.Unpack(wait):
            return (("retry-after", str(-(-wait.retry_delay.ToNanoseconds() // _NS_PER_S))),)
    return ()


def _details(ended: Ended) -> Any:
    return Status.FromString(ended.details).details if ended.details else ()


def _detail(kind: str, value: bytes) -> dict[str, Any]:
    detail: dict[str, Any] = {"type": kind, "value": base64.b64encode(value).rstrip(b"=").decode()}
    try:
        message = GetMessageClass(descriptor_pool.Default().FindMessageTypeByName(kind)).FromString(value)
    except KeyError:
        return detail
    return {**detail, "debug": json_format.MessageToDict(message)}
