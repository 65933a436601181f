"""A real gRPC server that answers every RPC of the contract as a test's script says, and remembers what it was asked.

In: actions by RPC, each used once, in order; without one an RPC answers an empty message. Out: the calls.
Invariant: it runs in a thread and a loop of its own, so that blocking and asynchronous clients meet the same server.
"""

import asyncio
import threading
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import message_factory
from google.protobuf.duration_pb2 import Duration
from google.protobuf.message import Message
from google.rpc.error_details_pb2 import ErrorInfo, RetryInfo
from google.rpc.status_pb2 import Status
from grpc import aio
from grpc_health.v1 import health_pb2

from keelpay._methods import SERVICE_FILES

METHODS = {
    f"/{service.full_name}/{method.name}": method
    for file in SERVICE_FILES
    for service in file.services_by_name.values()
    for method in service.methods
}
HEALTH_WATCH = "/grpc.health.v1.Health/Watch"


@dataclass(frozen=True)
class Refuse:
    """Ends the call badly."""

    code: grpc.StatusCode
    reason: str = ""
    metadata: Mapping[str, str] = field(default_factory=dict)
    retry_s: float | None = None
    raw_status: bytes | None = None

    def trailers(self) -> tuple[tuple[str, bytes], ...]:
        if self.raw_status is not None:
            return (("grpc-status-details-bin", self.raw_status),)
        if not self.reason:
            return ()
        status = Status(code=self.code.value[0], message=self.reason)
        status.details.add().Pack(ErrorInfo(reason=self.reason, domain="keelpay", metadata=self.metadata))
        if self.retry_s is not None:
            delay = Duration()
            delay.FromMilliseconds(int(self.retry_s * 1000))
            status.details.add().Pack(RetryInfo(retry_delay=delay))
        return (("grpc-status-details-bin", status.SerializeToString()),)


@dataclass(frozen=True)
class Hang:
    """Answers nothing for as long as the client waits."""


@dataclass(frozen=True)
class Call:
    """One call as it arrived."""

    method: str
    requests: tuple[Message, ...]
    metadata: Mapping[str, str | bytes]
    left_s: float

    @property
    def request(self) -> Any:
        return self.requests[0]


class ScriptedServer(grpc.GenericRpcHandler):
    """Answers by script."""

    def __init__(self) -> None:
        self.calls: list[Call] = []
        self.address = ""
        self.mode = ""
        self._scripts: dict[str, deque[Any]] = defaultdict(deque)

    @property
    def told(self) -> tuple[tuple[str, str], ...]:
        """What every answer carries, in a head or in trailers, if the server tells its mode."""
        return (("x-keelpay-mode", self.mode),) if self.mode else ()

    def script(self, method: str, *actions: Any) -> None:
        """Says what the next calls of an RPC (`PaymentService/GetPayment`) are answered with.

        An action is a message, a Refuse, a Hang, a list of these for a stream, or a function of the request.
        """
        path = next(path for path in METHODS if path.endswith(f".{method}"))
        self._scripts[path].extend(actions)

    def called(self, method: str) -> list[Call]:
        """The calls of one RPC."""
        return [call for call in self.calls if call.method.endswith(f".{method}")]

    def service(self, handler_call_details: Any) -> Any:
        path = handler_call_details.method
        if path == HEALTH_WATCH:
            return grpc.unary_stream_rpc_method_handler(
                _healthy,
                health_pb2.HealthCheckRequest.FromString,
                health_pb2.HealthCheckResponse.SerializeToString,
            )
        method = METHODS[path]
        kind = {
            (False, False): grpc.unary_unary_rpc_method_handler,
            (False, True): grpc.unary_stream_rpc_method_handler,
            (True, False): grpc.stream_unary_rpc_method_handler,
        }[method.client_streaming, method.server_streaming]
        parse = message_factory.GetMessageClass(method.input_type).FromString

        async def one(requests: Any, context: Any) -> Message:
            return await self._one(path, requests, context)

        async def stream(requests: Any, context: Any) -> Any:
            async for message in self._stream(path, requests, context):
                yield message

        return kind(stream if method.server_streaming else one, parse, lambda message: message.SerializeToString())

    async def _note(self, path: str, requests: Any, context: Any) -> Any:
        given = (requests,) if isinstance(requests, Message) else tuple([each async for each in requests])
        call = Call(path, given, dict(context.invocation_metadata()), context.time_remaining())
        self.calls.append(call)
        script = self._scripts[path]
        action = script.popleft() if script else None
        return action(call.request) if callable(action) else action

    async def _one(self, path: str, requests: Any, context: Any) -> Message:
        action = await self._note(path, requests, context)
        context.set_trailing_metadata(self.told)
        if action is None:
            return message_factory.GetMessageClass(METHODS[path].output_type)()
        return await self._play(action, context)

    async def _stream(self, path: str, requests: Any, context: Any) -> Any:
        action = await self._note(path, requests, context)
        await context.send_initial_metadata(self.told)
        for each in action if isinstance(action, list) else [action] if action is not None else []:
            yield await self._play(each, context)

    async def _play(self, action: Any, context: Any) -> Message:
        if isinstance(action, Refuse):
            await context.abort(action.code, str(action.reason) or "scripted", (*action.trailers(), *self.told))
        if isinstance(action, Hang):
            await asyncio.Event().wait()
        return action


async def _healthy(_request: Any, _context: Any) -> Any:
    yield health_pb2.HealthCheckResponse(status=health_pb2.HealthCheckResponse.SERVING)
    await asyncio.Event().wait()


@contextmanager
def running_server() -> Iterator[ScriptedServer]:
    """A server that listens on loopback for as long as the block lasts."""
    scripted = ScriptedServer()
    started, stop = threading.Event(), asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        server = aio.server(handlers=[scripted])
        port = server.add_secure_port("127.0.0.1:0", grpc.local_server_credentials())
        await server.start()
        scripted.address = f"127.0.0.1:{port}"
        started.set()
        await stop.wait()
        await server.stop(0)
        # Handlers that hang are cancelled by the stop; let them end, or their tasks are destroyed while they wait.
        await asyncio.gather(*(asyncio.all_tasks() - {asyncio.current_task()}), return_exceptions=True)

    def run() -> None:
        asyncio.set_event_loop(loop)
        loop.run_until_complete(serve())
        loop.close()

    thread = threading.Thread(target=run)
    thread.start()
    started.wait(10)
    try:
        yield scripted
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
