"""Runs a command's coroutine, and turns an expected failure into a sentence, advice and an exit code.

In: a coroutine. Out: its result, or the end of the process. Invariant: a fault of ours keeps its traceback.
"""

import asyncio
import sys
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from typing import Any, NoReturn, TypeVar

import click

Result = TypeVar("Result")
FOUND_WRONG = 1
WRONG_SETTINGS = 3
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


def fail(code: int, sentence: str, advice: str = "") -> NoReturn:
    """Ends the process with a sentence on standard error."""
    click.secho(f"keelpay: {sentence}", fg="red", err=True)
    if advice:
        click.echo(f"         {advice}", err=True)
    sys.exit(code)
