"""A crowd shares reads; nobody sees what was there before it asked, and nobody's leaving or failure is another's."""

import asyncio

import pytest

from keelpay_server.book.ports import StorageLost
from keelpay_server.storage.shared_reads import KEYS_MAX, SharedReads


class Table:
    """Rows that can change between reads; each read takes a turn of the loop and can be held."""

    def __init__(self):
        self.rows = dict.fromkeys(range(2000), "old")
        self.reads = []
        self.open = asyncio.Event()
        self.open.set()
        self.fails = False

    async def read(self, _entity, keys):
        self.reads.append(tuple(keys))
        seen = {key: self.rows[key] for key in keys if key in self.rows}
        await asyncio.sleep(0)
        await self.open.wait()
        if self.fails:
            raise StorageLost("gone")
        return seen


async def test_who_asks_alone_is_read_alone():
    table = Table()
    shared = SharedReads(table.read)
    assert await shared.get(int, 1) == "old"
    assert await shared.get(int, -1) is None
    assert table.reads == [(1,), (-1,)]


async def test_a_crowd_is_served_by_few_statements_and_everybody_gets_its_own_row():
    table = Table()
    table.rows = {number: number for number in range(2000)}
    shared = SharedReads(table.read)
    keys = [*range(1200), *range(1200)]
    assert await asyncio.gather(*(shared.get(int, key) for key in keys)) == keys
    sizes = [len(keys) for keys in table.reads]
    assert sizes == [1, KEYS_MAX, KEYS_MAX, 1200 - 2 * KEYS_MAX]


async def test_an_answer_is_never_older_than_the_question():
    table = Table()
    shared = SharedReads(table.read)
    table.open.clear()
    first = asyncio.create_task(shared.get(int, 1))
    await asyncio.sleep(0)
    table.rows[1] = "new"
    second = asyncio.create_task(shared.get(int, 1))
    await asyncio.sleep(0)
    table.open.set()
    assert (await first, await second) == ("old", "new")


async def test_entities_do_not_wait_for_each_other():
    table = Table()
    shared = SharedReads(table.read)
    table.open.clear()
    waiting = asyncio.create_task(shared.get(int, 1))
    await asyncio.sleep(0)
    other = asyncio.create_task(shared.get(str, 1))
    await asyncio.sleep(0)
    assert len(table.reads) == 2
    table.open.set()
    assert (await waiting, await other) == ("old", "old")


@pytest.mark.parametrize("leaving", [0, 1, 2])
async def test_whoever_leaves_takes_nobodys_answer_along(leaving):
    table = Table()
    shared = SharedReads(table.read)
    table.open.clear()
    callers = []
    for _ in range(4):
        callers.append(asyncio.create_task(shared.get(int, 1)))
        await asyncio.sleep(0)
    callers[leaving].cancel()
    await asyncio.sleep(0)
    table.open.set()
    answers = await asyncio.gather(*callers, return_exceptions=True)
    assert isinstance(answers.pop(leaving), asyncio.CancelledError)
    assert answers == ["old"] * 3
    assert await shared.get(int, 2) == "old"


async def test_a_lost_database_is_told_to_all_and_forgotten_when_it_is_back():
    table = Table()
    shared = SharedReads(table.read)
    table.fails = True
    answers = await asyncio.gather(*(shared.get(int, key) for key in (1, 1, 2)), return_exceptions=True)
    assert [type(answer) for answer in answers] == [StorageLost] * 3
    table.fails = False
    assert await shared.get(int, 2) == "old"
