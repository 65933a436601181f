"""What a process says while it runs: JSON lines for machines, plain lines on a terminal.

In: access log lines, records of the standard logging, announcements. Out: lines on standard output.
Invariant: every line of a call carries its request id; bodies, tokens and keys never come near a line.
"""

import json
import logging
import sys
import time
from typing import Any, Final, TextIO

import click

from keelpay_server.book.call import current

_US_PER_MS: Final = 1000
_GOOD: Final = frozenset({"OK", "CANCELLED"})


def is_human(choice: str, stream: TextIO) -> bool:
    """Returns whether lines are for people: as chosen, or by what the stream is."""
    return stream.isatty() if choice == "auto" else choice == "text"


class Voice:
    """Where a process speaks.

    Args:
        stream: Takes the lines.
        human: Plain lines instead of JSON.
    """

    def __init__(self, stream: TextIO, *, human: bool) -> None:
        self._stream, self._human = stream, human

    def announce(self, what: str, **facts: Any) -> None:
        """Tells a step of the process's own life: `listening`, `leaving`, `stopped`."""
        if self._human:
            told = "".join(f"  {name.replace('_', ' '):<20}{value}\n" for name, value in facts.items())
            self._write(f"{self._style(what, bold=True)}\n{told}")
        else:
            head = {"time": _stamp(time.time()), "level": "INFO", "logger": "keelpay", "message": what}
            self._write(_json(head | facts) + "\n")

    def access(self, block: str) -> None:
        """Takes a block of access log lines, each a JSON object."""
        if self._human:
            block = "".join(self._plain(json.loads(line)) for line in block.splitlines())
        self._write(block)

    def install(self, level: str) -> None:
        """Lets the standard logging speak here too.

        Raises:
            ValueError: There is no such level.
        """
        handler = logging.StreamHandler(self._stream)
        handler.setFormatter(_Plain() if self._human else _Json())
        logging.basicConfig(level=level.upper(), handlers=[handler], force=True)
        logging.captureWarnings(capture=True)
        logging.getLogger("alembic").setLevel(logging.WARNING)  # it tells of its own plugins at every start

    def _plain(self, entry: dict[str, Any]) -> str:
        clock = entry["time"][11:19]
        if "status" in entry:
            return (
                f"{clock}  {entry['status']:<18} {entry['ms']:>9.1f} ms  {entry['verb']} {entry['path'] or '-'}"
                f"  {entry['bytes']} bytes  {entry['address']}  {entry['request_id']}".rstrip()
                + "\n"
            )
        if "method" not in entry:
            return f"{clock}  {entry['level']:<8} {entry['lines']} {entry['message']}\n"
        method = entry["method"].rpartition(".")[2]
        code = self._style(f"{entry['code']:<18}", fg=None if entry["code"] in _GOOD else "yellow")
        reason = f"  {entry['reason']}" if entry["reason"] else ""
        return f"{clock}  {code} {entry['ms']:>9.1f} ms  {method}  {entry['caller']}{reason}  {entry['request_id']}\n"

    def _style(self, text: str, **style: Any) -> str:
        return click.style(text, **style) if self._stream.isatty() else text

    def _write(self, text: str) -> None:
        self._stream.write(text)
        self._stream.flush()


class _Json(logging.Formatter):
    """One JSON object a record."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line."""
        line: dict[str, Any] = {"time": _stamp(record.created), "level": record.levelname, "logger": record.name}
        if request_id := _request_id():
            line["request_id"] = request_id
        line["message"] = record.getMessage()
        if record.exc_info:
            line["error"] = self.formatException(record.exc_info)
        return _json(line)


class _Plain(logging.Formatter):
    """One line a record, and the traceback below it."""

    def format(self, record: logging.LogRecord) -> str:
        """Returns the line."""
        told = f"{_clock(record.created)}  {record.levelname:<8} {record.getMessage()}"
        if request_id := _request_id():
            told += f"  {request_id}"
        return told + ("\n" + self.formatException(record.exc_info) if record.exc_info else "")


def _json(line: dict[str, Any]) -> str:
    """Written as the access log writes its lines."""
    return json.dumps(line, separators=(",", ":"))


def _request_id() -> str:
    try:
        return current().request_id
    except LookupError:
        return ""


def _stamp(time_s: float) -> str:
    fraction = f"{time_s % 1:.3f}"[1:]
    return time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(time_s)) + f"{fraction[:4]}Z"


def _clock(time_s: float) -> str:
    return time.strftime("%H:%M:%S", time.gmtime(time_s))


def voice(choice: str) -> Voice:
    """Returns the voice on standard output.

    Args:
        choice: `auto`, `json` or `text`.
    """
    return Voice(sys.stdout, human=is_human(choice, sys.stdout))
