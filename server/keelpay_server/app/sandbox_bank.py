"""The sandbox bank and the conformance suite, as commands run them: banks are known to this room and to rails alone.

In: plain values. Out: a running bank; a report. Invariant: the bank never serves beyond this machine without TLS.
"""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

from keelpay_server.config import SettingsError
from keelpay_server.rails.conformance.grpc_subject import ConformanceOptions
from keelpay_server.rails.conformance.report import ConformanceReport, render_report
from keelpay_server.rails.conformance.suite import run as run_suite
from keelpay_server.rails.grpc_rail import RailTls
from keelpay_server.rails.sandbox.behaviour import BankProfile, Behaviour
from keelpay_server.rails.sandbox.faults import FaultDice, FaultPlan
from keelpay_server.rails.sandbox.magic_table import table_text
from keelpay_server.rails.sandbox.server import serve
from keelpay_server.rpc.contract import StartRefusedError

LOOPBACK = ("127.0.0.1", "localhost", "[::1]")


class BankOptions(NamedTuple):
    """Which bank to run, and where.

    Attributes:
        behaviour: `card`, `wallet` or `account`.
        listen: `HOST:PORT` on this machine; port 0 takes any free one.
        name: Its name; empty makes one of the behaviour.
        file: Its book; None forgets everything at the end.
        currencies: What it takes; empty for its usual ones.
        faults: How often calls go wrong.
    """

    behaviour: str
    listen: str
    name: str = ""
    file: Path | None = None
    currencies: tuple[str, ...] = ()
    faults: FaultPlan = FaultPlan()


@asynccontextmanager
async def open_bank(options: BankOptions) -> AsyncIterator[str]:
    """Runs a sandbox bank; gives its `HOST:PORT`.

    Raises:
        SettingsError: The options make no sense.
        StartRefusedError: The address is taken.
    """
    host, _, port = options.listen.rpartition(":")
    if host not in LOOPBACK or not port.isdigit():
        raise SettingsError(f"a sandbox bank listens on this machine: --listen 127.0.0.1:PORT, not {options.listen!r}")
    try:
        FaultDice(options.faults)
    except ValueError as error:
        raise SettingsError(str(error)) from error
    profile = BankProfile(options.name or f"sandbox-{options.behaviour}", Behaviour(options.behaviour))
    if options.currencies:
        profile = profile._replace(currencies=frozenset(options.currencies))
    if options.file is not None:
        options.file.parent.mkdir(parents=True, exist_ok=True)
    try:
        bank = await serve(host, int(port), profile=profile, path=options.file, plan=options.faults)
    except RuntimeError as error:  # as gRPC tells that it cannot bind
        raise StartRefusedError(f"cannot listen on {options.listen}: {error}") from error
    async with bank:
        yield bank.address


async def try_bank(
    address: str, *, currency: str, roots: bytes | None, in_the_clear: bool, only: Collection[int]
) -> ConformanceReport:
    """Runs the conformance suite against a bank.

    Args:
        address: HOST:PORT of its RailService.
        currency: In which to ask.
        roots: PEM of whom to trust; None for the system's authorities.
        in_the_clear: Speak without TLS, for banks on this machine.
        only: Numbers of the cases to run; all where empty.
    """
    options = ConformanceOptions(currency=currency, tls=None if in_the_clear else RailTls(roots))
    return await run_suite(address, options, only=only)


__all__ = ["BankOptions", "ConformanceReport", "FaultPlan", "open_bank", "render_report", "table_text", "try_bank"]
