"""Laws of wake-ups: what happens after a watch is made is heard, here or in another process; nobody else is woken."""

import asyncio

import pytest

from keelpay_server.book import hub as hub_module
from keelpay_server.book import journal
from keelpay_server.book.hub import Hub
from keelpay_server.book.journal import JournalRow
from keelpay_server.book.ports import BookRow, StorageLost
from tests.infrastructure.waiting import PATIENCE_S, until


class Journal:
    """A reader of a journal that another process writes."""

    def __init__(self):
        self.rows = []
        self.fail = None
        self.looks = self.reads = 0

    def write(self, *keys):
        first = self.sequence + 1
        events = [(first + n, "t", "thg", key, 1, "", "a", {}) for n, key in enumerate(keys)]
        self.rows.append(JournalRow(first, first + len(keys) - 1, 0, 0, journal.encode(events, (), ()), b""))

    @property
    def sequence(self):
        return self.rows[-1].last if self.rows else 0

    async def book(self):
        self.looks += 1
        if self.fail is not None:
            raise self.fail
        return BookRow(self.sequence, b"", 0, 0)

    async def journal(self, after, limit=100):
        self.reads += 1
        return [row for row in self.rows if row.last > after][:limit]


class Committed:
    """The world of a durable batch."""

    def __init__(self, first, *keys):
        self.first, self.sequence = first, first + len(keys) - 1
        self.events = [(first + n, "t", "thg", key, 1, "", "a", {}) for n, key in enumerate(keys)]


@pytest.fixture
def other():
    return Journal()


@pytest.fixture
async def hub(other, monkeypatch):
    monkeypatch.setattr(hub_module, "POLL_S", 0.005)
    made = Hub(other)
    yield made
    await made.close()


async def settle(hub, watch):
    """Until the hub has had its first look, which wakes every watch once: it cannot know what came before."""
    assert await watch.wait(PATIENCE_S)
    await until(lambda: hub._sequence is not None)


async def test_a_commit_here_wakes_its_watchers_and_no_others(hub):
    with hub.watch(b"a") as a, hub.watch(b"b") as b, hub.watch(None) as any_:
        await settle(hub, a)
        await b.wait(0.1)
        await any_.wait(0.1)
        hub.committed(Committed(1, b"a"))
        assert await a.wait(PATIENCE_S)
        assert await any_.wait(PATIENCE_S)
        assert not await b.wait(0.02)


async def test_what_happens_between_two_waits_is_not_missed(hub):
    with hub.watch(b"a") as watch:
        await settle(hub, watch)
        hub.committed(Committed(1, b"a"))  # while the watcher still reads
        assert await watch.wait(0)
        assert not await watch.wait(0)


async def test_a_commit_of_another_process_wakes_watchers(hub, other):
    other.write(b"x")
    with hub.watch(b"a") as a, hub.watch("cafe") as named:
        await settle(hub, a)
        await named.wait(0.1)
        other.write(b"z", b"a")
        assert await a.wait(PATIENCE_S)
        other.write("cafe")
        assert await named.wait(PATIENCE_S)
        assert not await a.wait(0.02)


async def test_a_commit_here_does_not_hide_one_of_another_process_before_it(hub, other):
    with hub.watch(b"a") as a:
        await settle(hub, a)
        other.write(b"a")  # 1, elsewhere
        other.write(b"mine")  # 2, here: told before the next look
        hub.committed(Committed(2, b"mine"))
        assert await a.wait(PATIENCE_S)


async def test_commits_here_alone_need_no_reading_of_the_journal(hub, other):
    with hub.watch(b"a") as a:
        await settle(hub, a)
        for _ in range(5):
            other.write(b"a")
            hub.committed(Committed(other.sequence, b"a"))
            assert await a.wait(PATIENCE_S)
            await asyncio.sleep(0.01)
    assert other.reads == 0


async def test_what_happened_while_nobody_watched_is_not_read(hub, other):
    with hub.watch(b"a") as a:
        await settle(hub, a)
    for _ in range(1000):
        other.write(b"a")
    await asyncio.sleep(0.02)
    with hub.watch(b"a") as a:
        await settle(hub, a)
        assert other.reads == 0


async def test_nobody_looks_while_nobody_watches(hub, other):
    with hub.watch(b"a") as a:
        await settle(hub, a)
    await asyncio.sleep(0.01)
    looks = other.looks
    await asyncio.sleep(0.03)
    assert other.looks == looks


@pytest.mark.parametrize("trouble", [StorageLost("gone"), RuntimeError("a bug")])
async def test_the_hub_goes_on_looking_after_trouble(hub, other, trouble):
    with hub.watch(b"a") as a:
        await settle(hub, a)
        other.fail = trouble
        await asyncio.sleep(0.02)
        other.fail = None
        other.write(b"a")
        assert await a.wait(PATIENCE_S)


async def test_an_empty_book_wakes_nobody_again_and_again(hub):
    with hub.watch(b"a") as a:
        await settle(hub, a)
        assert not await a.wait(0.03)


async def test_waiting_once_ends_with_the_time_or_the_event(hub):
    with hub.watch(b"settling") as watch:
        await settle(hub, watch)
        assert not await hub.wait(b"a", 0.01)
        waiting = asyncio.create_task(hub.wait(b"a", PATIENCE_S))
        await asyncio.sleep(0)
        hub.committed(Committed(1, b"a"))
        assert await waiting


async def test_closing_wakes_everybody_and_nothing_is_kept_of_who_left(hub):
    waits = [asyncio.create_task(hub.wait(bytes([n]), 30)) for n in range(20)]
    gone = asyncio.create_task(hub.wait(b"gone", 30))
    await asyncio.sleep(0)
    gone.cancel()
    await hub.close()
    assert await asyncio.wait_for(asyncio.gather(*waits), PATIENCE_S) == [True] * 20
    assert hub._watches == {}
