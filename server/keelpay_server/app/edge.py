"""How the edge is wired: what it exposes of the contract, how it reaches the gRPC server, when it starts and leaves.

In: settings, a gRPC server that has started. Out: an edge that serves. Invariant: it serves after the gRPC server, and
leaves before it; all that it refuses by itself is worded and written down as the gRPC server would.
"""

from collections.abc import AsyncIterator, Collection, Iterator
from contextlib import asynccontextmanager
from typing import Final

import grpc
from google.protobuf.descriptor import ServiceDescriptor
from grpc_health.v1 import health_pb2

from keelpay_server.book.caller import CallerKind
from keelpay_server.book.refusal import Refused
from keelpay_server.config import Settings
from keelpay_server.edge.ports import Answered, Ended, Log, Method, Ports, Render, Take
from keelpay_server.edge.server import EdgeServer
from keelpay_server.rpc.access_log import AccessLog, Entry, HttpEntry
from keelpay_server.rpc.arrival import EDGE_KEY, MODE_KEY, REQUEST_ID_KEY, is_sane, rate_address, request_ids
from keelpay_server.rpc.contract import load_services, methods_of
from keelpay_server.rpc.errors import choose_language, render
from keelpay_server.rpc.limits import RateLimit
from keelpay_server.rpc.policy import read_policies
from keelpay_server.rpc.server import RpcServer, ticks_us, wall_us
from keelpay_server.rpc.wire import BATCH_MESSAGE_BYTES_MAX, BATCH_METHODS, MESSAGE_BYTES_MAX

from .edge_socket import EdgeSocket
from .rooms import BANK_PAGES

_SANDBOX: Final = "/keelpay.api.sandbox.v1.SandboxService/"
_ADDRESSES_MAX: Final = 20_000
_HEALTH: Final = "/grpc.health.v1.Health/Check"


@asynccontextmanager
async def serve_edge(
    settings: Settings, opened: EdgeSocket, rpc: RpcServer, access_log: AccessLog, not_served: Collection[str]
) -> AsyncIterator[None]:
    """Serves browsers and phones over a gRPC server that has started, until it leaves."""
    services = tuple(service for service in load_services() if service.full_name not in not_served)
    async with open_channel(opened.path) as channel:
        ports = Ports(
            channel=channel,
            methods=tuple(exposed(services, settings)),
            forwarder=(EDGE_KEY, opened.key),
            make_request_id=request_ids(),
            is_request_id=is_sane,
            render=renderer(settings.mode),
            record=Recorder(rpc, access_log),
            take=limiter(settings.edge.requests_per_minute),
            party=rate_address,
            log=logger(access_log) if settings.edge.access_log else None,
            sandbox=BANK_PAGES not in not_served,
        )
        edge = EdgeServer(opened.bound, settings.edge, ports)
        await edge.start()
        try:
            yield
        finally:
            await rpc.announce_leaving()
            await edge.stop()


def open_channel(path: str) -> grpc.aio.Channel:
    """Opens the edge's way to the gRPC server: one connection, on which answers may be of any size."""
    credentials = grpc.local_channel_credentials(grpc.LocalConnectionType.UDS)
    return grpc.aio.secure_channel(f"unix:{path}", credentials, options=[("grpc.max_receive_message_length", -1)])


def exposed(services: Collection[ServiceDescriptor], settings: Settings) -> Iterator[Method]:
    """Yields the RPCs that the edge serves: those whose policy admits somebody whom it is there for."""
    kinds = {CallerKind.ANYONE, *(CallerKind[kind.upper()] for kind in settings.edge.expose)}
    shapes = tuple(methods_of(services))
    policies = read_policies(shapes)
    for shape in shapes:
        hidden = shape.name.startswith(_SANDBOX) and not settings.edge.expose_sandbox
        if shape.client_streaming or hidden or not policies[shape.name].callers & kinds:
            continue
        bytes_max = BATCH_MESSAGE_BYTES_MAX if shape.name in BATCH_METHODS else MESSAGE_BYTES_MAX
        yield Method(shape.name, shape.request, shape.response, shape.server_streaming, bytes_max)
    request, response = health_pb2.HealthCheckRequest, health_pb2.HealthCheckResponse
    yield Method(_HEALTH, request, response, server_streaming=False, bytes_max=MESSAGE_BYTES_MAX)


def limiter(requests_per_minute: int) -> Take:
    """Counts requests by address, or by network where one party has a network."""
    limit = RateLimit(requests_per_minute, _ADDRESSES_MAX)
    return lambda address: limit.take(rate_address(address), ticks_us())


def logger(access_log: AccessLog) -> Log:
    """Writes requests down beside the calls."""

    def log(answered: Answered) -> None:
        access_log.add(HttpEntry(wall_us(), *answered))

    return log


def renderer(mode: str) -> Render:
    """Puts refusals of the edge into the words of those of the gRPC server."""

    def rendered(refused: Refused, request_id: str, accept_language: str) -> Ended:
        identity = ((REQUEST_ID_KEY, request_id), (MODE_KEY, mode))
        return Ended(*render(refused, request_id, choose_language(accept_language)), identity)

    return rendered


class Recorder:
    """Counts and writes down what the edge itself refused, beside the calls that the gRPC server has seen."""

    def __init__(self, rpc: RpcServer, access_log: AccessLog) -> None:
        self._rpc, self._access_log = rpc, access_log

    def __call__(self, path: str, request_id: str, ended: Ended, refused: Refused) -> None:
        """Takes one refusal."""
        code, reason = ended.code.name, refused.reason.name
        counters = self._rpc.metrics.method(path)
        counters.started += 1
        counters.record(code, reason, 0)
        self._access_log.add(Entry(wall_us(), request_id, path, "", code, reason, 0))
