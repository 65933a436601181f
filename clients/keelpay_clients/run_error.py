"""What ends a run that is not an error of the library: each says in one sentence what is wrong."""

from typing import Final

from keelpay import KeelpayError


class RunError(Exception):
    """A run cannot go on; the text says why."""


class AddressError(RunError):
    """The address of the server is plainly none; the text says how one is written."""


class TrafficError(RunError):
    """A file is no recorded traffic, or cannot be read here; the text says what to do."""


class ImpatientError(RunError):
    """Something did not happen in time; the text says what."""


class DeclinedError(RunError):
    """Something that a run rests on was declined; the text says what."""


ENDINGS: Final = (RunError, KeelpayError)
"""Whatever a run may end with; a program that runs it tells the text, and no traceback."""
