"""Bytes to requests and responses to bytes: size limits, malformed messages, and the router of served methods.

In: raw messages as gRPC hands them over. Out: checked requests, serialized responses.
Invariant: bytes are parsed only after the caller was let in, and bytes that do not parse are the caller's fault
(INVALID_ARGUMENT): by default gRPC parses first and answers UNKNOWN with a class name of ours.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import grpc
from google.protobuf.message import DecodeError, Message

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

from .contract import MethodShape
from .limits import Load
from .validation import compile_check, invalid_fields

MESSAGE_BYTES_MAX = 256 * 1024
BATCH_MESSAGE_BYTES_MAX = 4 * 1024 * 1024
# The two doors for volume: big messages, and items that are refused one by one, so their servicer checks each.
BATCH_METHODS = frozenset(
    {
        "/keelpay.api.gateway.v1.PaymentService/BatchCreatePayments",
        "/keelpay.api.gateway.v1.PaymentService/IngestPayments",
    }
)


def make_reader(method: MethodShape, batch_methods: frozenset[str] = BATCH_METHODS) -> Callable[[bytes], Message]:
    """Makes the function that turns the bytes of one request of a method into a valid message.

    Returns:
        A function that raises Refused: MESSAGE_MALFORMED for bytes that are too many or no such message,
        FIELD_INVALID with all violations of the bounds.
    """
    batch = method.name in batch_methods
    bytes_max = BATCH_MESSAGE_BYTES_MAX if batch else MESSAGE_BYTES_MAX
    check = compile_check(method.descriptor.input_type, into_items=not batch)
    parse = method.request.FromString
    type_name = method.descriptor.input_type.full_name

    def read(raw: bytes) -> Message:
        if len(raw) > bytes_max:
            raise Refused(Reason.MESSAGE_MALFORMED, f"a message of this method has at most {bytes_max} bytes")
        try:
            message = parse(raw)
        except (DecodeError, ValueError):  # ValueError: a text that is not UTF-8
            # The parser's own words describe our build, not the caller's mistake.
            raise Refused(Reason.MESSAGE_MALFORMED, f"the bytes are not a {type_name}") from None
        violations = check(message) if check else None
        if violations:
            raise invalid_fields(violations)
        return message

    return read


def make_writer(method: MethodShape) -> Callable[[object], bytes]:
    """Makes the function that turns an answer of a method into bytes.

    Returns:
        A function that raises TypeError for anything but the method's own response: the serializer would take any
        message, and the client would read another one's bytes.
    """
    response = method.response

    def write(answer: object) -> bytes:
        if not isinstance(answer, response):
            raise TypeError(f"{method.name} answered with {type(answer).__name__}")
        return answer.SerializeToString()

    return write


class Served(NamedTuple):
    """One RPC as the router knows it.

    Attributes:
        handler: Serves it.
        shed: Refuses it for want of a place; None for a watch, which has places of its own.
    """

    handler: "grpc.RpcMethodHandler[Any, Any]"
    shed: "grpc.RpcMethodHandler[Any, Any] | None"


class Router(grpc.GenericRpcHandler):
    """Finds the handler of a call by its full method name; an unknown method is gRPC's UNIMPLEMENTED."""

    def __init__(self, served: Mapping[str, Served], load: Load) -> None:
        """Takes the RPCs by full method name, and the load that tells when there is no place left."""
        self._served = dict(served)
        self._load = load

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[Any, Any] | None":
        """Returns a handler made at the start: nothing is built for a call."""
        served = self._served.get(handler_call_details.method)
        if served is None:
            return None
        return served.shed if served.shed is not None and self._load.is_full else served.handler
