"""`python -m bench.edge --json FILE [--quick]`: what a call through the edge costs beside the same call over gRPC.

In: options. Out: a table, and FILE with one JSON object: each figure under its dotted name
(`edge_over_direct.pay.json`) and once more as a tree. Invariant: all ways reach one server; a single caller takes them
in turn, some calls each, so that whatever disturbs the machine disturbs them alike.
"""

import argparse
import asyncio
import itertools
import json
import os
import platform
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from statistics import quantiles
from typing import Any, Final, NamedTuple

import grpc
from msgspec import to_builtins
from rich.console import Console
from rich.table import Table

from bench.bootstrap import Town, fill
from bench.edge_ways import CREATE, GET, CallFailed, ConnectBinary, ConnectJson, Direct, GrpcWeb, Way
from bench.figures import nested
from bench.load import Requests
from bench.process import Child
from bench.subject import MASTER
from keelpay.api.gateway.v1 import payment_pb2, payment_request_pb2, payment_service_pb2
from keelpay_server.app.master_key import MASTER_KEY_VARIABLE
from keelpay_server.config import Settings
from keelpay_server.edge.settings import EdgeSettings

WAYS: Final = ("direct", "proto", "json", "grpc_web")
_US: Final = 1_000_000
_UNLIMITED: Final = 100_000_000


_BLOCK: Final = 50
_SETTLING: Final = 10


class Pace(NamedTuple):
    """How often each way is taken, in blocks of calls of each kind; one block more warms up."""

    blocks: int


FULL: Final = Pace(blocks=60)
QUICK: Final = Pace(blocks=8)


class Act(NamedTuple):
    """What is called: bytes and a token, a call after another.

    Attributes:
        name: In the figures.
        method: The RPC.
        next: Makes the next request.
        check: Raises CallFailed where an answer is not the right one.
    """

    name: str
    method: str
    next: Callable[[], tuple[bytes, str]]
    check: Callable[[bytes], None]


async def run(pace: Pace) -> dict[str, Any]:
    """Runs the benchmark; returns the figures."""
    figures: dict[str, float] = {}
    with tempfile.TemporaryDirectory(prefix="keelpay-bench-") as folder:
        async with _server(Path(folder)) as (town, server), _ways(server.ready) as ways:
            for act in await _acts(town, ways["direct"]):
                figures |= _figures(act, await _measure(act, ways, pace))
    about = {"cores": os.cpu_count(), "python": platform.python_version(), "grpcio": grpc.__version__}
    return {**nested(figures), **figures, "run": {**pace._asdict(), **about}}


async def _measure(act: Act, ways: Mapping[str, Way], pace: Pace) -> dict[str, list[float]]:
    """One caller; each round takes every way for a block of calls, in an order drawn anew.

    The first calls of a block are not counted: gRPC's own threads in this process are still busy with the way before.

    Returns:
        Microseconds of each counted call, by way.
    """
    took_us: dict[str, list[float]] = {name: [] for name in ways}
    order, draw = list(WAYS), random.Random(0)
    for number in range(-1, pace.blocks):
        draw.shuffle(order)
        for name in order:
            for place in range(_BLOCK):
                raw, token = act.next()
                began = time.perf_counter()
                answered = await ways[name].call(act.method, raw, token)
                ended = time.perf_counter()
                act.check(answered)
                if number >= 0 and place >= _SETTLING:
                    took_us[name].append((ended - began) * _US)
    return took_us


def _figures(act: Act, took_us: Mapping[str, Sequence[float]]) -> dict[str, float]:
    found = {}
    for name, times in took_us.items():
        hundredths = quantiles(times, n=100)
        found[f"{act.name}.{name}.p50_us"] = round(hundredths[49], 1)
        found[f"{act.name}.{name}.p99_us"] = round(hundredths[98], 1)
    direct = found[f"{act.name}.direct.p50_us"]
    for name in WAYS[1:]:
        p50 = found[f"{act.name}.{name}.p50_us"]
        found[f"edge_over_direct.{act.name}.{name}"] = round(p50 / direct, 3)
        found[f"edge_cost_us.{act.name}.{name}"] = round(p50 - direct, 1)
    return found


@asynccontextmanager
async def _server(folder: Path) -> AsyncIterator[tuple[Town, Child]]:
    """A filled installation and its server, a process of its own."""
    settings = Settings(data=str(folder), listen="127.0.0.1:0", log_level="WARNING")
    town = await fill(settings, {MASTER_KEY_VARIABLE: MASTER.hex()})
    edge = EdgeSettings(listen="127.0.0.1:0", requests_per_minute=_UNLIMITED, idle_s=600)
    told = {"settings": {**to_builtins(settings), "edge": to_builtins(edge)}, "master_key": MASTER.hex()}
    async with Child("bench.engine_server", told) as server:
        yield town, server


@asynccontextmanager
async def _ways(ready: Mapping[str, Any]) -> AsyncIterator[dict[str, Way]]:
    url = str(ready["edge"])
    ways: dict[str, Way] = {
        "direct": Direct(str(ready["address"])),
        "proto": await ConnectBinary.open(url),
        "json": await ConnectJson.open(url),
        "grpc_web": await GrpcWeb.open(url),
    }
    try:
        yield ways
    finally:
        for way in ways.values():
            await way.close()


async def _acts(town: Town, direct: Way) -> tuple[Act, ...]:
    """What is called: a read, and a whole payment under a mandate."""
    tokens = town.tokens(int(time.time()))
    requests = Requests(town.buyers, tokens, wallet=False, seed=int(time.time()))
    callers = itertools.cycle(range(len(tokens)))

    def pay() -> tuple[bytes, str]:
        raw, metadata, _ = requests.next(next(callers))
        return raw, metadata[0][1].removeprefix("Bearer ")

    made: list[tuple[bytes, str]] = []
    for _ in range(2 * len(tokens)):
        raw, token = pay()
        answered = payment_request_pb2.CreatePaymentResponse.FromString(await direct.call(CREATE, raw, token))
        made.append((payment_service_pb2.GetPaymentRequest(name=answered.payment.name).SerializeToString(), token))
    looks = itertools.cycle(made)
    return (
        Act(
            "look",
            GET,
            lambda: next(looks),
            lambda raw: _require(payment_service_pb2.GetPaymentResponse.FromString(raw).payment),
        ),
        Act(
            "pay", CREATE, pay, lambda raw: _require(payment_request_pb2.CreatePaymentResponse.FromString(raw).payment)
        ),
    )


def _require(payment: payment_pb2.Payment) -> None:
    if payment.state != payment_pb2.Payment.STATE_CAPTURED:
        raise CallFailed(f"the payment is {payment_pb2.Payment.State.Name(payment.state)}")


def _print(figures: Mapping[str, Any]) -> None:
    table = Table(title="one caller: p50 · p99 µs, and p50 beside that over gRPC")
    for column in ("call", *WAYS):
        table.add_column(column, justify="left" if column == "call" else "right")
    for act in ("look", "pay"):
        cells = []
        for name in WAYS:
            p50, p99 = (figures[f"{act}.{name}.{kind}"] for kind in ("p50_us", "p99_us"))
            ratio = figures.get(f"edge_over_direct.{act}.{name}")
            cells.append(f"{p50:,.0f} · {p99:,.0f}" + (f" · {ratio:.2f}" if ratio else ""))
        table.add_row(act, *cells)
    Console(width=120).print(table)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m bench.edge", description=__doc__)
    parser.add_argument("--json", type=Path, metavar="FILE", help="where the figures go")
    parser.add_argument("--quick", action="store_true", help="fewer calls: ends within a minute")
    options = parser.parse_args()
    figures = asyncio.run(run(QUICK if options.quick else FULL))
    _print(figures)
    if options.json is not None:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
