"""The naive server: CreatePayment behind the product's own pipeline, so that only the way to the database differs.

In: a filled database. Out: a gRPC server with the same token check, policy, bounds, metrics and access log.
Invariant: durable like the engine: WAL with synchronous=FULL, or PostgreSQL's defaults.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import grpc
from sqlalchemy import event
from sqlalchemy.engine import make_url
from sqlalchemy.ext.asyncio import AsyncEngine, AsyncSession, async_sessionmaker, create_async_engine

from bench.load import CREATE_METHOD
from bench.naive_payment import NaivePayments
from bench.naive_tables import metadata
from bench.process import serve
from keelpay_server.auth.platform_key import TOKENS, PlatformKey, ring_of
from keelpay_server.auth.token_failure import TokenRefused
from keelpay_server.auth.token_verifier import TokenVerifier
from keelpay_server.book.caller import Caller
from keelpay_server.book.ports import Page
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.rpc.access_log import AccessLog
from keelpay_server.rpc.arrival import AUTHORIZATION_KEY, Metadata, request_ids
from keelpay_server.rpc.contract import load_services, methods_of
from keelpay_server.rpc.drain import Drain
from keelpay_server.rpc.limits import Load
from keelpay_server.rpc.listeners import Listener
from keelpay_server.rpc.metrics import RpcMetrics
from keelpay_server.rpc.pipeline import MethodPipeline
from keelpay_server.rpc.policy import read_policies
from keelpay_server.rpc.server import ticks_us, wall_us
from keelpay_server.rpc.server_settings import ServerSettings
from keelpay_server.rpc.shedding import Shedding
from keelpay_server.rpc.stages import Authenticate, Stages
from keelpay_server.rpc.wire import Router, Served, make_reader, make_writer
from keelpay_server.storage.postgres import SETTINGS
from keelpay_server.storage.reader import SqlReader
from keelpay_server.storage.sqlite import PRAGMAS

_US_PER_S: Final = 1_000_000
_SCHEME: Final = "Bearer "
_LISTENER: Final = Listener(address="127.0.0.1:0")
PATIENCE_US: Final = 60 * _US_PER_S
"""Of a call: a crowd waits for seconds here, and calls that are cut off half-way would only lower the rate further."""
POOL_SIZES: Final = {"sqlite": 1, "postgresql": 20}
"""SQLite has one writer, and waiting for a connection is cheaper than waiting for its lock; PostgreSQL needs some for
the time that commits take. With 1 to 10 and 5 to 40 the rates were the same."""


def connect(url: str) -> AsyncEngine:
    """Returns an engine as SQLAlchemy's documentation sets one up for each database."""
    parsed = make_url(url)
    database = parsed.get_backend_name()
    if database == "postgresql":
        driver = parsed.set(drivername="postgresql+asyncpg")
        return create_async_engine(
            driver, pool_size=POOL_SIZES[database], max_overflow=0, connect_args={"server_settings": SETTINGS}
        )
    driver = parsed.set(drivername="sqlite+aiosqlite")
    engine = create_async_engine(
        driver, pool_size=POOL_SIZES[database], max_overflow=0, connect_args={"isolation_level": None}
    )
    event.listen(engine.sync_engine, "connect", _set_pragmas)
    event.listen(engine.sync_engine, "begin", _begin_writing)
    return engine


def _set_pragmas(connection: Any, _record: object) -> None:
    cursor = connection.cursor()
    for pragma in PRAGMAS:
        cursor.execute(f"PRAGMA {pragma}")
    cursor.close()


def _begin_writing(connection: Any) -> None:
    """Takes the write lock first: a transaction that reads and then writes fails if another wrote in between."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")


async def run(settings: dict[str, Any], until_stopped: Callable[[Mapping[str, Any]], Awaitable[None]]) -> None:
    engine = connect(settings["url"])
    try:
        async with engine.begin() as connection:
            await connection.run_sync(metadata.create_all)
        keys = await SqlReader(engine, settings["book"]).find(PlatformKey, {"purpose": TOKENS}, Page())
        ring = ring_of(keys, bytes.fromhex(settings["platform_key"]))
        verifier = TokenVerifier(ring, issuer=settings["name"], audience=settings["name"])
        sessions = async_sessionmaker(engine, expire_on_commit=False)
        log = AccessLog(len)
        try:
            await _serve(sessions, settings["book"], _authentication(verifier), log, until_stopped)
        finally:
            log.close()
    finally:
        await engine.dispose()


def _authentication(verifier: TokenVerifier) -> Authenticate:
    def authenticate(metadata_: Metadata) -> Caller:
        try:
            token = str(metadata_[AUTHORIZATION_KEY]).removeprefix(_SCHEME)
            return verifier.verify(token, wall_us() / _US_PER_S).caller()
        except TokenRefused as refused:
            raise Refused(Reason[refused.reason]) from refused

    return authenticate


async def _serve(
    sessions: async_sessionmaker[AsyncSession], book: int, authenticate: Authenticate, log: AccessLog,
    until_stopped: Callable[[Mapping[str, Any]], Awaitable[None]],
) -> None:  # fmt: skip
    options = ServerSettings(mode="test", listeners=(_LISTENER,))
    load = Load(options.calls_max, options.watches_max, options.watches_per_caller_max, options.retry_after_ms)
    stages = Stages(
        authenticate=authenticate, mode=options.mode, load=load, drain=Drain(options.retry_after_ms),
        metrics=RpcMetrics(lambda: (load.calls, load.watches)), access_log=log, wall_us=wall_us, ticks_us=ticks_us,
        make_request_id=request_ids(), deadline_us_min=options.deadline_ms_min * 1000,
        storage_retry_after_ms=options.retry_after_ms, rate_callers_max=options.rate_callers_max,
    )  # fmt: skip
    methods = {method.name: method for method in methods_of(load_services())}
    method = methods[CREATE_METHOD]
    policy = read_policies(methods.values())[method.name]._replace(deadline_us=PATIENCE_US)
    payments = NaivePayments(sessions, book, wall_us)
    pipeline = MethodPipeline(
        method, policy, make_reader(method), make_writer(method),
        payments.create_payment, stages,
    )  # fmt: skip
    server = grpc.aio.server(options=options.channel_options())
    served = {method.name: Served(pipeline.handler(), Shedding(method.name, stages).handler())}
    server.add_generic_rpc_handlers((Router(served, load),))
    port = server.add_secure_port(_LISTENER.address, _LISTENER.credentials())
    await server.start()
    try:
        await until_stopped({"address": f"127.0.0.1:{port}"})
    finally:
        await server.stop(1.0)


if __name__ == "__main__":
    serve(run)
