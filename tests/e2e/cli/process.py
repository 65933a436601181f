"""`keelpay` as a process of its own, as people and supervisors start it.

In: arguments. Out: its words and its exit code. Invariant: nothing outlives the test that started it.
"""

import asyncio
import contextlib
import json
import os
import signal
import sys
from contextlib import asynccontextmanager
from pathlib import Path

from keelpay import AsyncClient, Calendar, Defaults, Fee, Fees
from keelpay.credentials import local, signed
from keelpay_clients.key_file import read_key

PATIENCE_S = 120.0
COMMAND = (sys.executable, "-m", "keelpay_server.cli")


def environment(**more):
    """Ours, without any setting of an installation."""
    return {name: value for name, value in os.environ.items() if not name.startswith("KEELPAY_")} | more


class Process:
    """A running command that speaks JSON lines."""

    def __init__(self, process):
        self.process = process
        self.lines = []

    async def until(self, message):
        """Reads on to an announcement, and returns it."""
        while line := await asyncio.wait_for(self.process.stdout.readline(), PATIENCE_S):
            self.lines.append(line.decode())
            told = json.loads(line)
            if told.get("message") == message:
                return told
        raise AssertionError(f"it ended without {message!r}:\n{''.join(self.lines)}{await self.complaint()}")

    async def complaint(self):
        """What it said on standard error."""
        return (await asyncio.wait_for(self.process.stderr.read(), PATIENCE_S)).decode()

    def tell(self, number):
        """Sends a signal."""
        self.process.send_signal(number)

    async def end(self):
        """Waits for its end; returns the exit code."""
        rest = await asyncio.wait_for(self.process.stdout.read(), PATIENCE_S)
        self.lines += rest.decode().splitlines(keepends=True)
        return await asyncio.wait_for(self.process.wait(), PATIENCE_S)


@asynccontextmanager
async def started(*arguments, stdin=asyncio.subprocess.PIPE, **settings):
    """A command that runs until the end of the block at the latest."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *map(str, arguments), stdin=stdin, stdout=pipe, stderr=pipe, env=environment(**settings),
        limit=1 << 20,
    )  # fmt: skip
    try:
        yield Process(process)
    finally:
        with contextlib.suppress(ProcessLookupError):
            process.send_signal(signal.SIGKILL)
        await process.communicate()


async def done(*arguments, **settings):
    """A command, run to its end: exit code, standard output, standard error."""
    async with started(*arguments, **settings) as running:
        out, err = await asyncio.wait_for(running.process.communicate(), PATIENCE_S)
        return running.process.returncode, out.decode(), err.decode()


def serving(data: Path, *more, **settings):
    """A server on a free port that leaves quickly."""
    return started("serve", "--data", data, "--listen", "127.0.0.1:0", "--drain-wait", "0", *more, **settings)


def client_of(target, path):
    """A client that calls with a key file."""
    held = read_key(Path(path))
    defaults = Defaults(partner=held.key.holder, region="CN")
    return AsyncClient(target, credentials=local(signed(held.key, audience=held.audience)), defaults=defaults)


async def open_merchant(client, name):
    """The smallest change that a partner can make."""
    return await client.merchants.create(
        name, display_name=name.title(), settlement_currency="CNY",
        calendar=Calendar(time_zone="Asia/Shanghai", cut_off_minute=0), fees=Fees(default=Fee(basis_points=60)),
    )  # fmt: skip
