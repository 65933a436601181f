import asyncio
import sys
from contextlib import asynccontextmanager

import pytest
from alembic import command
from sqlalchemy import text

from keelpay_server.storage.migrate import DatabaseNewer, configuration, differences, migrate, standing
from keelpay_server.storage.opening import connect
from keelpay_server.storage.schema import metadata
from tests.integration.storage.catalog import describe

MIGRATE = """
import asyncio, sys
from keelpay_server.storage.migrate import migrate
from keelpay_server.storage.opening import connect
async def main():
    engine = connect(sys.argv[1])
    await migrate(engine)
    await engine.dispose()
sys.stdin.readline()
asyncio.run(main())
"""


def our_tables():
    return [table for table in metadata.tables.values() if not table.name.startswith("test_")]


@asynccontextmanager
async def opened(url):
    engine = connect(url)
    try:
        yield engine
    finally:
        await engine.dispose()


async def described(engine):
    async with engine.connect() as connection:
        return await connection.run_sync(describe)


async def test_a_migrated_database_is_what_the_tables_declare(empty_database_url):
    async with opened(empty_database_url) as engine:
        async with engine.begin() as connection:
            await connection.run_sync(lambda plain: metadata.create_all(plain, tables=our_tables()))
        declared = await described(engine)
        async with engine.begin() as connection:
            await connection.run_sync(lambda plain: metadata.drop_all(plain, tables=our_tables()))
        await migrate(engine)
        assert set(declared) ^ set(await described(engine)) == set()
        assert len(declared) > 5 * len(our_tables())
        found = [each for each in await differences(engine) if "test_" not in repr(each)]
        assert found == [], 'the tables changed: make migration m="what changed"'


async def test_migrating_twice_changes_nothing(empty_database_url):
    async with opened(empty_database_url) as engine:
        first = await migrate(engine)
        once = await described(engine)
        second = await migrate(engine)
        assert (first.step, second.step, second.waiting) == (None, first.newest, ())
        assert await described(engine) == once


async def test_looking_where_a_database_stands_changes_nothing(empty_database_url):
    async with opened(empty_database_url) as engine:
        found = await standing(engine)
        assert found.step is None
        assert found.waiting[-1] == found.newest
        assert await described(engine) == []


async def test_a_migration_that_fails_leaves_the_database_as_it_was(empty_database_url):
    async with opened(empty_database_url) as engine:
        async with engine.begin() as connection:
            await connection.execute(text("CREATE TABLE deliveries (id INTEGER)"))
        before = await described(engine)
        with pytest.raises(Exception, match="deliveries"):
            await migrate(engine)
        assert await described(engine) == before
        assert (await standing(engine)).step is None


async def test_a_newer_database_is_left_alone(empty_database_url):
    async with opened(empty_database_url) as engine:
        await migrate(engine)
        async with engine.begin() as connection:
            await connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
        before = await described(engine)
        for look in (migrate, standing):
            with pytest.raises(DatabaseNewer, match="9999"):
                await look(engine)
        assert await described(engine) == before


async def test_every_step_can_be_taken_back(empty_database_url):
    async with opened(empty_database_url) as engine:
        await migrate(engine)
        config = configuration()

        def back(plain):
            config.attributes["connection"] = plain
            command.downgrade(config, "base")

        async with engine.begin() as connection:
            await connection.run_sync(back)
        assert await described(engine) == []


async def test_processes_that_start_at_once_migrate_once(empty_database_url):
    processes = [
        await asyncio.create_subprocess_exec(
            sys.executable,
            "-c",
            MIGRATE,
            empty_database_url,
            stdin=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        for _ in range(3)
    ]
    for process in processes:  # they have imported everything and wait for this line
        process.stdin.write(b"\n")
    ended = await asyncio.gather(*(process.communicate() for process in processes))
    assert [(process.returncode, words[1]) for process, words in zip(processes, ended, strict=True)] == [(0, b"")] * 3
    async with opened(empty_database_url) as engine:
        assert (await standing(engine)).waiting == ()


async def test_a_database_file_has_pages_of_8_kib_from_its_first_table_on(tmp_path):
    async with opened(f"sqlite:///{tmp_path / 'book.sqlite'}") as engine:
        await migrate(engine)
        async with engine.connect() as connection:
            assert (await connection.execute(text("PRAGMA page_size"))).scalar_one() == 8192
            assert (await connection.execute(text("PRAGMA journal_mode"))).scalar_one() == "wal"
