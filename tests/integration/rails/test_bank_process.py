"""The sandbox bank as a process: what it answered survives kill -9."""

import asyncio
import os
import secrets
import signal
import sys
from contextlib import asynccontextmanager

import pytest

from keelpay_server.book.rail import OperationKind, OperationOutcome, OperationRequest
from keelpay_server.rails.grpc_rail import GrpcRail
from tests.infrastructure.waiting import until

PROGRAM = """
import asyncio, pathlib, sys
from keelpay_server.rails.sandbox.server import serve
async def main():
    bank = await serve("127.0.0.1", 0, path=pathlib.Path(sys.argv[1]))
    print(bank.address, flush=True)
    await bank.wait()
asyncio.run(main())
"""


@asynccontextmanager
async def bank_at(path):
    """A bank on a file: its process and a rail to it; neither outlives the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(path), stdout=asyncio.subprocess.PIPE, env=os.environ | {"PYTHONPATH": ""}
    )
    try:
        rail = GrpcRail((await process.stdout.readline()).decode().strip())
        try:
            yield process, rail
        finally:
            await rail.close()
    finally:
        if process.returncode is None:
            process.kill()
        await process.communicate()


@pytest.mark.faults
async def test_kill_9_of_the_bank_loses_nothing_it_answered(tmp_path):
    answered: dict[bytes, tuple] = {}
    sent: list[bytes] = []

    async def pour(rail):
        while True:
            key = secrets.token_bytes(16)
            sent.append(key)
            operation = OperationRequest(key, OperationKind.AUTHORIZE, 1000, "CNY", "tok-x", capture=True)
            async for group in rail.authorize_many([operation]):
                if group[0].outcome is not OperationOutcome.SUCCEEDED:
                    return
                answered[key] = group[0].bank_reference

    for life in range(1, 4):
        async with bank_at(tmp_path / "bank.sqlite") as (process, rail):
            await rail.capabilities()
            callers = [asyncio.create_task(pour(rail)) for _ in range(8)]
            await until(lambda least=12 * life: len(answered) > least)
            process.send_signal(signal.SIGKILL)
            await asyncio.gather(*callers)

    async with bank_at(tmp_path / "bank.sqlite") as (_, rail):
        told = {result.key: result for result in await rail.query_many(sent)}
    assert all(told[key].bank_reference == reference for key, reference in answered.items())
    assert {result.outcome.name for result in told.values()} <= {"SUCCEEDED", "NOT_FOUND"}
