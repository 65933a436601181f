"""Laws of opening: one server a file, told in a sentence; a mode for ever; processes may start together."""

import asyncio
import subprocess
import sys
from contextlib import AsyncExitStack

import pytest

from keelpay_server.storage.file_lock import FileBusy
from keelpay_server.storage.opening import WrongMode, open_store
from tests.infrastructure.books import open_engine, wall_us
from tests.infrastructure.sources import ROOT
from tests.integration.book.things import MakeThing, Thing

HOLD = """
import asyncio, sys
from tests.infrastructure.books import open_engine
async def hold():
    async with open_engine(sys.argv[1]):
        print("open", flush=True)
        await asyncio.sleep(600)
asyncio.run(hold())
"""


async def test_a_second_server_of_a_file_is_refused_in_a_sentence_and_may_have_it_after_the_first(tmp_path):
    url = f"sqlite:///{tmp_path / 'book.sqlite'}"
    command = [sys.executable, "-c", HOLD, url]
    holder = await asyncio.to_thread(subprocess.Popen, command, cwd=ROOT, stdout=subprocess.PIPE, text=True)
    try:
        assert holder.stdout.readline() == "open\n"
        before = (tmp_path / "book.sqlite").stat()
        with pytest.raises(FileBusy) as refused:
            async with open_engine(url):
                pass
        assert (
            str(refused.value) == f"{tmp_path}/book.sqlite is open in another process; a book in a file has one server"
        )
        assert (tmp_path / "book.sqlite").stat().st_mtime_ns == before.st_mtime_ns
        with pytest.raises(FileBusy):  # before anything is looked at: the mode is not what is wrong
            async with open_store(url, book=1, mode="live", wall=wall_us):
                pass
    finally:
        holder.kill()
        holder.communicate()
    async with open_engine(url) as engine:  # the operating system gave the lock back
        await engine.execute(MakeThing())


async def test_a_file_is_free_again_after_a_failed_opening(tmp_path):
    url = f"sqlite:///{tmp_path / 'book.sqlite'}"
    async with open_engine(url):
        pass
    with pytest.raises(WrongMode):
        async with open_store(url, book=1, mode="live", wall=wall_us):
            pass
    async with open_engine(url):
        pass


async def test_a_test_installation_never_opens_as_a_live_one(database_url):
    async with open_engine(database_url):
        pass
    with pytest.raises(WrongMode, match="test installation"):
        async with open_store(database_url, book=1, mode="live", wall=wall_us):
            pass


async def test_processes_that_start_together_on_an_empty_database_all_open_it(postgres_dsn):
    async with AsyncExitStack() as stack:
        engines = await asyncio.gather(
            *(stack.enter_async_context(open_engine(postgres_dsn, process=f"p{n}")) for n in range(4))
        )
        await asyncio.gather(*(engine.execute(MakeThing()) for engine in engines for _ in range(5)))
        assert await engines[0].reader.count(Thing, {}) == 20
