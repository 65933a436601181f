"""The wire as it is: any RPC of the contract by its descriptor, and its answer or the one error it ends with.

In: a channel, a method, messages. Out: `Answer`. Invariant: nothing is retried, renamed or taken for granted; an error
that is not of the contract's one shape fails the test that met it.
"""

from typing import NamedTuple

import grpc
from google.rpc import status_pb2
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo

from keelpay_server.app.rooms import SERVED_BY_BANKS
from keelpay_server.rpc.contract import load_services, methods_of
from keelpay_server.rpc.policy import read_policies

DETAILS = "grpc-status-details-bin"
DEADLINE_S = 10.0
ALL = {method.name: method for method in methods_of(load_services())}
POLICIES = read_policies(ALL.values())
SERVED = {name: method for name, method in ALL.items() if name[1:].partition("/")[0] not in SERVED_BY_BANKS}
"""Methods that a test installation serves: all but those of banks."""


class Answer(NamedTuple):
    """What came back.

    Attributes:
        code: gRPC's code.
        messages: The answers; the first few of a stream.
        reason: Of the one ErrorInfo; empty where there is no error.
        fields: Paths of the BadRequest.
        told: All that a caller can read of an error but the id of the call: text and details.
    """

    code: grpc.StatusCode
    messages: tuple = ()
    reason: str = ""
    fields: tuple[str, ...] = ()
    told: bytes = b""

    @property
    def ok(self):
        """Whether it went well."""
        return self.code is grpc.StatusCode.OK


async def call(channel, method, request, metadata=(), *, deadline_s=DEADLINE_S):
    """Calls an RPC of any of the four kinds.

    Args:
        channel: Where.
        method: Its MethodShape.
        request: A message, or a list of them for a client stream.
        metadata: What goes along.
        deadline_s: How long it may take.
    """
    kind = {
        (False, False): "unary_unary", (False, True): "unary_stream", (True, False): "stream_unary",
        (True, True): "stream_stream",
    }[method.client_streaming, method.server_streaming]  # fmt: skip
    stub = getattr(channel, kind)(
        method.name,
        request_serializer=lambda message: message.SerializeToString(),
        response_deserializer=method.response.FromString,
    )
    messages = request if isinstance(request, list) else [request]
    started = stub(iter(messages) if method.client_streaming else messages[0], timeout=deadline_s, metadata=metadata)
    try:
        if not method.server_streaming:
            return Answer(grpc.StatusCode.OK, (await started,))
        first = await started.read()
        if first is not grpc.aio.EOF:
            started.cancel()
            return Answer(grpc.StatusCode.OK, (first,))
        if await started.code() is grpc.StatusCode.OK:
            return Answer(grpc.StatusCode.OK)
        return refusal(await started.code(), await started.details(), await started.trailing_metadata())
    except grpc.aio.AioRpcError as error:
        return refusal(error.code(), error.details(), error.trailing_metadata())


def refusal(code, text, trailers):
    """Takes an error of the contract apart.

    Raises:
        AssertionError: It is not of the contract's shape.
    """
    raw = dict(trailers or ()).get(DETAILS)
    assert raw is not None, f"{code}: {text!r} carries no details"
    status = status_pb2.Status.FromString(raw)
    assert (status.code, status.message) == (code.value[0], text)
    told = [text.encode()]
    infos, fields = [], []
    for detail in status.details:
        if detail.Is(ErrorInfo.DESCRIPTOR):
            infos.append(ErrorInfo())
            detail.Unpack(infos[-1])
            infos[-1].metadata.pop("request_id", None)
            told.append(infos[-1].SerializeToString(deterministic=True))
            continue
        if detail.Is(BadRequest.DESCRIPTOR):
            request = BadRequest()
            detail.Unpack(request)
            fields += [violation.field for violation in request.field_violations]
        told.append(detail.SerializeToString())
    (info,) = infos
    assert info.domain == "keelpay"
    return Answer(code, (), info.reason, tuple(fields), b"\n".join(told))
