"""Laws of the socket between the edge and the gRPC server."""

import stat
import tempfile
from pathlib import Path

import pytest

from keelpay_server.app.edge_socket import open_socket
from keelpay_server.config import Settings
from keelpay_server.edge.settings import EdgeSettings

ANY = Settings(edge=EdgeSettings(listen="127.0.0.1:0"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


async def test_nobody_else_reaches_it_and_nothing_is_left(folder):
    async with open_socket(ANY) as (settings, opened):
        home = Path(opened.path).parent
        assert stat.S_IMODE(home.stat().st_mode) == 0o700
        assert settings.edge.port == opened.bound.getsockname()[1] != 0
    assert list(folder.iterdir()) == []


async def test_what_a_killed_process_left_is_removed_and_what_others_use_is_not(folder):
    async with open_socket(ANY) as (_, used):
        left = folder / "keelpay-edge-killed"
        left.mkdir()
        (left / "lock").touch()
        (left / "grpc").touch()
        starting = folder / "keelpay-edge-starting"
        starting.mkdir()
        async with open_socket(ANY) as (_, own):
            assert own.key != used.key
            homes = {Path(opened.path).parent for opened in (used, own)}
            assert set(folder.iterdir()) == {*homes, starting}


async def test_without_an_address_there_is_none(folder):
    async with open_socket(Settings()) as (settings, opened):
        assert (opened, settings.edge.listen) == (None, "")
    assert list(folder.iterdir()) == []
