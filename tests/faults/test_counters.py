"""What a killed server's risk counters are worth: a snapshot and the journal's end are the whole journal."""

import asyncio
import os
import signal
import sys

import pytest

from keelpay_server.app.counters_keeping import SNAPSHOT, kept_counters
from keelpay_server.risk.counters import Counters
from keelpay_server.storage.loading import catch_up
from keelpay_server.storage.opening import open_store
from tests.infrastructure.books import wall_us
from tests.unit.risk.stage import POLICY

PROGRAM = """
import asyncio, sys
from keelpay_server.app.counters_keeping import CountersKeeping
from keelpay_server.risk.counters import Counters
from tests.infrastructure.books import open_engine
from tests.integration.risk.commands import Pay
from tests.unit.risk.stage import POLICY, payment_key, signals

async def main():
    counters = Counters(POLICY)
    async with open_engine(sys.argv[1], projection=counters) as engine:
        CountersKeeping(engine.store, counters, every_s=0.2, events_min=20).start()
        number = 0
        while True:
            number += 1
            await engine.execute(Pay(signals=signals(payment=payment_key(number), payer=f"acme/{number % 7}")))
            print(counters.sequence, await engine.store.snapshot_sequence("risk"), flush=True)

asyncio.run(main())
"""

LIVES = 3


async def one_life(url):
    """A process that pays until it is killed, some payments after a snapshot; returns that snapshot's sequence."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, url, stdout=asyncio.subprocess.PIPE, env=os.environ | {"PYTHONPATH": "."}
    )
    begun = 0
    try:
        async for line in process.stdout:
            sequence, kept = map(int, line.split())
            begun = begun or kept
            if kept > begun and sequence > kept + 5:
                return kept
    finally:
        if process.returncode is None:
            process.send_signal(signal.SIGKILL)
        await process.communicate()
    raise AssertionError("it ended by itself")


@pytest.mark.faults
@pytest.mark.slow
async def test_a_start_after_kill_9_folds_the_journals_end_and_holds_what_the_whole_journal_says(tmp_path):
    url = f"sqlite:///{tmp_path / 'book.sqlite'}"
    for _ in range(LIVES):
        kept = await one_life(url)
        async with open_store(url, book=1, mode="test", wall=wall_us) as store:
            head = (await store.reader.book()).sequence
            resumed, whole = await kept_counters(store, POLICY), Counters(POLICY)
            assert await store.snapshot_sequence(SNAPSHOT) == resumed.sequence
            assert kept <= resumed.sequence < head
            await catch_up(store.reader, resumed)
            await catch_up(store.reader, whole)
            assert resumed.sequence == whole.sequence == head
            assert resumed.dump() == whole.dump()
