import asyncio
import os
import select
import subprocess
import sys

from keelpay_server.cli.demo import listening
from keelpay_server.cli.running import at_terminal

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


async def test_where_standard_input_is_closed_there_is_no_key_to_press(monkeypatch):
    monkeypatch.setattr("sys.stdin", None)  # as Python has it after `<&-`
    assert not at_terminal()
    with listening() as keyboard:
        assert keyboard.over.is_set()
        assert not keyboard.enter.is_set()


async def test_a_terminal_whose_window_is_closed_is_over_and_nobody_pressed(monkeypatch):
    terminal, end = os.openpty()
    with os.fdopen(end, encoding="utf-8") as there:
        monkeypatch.setattr("sys.stdin", there)
        with listening() as keyboard:
            os.close(terminal)
            await asyncio.wait_for(keyboard.over.wait(), PATIENCE_S)
            assert not keyboard.enter.is_set()


BACKGROUND = """
import asyncio
from keelpay_server.cli.demo import listening
async def main():
    with listening() as keyboard:
        raise SystemExit(0 if keyboard.over.is_set() and not keyboard.enter.is_set() else "a key is awaited")
asyncio.run(main())
"""
SHELL = """
import fcntl, os, subprocess, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
job = subprocess.Popen([sys.executable, "-c", sys.argv[1]], process_group=0)
_, status = os.waitpid(job.pid, os.WUNTRACED)
if os.WIFSTOPPED(status):
    job.kill()
    raise SystemExit(f"stopped by signal {os.WSTOPSIG(status)}")
raise SystemExit(os.waitstatus_to_exitcode(status))
"""


def test_in_the_background_there_is_no_key_to_press_and_the_shell_stops_nobody():
    terminal, end = os.openpty()
    try:
        command = [sys.executable, "-c", SHELL, BACKGROUND]
        shell = subprocess.run(
            command, stdin=end, start_new_session=True, timeout=60, capture_output=True, text=True, check=False
        )
    finally:
        os.close(end)
        os.close(terminal)
    assert (shell.returncode, shell.stderr) == (0, "")
