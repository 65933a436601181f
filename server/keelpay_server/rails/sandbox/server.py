"""The sandbox bank as a process of its own: RailService, its levers, health.

In: an address and a profile. Out: a running server. Invariant: it answers nothing that is not in its file.
"""

import asyncio
import contextlib
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

import grpc
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from grpc_health.v1 import health, health_pb2, health_pb2_grpc

from keelpay.api.rail.v1 import rail_service_pb2_grpc
from keelpay.api.sandbox.v1 import bank_control_pb2_grpc

from .bank import SandboxBank
from .behaviour import BankProfile
from .control_servicer import ControlServicer
from .delivery import Delivery
from .faults import FaultPlan
from .lane import BankLane
from .notifier import Notifier
from .servicer import RailServicer
from .store import BankStore

_MESSAGE_BYTES_MAX: Final = 4 * 1024 * 1024
_GRACE_S: Final = 0.5


def wall_clock_us() -> int:
    """Returns the time of this machine in microseconds since the epoch."""
    return time.time_ns() // 1000


class NotifyTarget(NamedTuple):
    """Where the bank tells its news.

    Attributes:
        address: HOST:PORT of keelpay.
        key_id: Name under which the key is registered there.
        private_key: What the bank signs with.
        token: A bearer token for the call, or empty.
        root_certificates: PEM of whom to trust; None speaks in the clear, for tests on one machine.
    """

    address: str
    key_id: str
    private_key: Ed25519PrivateKey
    token: str = ""
    root_certificates: bytes | None = None


class BankServer:
    """A running sandbox bank; leaves in an orderly way at the end of `async with` or by `stop`."""

    def __init__(self, server: grpc.aio.Server, delivery: Delivery, address: str) -> None:
        self.delivery = delivery
        self.address = address
        self._server = server
        self._notifying: asyncio.Task[None] | None = None
        self._channel: grpc.aio.Channel | None = None

    def notify(self, target: NotifyTarget) -> None:
        """Begins to tell keelpay the bank's news."""
        if target.root_certificates is None:
            self._channel = grpc.aio.insecure_channel(target.address)
        else:
            credentials = grpc.ssl_channel_credentials(target.root_certificates)
            self._channel = grpc.aio.secure_channel(target.address, credentials)
        notifier = Notifier(self.delivery.lane, self._channel, target.key_id, target.private_key, target.token)
        self._notifying = asyncio.create_task(notifier.run())

    async def wait(self) -> None:
        """Waits until the server ends."""
        await self._server.wait_for_termination()

    async def stop(self) -> None:
        """Takes no more calls, lets those under way finish, closes the file."""
        if self._notifying is not None:
            self._notifying.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._notifying
        if self._channel is not None:
            await self._channel.close()
        await self._server.stop(_GRACE_S)
        await self.delivery.lane.close()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.stop()


async def serve(
    host: str,
    port: int,
    *,
    profile: BankProfile | None = None,
    path: Path | None = None,
    plan: FaultPlan | None = None,
    credentials: grpc.ServerCredentials | None = None,
    target: NotifyTarget | None = None,
    clock: Callable[[], int] = wall_clock_us,
) -> BankServer:
    """Starts a sandbox bank and returns it when it takes calls.

    Args:
        host: Where to listen, such as 127.0.0.1.
        port: Which port; 0 takes a free one, `BankServer.address` tells it.
        profile: Which bank it is; the card bank where none is given.
        path: Its file; None forgets everything at the end.
        plan: How often calls go wrong.
        credentials: Transport security; None speaks in the clear, for tests on one machine.
        target: Where to tell news; None tells none.
        clock: The bank's clock, microseconds since the epoch.
    """
    bank = SandboxBank(profile or BankProfile(), BankStore(path), clock, tells=target is not None)
    delivery = Delivery(BankLane(bank), plan)
    server = grpc.aio.server(
        options=(("grpc.max_receive_message_length", _MESSAGE_BYTES_MAX), ("grpc.so_reuseport", 0))
    )
    rail_service_pb2_grpc.add_RailServiceServicer_to_server(RailServicer(delivery), server)
    bank_control_pb2_grpc.add_SandboxBankControlServiceServicer_to_server(ControlServicer(delivery), server)
    healthy = health.aio.HealthServicer()
    health_pb2_grpc.add_HealthServicer_to_server(healthy, server)
    listen = f"{host}:{port}"
    bound = server.add_secure_port(listen, credentials) if credentials else server.add_insecure_port(listen)
    await server.start()
    await healthy.set("", health_pb2.HealthCheckResponse.SERVING)
    running = BankServer(server, delivery, f"{host}:{bound}")
    if target is not None:
        running.notify(target)
    return running
