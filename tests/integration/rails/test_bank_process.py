"""The sandbox bank as a process: what it answered survives kill -9."""

import asyncio
import os
import secrets
import signal
import sys

import pytest

from keelpay_server.book.rail import OperationKind, OperationOutcome, OperationRequest
from keelpay_server.rails.grpc_rail import GrpcRail

PROGRAM = """
import asyncio, pathlib, sys
from keelpay_server.rails.sandbox.server import serve
async def main():
    bank = await serve("127.0.0.1", 0, path=pathlib.Path(sys.argv[1]))
    print(bank.address, flush=True)
    await bank.wait()
asyncio.run(main())
"""


async def start(path):
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, str(path), stdout=asyncio.subprocess.PIPE, env=os.environ | {"PYTHONPATH": ""}
    )
    address = (await process.stdout.readline()).decode().strip()
    return process, address


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

    for _ in range(3):
        process, address = await start(tmp_path / "bank.sqlite")
        rail = GrpcRail(address)
        await rail.capabilities()
        callers = [asyncio.create_task(pour(rail)) for _ in range(8)]
        await asyncio.sleep(0.3)
        process.send_signal(signal.SIGKILL)
        await process.wait()
        await asyncio.gather(*callers)
        await rail.close()
    assert len(answered) > 30

    process, address = await start(tmp_path / "bank.sqlite")
    rail = GrpcRail(address)
    told = {result.key: result for result in await rail.query_many(sent)}
    await rail.close()
    process.kill()
    await process.wait()
    assert all(told[key].bank_reference == reference for key, reference in answered.items())
    assert {result.outcome.name for result in told.values()} <= {"SUCCEEDED", "NOT_FOUND"}
