"""Runs a command's coroutine, and turns an expected failure into a sentence, advice and an exit code.

In: a coroutine. Out: its result, or the end of the process. Invariant: a fault of ours keeps its traceback.
"""

import asyncio
import shutil
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NoReturn, TypeVar

import click

Result = TypeVar("Result")
NAME = "keelpay"
FOUND_WRONG = 1
WRONG_SETTINGS = 3
REFUSED_ACT = 6
"""A genuine signature on an act that was refused; 4 and 5 are kinds of failure (app.failure)."""
INTERRUPTED = 130


class RunFailed(Exception):  # noqa: N818  (told to the person at the keyboard)
    """A story or a simulation cannot go on; the text says why."""


@contextmanager
def playing() -> Iterator[None]:
    """Around what clients of ours play: their endings are told in a sentence.

    Raises:
        RunFailed: It ended before its end.
    """
    from keelpay_clients.run_error import ENDINGS

    try:
        yield
    except ENDINGS as error:
        raise RunFailed(str(error)) from error


def run(work: Coroutine[Any, Any, Result]) -> Result:
    """Runs it to its end."""
    try:
        return asyncio.run(work)
    except KeyboardInterrupt:
        click.echo("stopped", err=True)
        sys.exit(INTERRUPTED)
    except RunFailed as error:
        fail(FOUND_WRONG, str(error))
    except Exception as error:
        from keelpay_server.app.failure import explain

        failure = explain(error)
        if failure is None:
            raise
        fail(int(failure.kind), failure.sentence, failure.advice)


def at_terminal() -> bool:
    """Whether somebody reads what we say and can type; a stream that was closed beforehand is None."""
    return all(stream is not None and stream.isatty() for stream in (sys.stdin, sys.stdout))


def command_words() -> str:
    """Returns how this program is called in this shell: by its name where that finds it, else by its path."""
    program = Path(sys.argv[0])
    if program.name != NAME:
        return f"{Path(sys.executable).name} -m keelpay_server.cli"
    found = shutil.which(NAME)
    if found is not None and Path(found).resolve() == program.resolve():
        return NAME
    try:
        return str(program.absolute().relative_to(Path.cwd()))
    except ValueError:
        return str(program.absolute())


def fail(code: int, sentence: str, advice: str = "") -> NoReturn:
    """Ends the process with a sentence on standard error."""
    click.secho(f"keelpay: {sentence}", fg="red", err=True)
    if advice:
        click.echo(f"         {advice}", err=True)
    sys.exit(code)
