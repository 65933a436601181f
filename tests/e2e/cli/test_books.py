import asyncio
import signal
import sqlite3

from tests.e2e.cli.process import client_of, done, open_merchant, serving


async def test_the_books_can_be_proven_while_a_server_writes_them(tmp_path):
    async with serving(tmp_path) as server:
        told = await server.until("listening")
        async with client_of(told["address"], told["sandbox_credential"]) as partner:
            writing = asyncio.create_task(_write(partner))
            code, out, _ = await done("verify", "--data", tmp_path)
            made = await _end(writing)
        server.tell(signal.SIGTERM)
        assert await server.end() == 0
    assert (code, out.count("✓"), "✗" in out, "the books are right" in out) == (0, 8, False, True)
    assert made > 0


async def test_an_altered_book_is_found_and_named(tmp_path):
    async with serving(tmp_path) as server:
        told = await server.until("listening")
        async with client_of(told["address"], told["sandbox_credential"]) as partner:
            await open_merchant(partner, "cafe")
        server.tell(signal.SIGTERM)
        assert await server.end() == 0
    with sqlite3.connect(tmp_path / "keelpay.sqlite") as book:
        changed = book.execute(
            "UPDATE journal SET wall_time = wall_time + 1 WHERE last = (SELECT max(last) FROM journal)"
        )
        assert changed.rowcount == 1
    book.close()
    code, out, _ = await done("verify", "--data", tmp_path)
    assert (code, "✗" in out, "the books are WRONG" in out) == (1, True, True)


async def test_a_database_is_migrated_once_and_checked_without_a_change(tmp_path):
    code, out, _ = await done("migrate", "--data", tmp_path)
    assert (code, "was empty" in out) == (0, True)
    before = (tmp_path / "keelpay.sqlite").read_bytes()
    code, out, _ = await done("migrate", "--check", "--data", tmp_path)
    assert (code, "as this version wants it" in out) == (0, True)
    code, out, _ = await done("migrate", "--data", tmp_path)
    assert (code, "nothing to do" in out) == (0, True)
    assert (tmp_path / "keelpay.sqlite").read_bytes() == before


async def test_an_old_database_is_told_apart_from_a_newer_one(tmp_path):
    path = tmp_path / "keelpay.sqlite"
    sqlite3.connect(path).close()
    code, out, _ = await done("migrate", "--check", "--data", tmp_path)
    assert (code, "is empty" in out) == (1, True)
    assert (await done("migrate", "--data", tmp_path))[0] == 0
    with sqlite3.connect(path) as book:
        book.execute("UPDATE alembic_version SET version_num = '9999'")
    book.close()
    for command in ("migrate", "verify", "serve"):
        code, _, words = await done(command, "--data", tmp_path)
        assert (code, "9999" in words, "Traceback" in words) == (4, True, False)


async def _write(partner):
    number = 0
    while True:
        number += 1
        await open_merchant(partner, f"shop-{number}")


async def _end(writing):
    writing.cancel()
    await asyncio.gather(writing, return_exceptions=True)
    coroutine_ended = writing.cancelled()
    assert coroutine_ended, "writing failed while the books were read"
    return 1
