"""The PostgreSQL that other suites trust: each database empty, each kill survived by what was committed."""

import asyncpg
import pytest

from tests.infrastructure.missing import missing
from tests.infrastructure.postgres import PostgresServer
from tests.infrastructure.postgres_installation import PostgresMissingError, find_binaries

pytestmark = pytest.mark.postgres


async def table_names(dsn: str) -> list[str]:
    connection = await asyncpg.connect(dsn)
    try:
        return [row[0] for row in await connection.fetch("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")]
    finally:
        await connection.close()


async def run(dsn: str, statement: str) -> list[asyncpg.Record]:
    connection = await asyncpg.connect(dsn)
    try:
        return await connection.fetch(statement)
    finally:
        await connection.close()


async def test_a_fresh_database_is_empty_and_its_own(postgres_server: PostgresServer, postgres_dsn: str):
    await run(postgres_dsn, "CREATE TABLE mine (amount_minor bigint)")
    other = postgres_server.create_database()
    assert await table_names(postgres_dsn) == ["mine"]
    assert await table_names(other) == []
    postgres_server.drop_database(other)


async def test_a_database_made_from_a_template_starts_with_its_tables(postgres_server: PostgresServer):
    template = postgres_server.create_database()
    await run(template, "CREATE TABLE schema_version (number int)")
    copy = postgres_server.create_database(template=template.rsplit("/", 1)[1])
    assert await table_names(copy) == ["schema_version"]
    postgres_server.drop_database(copy)
    postgres_server.drop_database(template)


async def test_durability_is_not_traded_for_speed(postgres_dsn: str):
    for setting in ("fsync", "synchronous_commit", "full_page_writes"):
        assert (await run(postgres_dsn, f"SHOW {setting}"))[0][0] == "on"


async def test_a_killed_server_comes_back_with_what_was_committed():
    try:
        find_binaries()
    except PostgresMissingError as error:
        missing(str(error))
    with PostgresServer(own=True) as server:
        dsn = server.create_database()
        await run(dsn, "CREATE TABLE leg (amount_minor bigint)")
        await run(dsn, "INSERT INTO leg VALUES (1230)")
        connection = await asyncpg.connect(dsn)
        server.kill()
        with pytest.raises((asyncpg.PostgresError, asyncpg.InterfaceError, OSError)):
            await connection.fetch("SELECT 1")
        connection.terminate()
        server.start()
        assert (await run(dsn, "SELECT amount_minor FROM leg"))[0][0] == 1230
