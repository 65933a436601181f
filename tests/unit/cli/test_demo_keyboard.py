import asyncio
import os
import select

from keelpay_server.cli.demo import listening

PATIENCE_S = 10.0


async def test_enter_that_was_pressed_too_early_ends_nothing_and_a_later_one_does(monkeypatch):
    terminal, end = os.openpty()
    with os.fdopen(end, encoding="utf-8") as there:
        monkeypatch.setattr("sys.stdin", there)
        os.write(terminal, b"\n")
        assert select.select([there], [], [], PATIENCE_S)[0]
        with listening() as keyboard:
            assert not select.select([there], [], [], 0)[0]
            assert not keyboard.over.is_set()
            os.write(terminal, b"\n")
            await asyncio.wait_for(keyboard.enter.wait(), PATIENCE_S)
            assert keyboard.over.is_set()
    os.close(terminal)


async def test_a_terminal_that_is_closed_is_over_and_nobody_pressed(monkeypatch):
    there, here = os.pipe()
    with os.fdopen(there, encoding="utf-8") as reading:
        monkeypatch.setattr("sys.stdin", reading)
        with listening() as keyboard:
            os.close(here)
            await asyncio.wait_for(keyboard.over.wait(), PATIENCE_S)
            assert not keyboard.enter.is_set()
