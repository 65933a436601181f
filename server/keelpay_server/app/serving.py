"""A running server: storage, engine, rails, rooms and gRPC, opened in order and closed in the opposite one.

In: settings. Out: a server that answers. Invariant: it listens last and stops listening first; what it accepted is
finished before anything below it closes.
"""

import asyncio
import os
import secrets
import socket
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry

from keelpay_server.auth.party_of_passkeys import refuse_other_party
from keelpay_server.book.engine import Engine
from keelpay_server.book.ports import StorageLost
from keelpay_server.book.refusal import Refused
from keelpay_server.config import Settings
from keelpay_server.gateway.vault_rotation import reseal_all
from keelpay_server.risk.policy import RiskPolicy
from keelpay_server.rpc.access_log import AccessLog, Sink
from keelpay_server.rpc.listeners import ClientCertificate, Listener, Tls
from keelpay_server.rpc.metrics import expose
from keelpay_server.rpc.server import RpcServer, wall_us
from keelpay_server.rpc.server_settings import ServerSettings
from keelpay_server.storage.loading import catch_up
from keelpay_server.storage.opening import open_store

from .counters_keeping import CountersKeeping, kept_counters
from .edge import serve_edge
from .edge_socket import open_socket
from .master_key import MasterKey, load_master_key
from .rails import Rails, open_accounts, open_rails
from .reactions import REACTIONS
from .rooms import BANK_PAGES, SANDBOX, SERVED_BY_BANKS, Rooms
from .start_checks import check_start

BANK_RETRY_S = 10.0


class RunningServer:
    """What is open, for whoever started it.

    Attributes:
        address: `HOST:PORT` of gRPC.
        settings: What it was started with.
        engine: The book.
        rooms: Its rooms.
        rails: Its connectors.
        rpc: The gRPC server.
        edge_url: Where browsers reach it, such as `http://127.0.0.1:8080`; empty without an edge.
    """

    def __init__(self, settings: Settings, engine: Engine, rooms: Rooms, rails: Rails, rpc: RpcServer) -> None:
        self.settings, self.engine, self.rooms, self.rails, self.rpc = settings, engine, rooms, rails, rpc
        host = settings.listen.rpartition(":")[0]
        self.address = f"{host}:{rpc.ports[0]}"
        edge = settings.edge
        self.edge_url = f"{'http' if edge.tls is None else 'https'}://{edge.listen}" if edge.listen else ""


@asynccontextmanager
async def open_server(
    settings: Settings,
    *,
    environment: Mapping[str, str] | None = None,
    log: Sink = sys.stdout.write,
    limits: Mapping[str, Any] | None = None,
) -> AsyncIterator[RunningServer]:
    """Opens a server and closes it in an orderly way.

    Args:
        settings: The installation's and this process's.
        environment: Where secrets may be; None means this process's.
        log: Takes blocks of access log lines.
        limits: Fields of `rpc.server.ServerSettings` that differ from its defaults.

    Raises:
        SettingsError, WrongMode, WrongRelyingParty, FileBusy, DatabaseNewer, StartRefusedError: It cannot start; the
            text says why.
    """
    check_start(settings)
    Path(settings.data).mkdir(parents=True, exist_ok=True)  # noqa: ASYNC240  (before anything is served)
    master = load_master_key(settings, os.environ if environment is None else environment)
    async with AsyncExitStack() as stack:
        settings, edge = await stack.enter_async_context(open_socket(settings))
        engine, rooms, rails = await stack.enter_async_context(_open_rooms(settings, master))
        access_log = AccessLog(log)
        stack.callback(access_log.close)
        holder: list[RpcServer] = []
        absent = ((SANDBOX, settings.mode != "test"), (BANK_PAGES, not rails.pages))
        not_served = (*SERVED_BY_BANKS, *(service for service, is_absent in absent if is_absent))
        listeners = (_listener(settings), *(() if edge is None else (edge.listener,)))
        edge_key = "" if edge is None else edge.key
        rpc = RpcServer(
            ServerSettings(mode=settings.mode, listeners=listeners, edge_key=edge_key, **(limits or {})),
            rooms.servicers(lambda: holder[0].drain),
            rooms.authentication,
            access_log,
            not_served=not_served,
        )
        holder.append(rpc)
        if settings.metrics_port:
            registry = CollectorRegistry()
            registry.register(rpc.metrics)
            _, close = expose(registry, settings.metrics_port)
            stack.callback(close)
        await rpc.start()
        stack.push_async_callback(rpc.stop)
        if edge is not None:
            await stack.enter_async_context(serve_edge(settings, edge, rpc, access_log, not_served))
        yield RunningServer(settings, engine, rooms, rails, rpc)


@asynccontextmanager
async def _open_rooms(settings: Settings, master: MasterKey) -> AsyncIterator[tuple[Engine, Rooms, Rails]]:
    """Opens everything below gRPC: storage, engine, rails, rooms; later work is done from here on."""
    list_key = master.derive("risk-lists")
    policy = RiskPolicy(list_key=list_key)
    async with (
        open_store(settings.url(), book=settings.book, mode=settings.mode, wall=wall_us) as store,
        open_rails(settings, wall_us) as rails,
    ):
        counters = await kept_counters(store, policy)
        keeping = CountersKeeping(store, counters)
        engine = Engine(
            settings.book, store, wall=wall_us, process=process_name(), reactions=REACTIONS, projection=counters
        )
        async with AsyncExitStack() as stack:
            stack.push_async_callback(keeping.close)
            rooms = Rooms(engine, store.reader, rails, settings, master, list_key)
            stack.callback(rooms.close)
            stack.push_async_callback(engine.close)
            await catch_up(store.reader, counters)
            keeping.start()
            unknown = await open_accounts(engine, settings, rails.connectors)
            await rooms.keeper.open()
            await refuse_other_party(store.reader, settings.rp_id)
            if settings.vault_key > 1:
                await reseal_all(engine, rooms.vault, secrets.token_bytes)
            engine.start(rooms.handlers())
            rooms.outbox.start()
            stack.push_async_callback(rooms.outbox.close)
            await rooms.statements.begin()
            await rooms.pruning.begin()
            waiting = asyncio.create_task(_hear_from(engine, settings, rails, rooms, unknown), name="banks")
            stack.push_async_callback(_cancel, waiting)
            yield engine, rooms, rails


async def _hear_from(engine: Engine, settings: Settings, rails: Rails, rooms: Rooms, unknown: frozenset[str]) -> None:
    """Asks banks that did not answer at the start again, until all have told what they declare."""
    while unknown:
        await asyncio.sleep(BANK_RETRY_S)
        with suppress(StorageLost, Refused):
            unknown = await open_accounts(engine, settings, rails.connectors)
            await rooms.statements.begin()


async def _cancel(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)


def process_name() -> str:
    """Returns a name that no other process of the installation has."""
    return f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"


def _listener(settings: Settings) -> Listener:
    tls = settings.tls
    if tls is None:
        return Listener(address=settings.listen)
    roots = Path(tls.client_roots) if tls.client_roots else None
    return Listener(
        address=settings.listen,
        tls=Tls(
            certificate_chain=Path(tls.certificate),
            private_key=Path(tls.key),
            client_roots=roots,
            client_certificate=ClientCertificate.NONE if roots is None else ClientCertificate.REQUIRED,
        ),
    )
