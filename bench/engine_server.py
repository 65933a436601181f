"""The product's server as a benchmark runs it: everything as `keelpay serve` wires it, nothing left out.

In: an installation's settings. Out: the address. Invariant: the only settings that differ from a real start are those
of the leaving: a benchmark's clients are gone before its server is.
"""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

from msgspec import convert

from bench.process import serve
from keelpay_server.app.collector import settle_collector
from keelpay_server.app.master_key import MASTER_KEY_VARIABLE
from keelpay_server.app.serving import open_server
from keelpay_server.config import Settings

LEAVE_AT_ONCE: Final = {"drain_wait_s": 0.0, "drain_watch_s": 0.0, "drain_grace_s": 1.0}


async def run(settings: dict[str, Any], until_stopped: Callable[[Mapping[str, Any]], Awaitable[None]]) -> None:
    environment = {MASTER_KEY_VARIABLE: settings["master_key"]}
    chosen = convert(settings["settings"], Settings)
    # The access log is formatted, line by line, and goes nowhere: where it goes is the operator's, not the server's.
    async with open_server(chosen, environment=environment, log=len, limits=LEAVE_AT_ONCE) as server:
        settle_collector()
        await until_stopped({"address": server.address, "edge": server.edge_url})


if __name__ == "__main__":
    serve(run)
