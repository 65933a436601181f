"""Effects are listed in one place, here: every other module of the rooms is a pure function of what it is given.

A module that needs a clock, chance, the loop, the environment, the wire or a database belongs in one of these
tables with its reason, or (better) takes what it needs as an argument.
"""

import ast
from fnmatch import fnmatch
from pathlib import Path

import pytest

from tests.infrastructure import sources
from tests.infrastructure.sources import SERVER

PURE_ROOMS = ("ledger", "book", "gateway", "risk", "clearing", "auth", "insight", "events")

# Modules of those rooms that have effects, by pattern from the room's folder, and why.
EFFECTS = {
    "*/service*.py": "servicers await the engine and speak gRPC",
    "*/service/*.py": "servicers await the engine and speak gRPC",
    "*/*_service*.py": "servicers await the engine and speak gRPC",
    "*/reads.py": "queries await the database port",
    "book/clock.py": "the one place that asks the machine for the time",
    "book/engine.py": "runs the lanes",
    "book/lane.py": "the batch loop",
    "book/queue.py": "holds what callers await",
    "book/hub.py": "wakes those who watch",
    "book/worker.py": "claims and runs due work",
    "book/pruning.py": "forgets with pauses between",
    "book/ports.py": "declares what storage and rails await",
    "auth/authentication.py": "many calls share one look at the database",
    "gateway/dispatch.py": "asks several banks at once",
    "events/alert.py": "waits for the hubs and the drain",
    "events/courier.py": "sends webhooks, many at once",
    "events/outbox.py": "follows the journal",
    "events/sender.py": "connects to where webhooks go",
}

EFFECTFUL = frozenset(
    {
        "aiosqlite", "alembic", "asyncio", "asyncpg", "concurrent", "grpc", "grpc_health", "grpc_reflection",
        "grpc_status", "multiprocessing", "os", "random", "secrets", "select", "signal", "socket", "sqlalchemy",
        "sqlite3", "subprocess", "tempfile", "threading", "time", "urllib.request", "uuid.uuid1", "uuid.uuid4",
    }
)  # fmt: skip
CLOCK_CALLS = {"now", "utcnow", "today"}

WIRE = frozenset({"grpc", "grpc_health", "grpc_reflection", "grpc_status", "google.protobuf", "google.rpc", "keelpay"})
# Who may know grpc and generated code, by pattern from the server's folder.
WIRE_READERS = (
    "rpc/*", "edge/*", "*/service*.py", "*/service/*.py", "*/*_service*.py", "*/*_servicer.py", "*/*_render.py",
    "rails/grpc_*",
    "rails/sandbox/notifier.py", "rails/sandbox/remote_levers.py", "rails/sandbox/server.py", "rails/conformance/*",
    "app.py", "app/*", "cli.py", "cli/*",
)  # fmt: skip

# The sandbox bank is a bank: it keeps a book of its own.
DATABASE_READERS = ("storage/*", "rails/sandbox/*")
DATABASES = frozenset({"aiosqlite", "alembic", "asyncpg", "sqlalchemy", "sqlite3"})


def room_path(path: Path) -> str:
    return path.relative_to(SERVER).as_posix()


def matches(path: Path, patterns) -> bool:
    return any(fnmatch(room_path(path), pattern) for pattern in patterns)


def found(paths, packages: frozenset[str]) -> list[str]:
    return [
        f"{path}:{line} imports {name}"
        for path in paths
        for name, line in sources.imports(path)
        if sources.is_or_in(name, packages)
    ]


def pure_modules() -> list[Path]:
    rooms = [SERVER / room for room in PURE_ROOMS]
    return [path for path in sources.modules(*rooms) if not matches(path, EFFECTS)]


def test_pure_modules_import_no_effect():
    assert found(pure_modules(), EFFECTFUL) == []


def test_pure_modules_ask_no_clock():
    asked = [
        f"{path}:{node.lineno} calls .{node.func.attr}()"
        for path in pure_modules()
        for node in ast.walk(sources.tree(path))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in CLOCK_CALLS
        if isinstance(node.func.value, ast.Name | ast.Attribute) and "date" in ast.unparse(node.func.value)
    ]
    assert asked == []


def test_only_the_edges_know_grpc_and_generated_code():
    assert found((path for path in sources.modules(SERVER) if not matches(path, WIRE_READERS)), WIRE) == []


def test_the_server_uses_nothing_of_the_sdk_but_generated_code():
    used = [
        f"{path}:{line} imports {name}"
        for path in sources.modules(SERVER)
        for name, line in sources.imports(path)
        if name.split(".")[0] == "keelpay" and not name.startswith("keelpay.api")
    ]
    assert used == []


def test_only_storage_knows_databases():
    assert found((path for path in sources.modules(SERVER) if not matches(path, DATABASE_READERS)), DATABASES) == []


def test_only_app_knows_storage_and_rails():
    for room in ("storage", "rails"):
        outside = [path for path in sources.modules(SERVER) if not matches(path, [f"{room}/*", "app.py", "app/*"])]
        assert found(outside, frozenset({f"keelpay_server.{room}"})) == []


@pytest.mark.parametrize("client", ["clients", "sdk"])
def test_clients_and_sdk_never_import_the_server(client):
    assert found(sources.modules(client), frozenset({"keelpay_server"})) == []
