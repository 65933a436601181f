"""What is shipped: the server's wheel carries both packages, the SDK's wheel is light and stands alone."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tests.infrastructure.sources import ROOT

# Imports the SDK from its wheel while every package that only the server may have is out of reach.
IMPORT_ALONE = """
import sys
class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in {servers_own!r}:
            raise ModuleNotFoundError(name)
sys.meta_path.insert(0, Absent())
sys.path.insert(0, {wheel!r})
import keelpay
assert keelpay.__file__.startswith({wheel!r}), keelpay.__file__
import keelpay.api.type.v1.money_pb2
"""
SERVERS_OWN = {
    "aiosqlite", "alembic", "asyncpg", "click", "defusedxml", "jwt", "keelpay_server", "msgspec",
    "prometheus_client", "rich", "sqlalchemy", "webauthn", "cbor2", "cryptography",
}  # fmt: skip


def build_wheel(project: Path, folder: Path) -> Path:
    command = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    done = subprocess.run(command, cwd=project, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    assert done.returncode == 0, done.stdout.decode()
    return next(folder.glob("*.whl"))


def packages(wheel: Path) -> set[str]:
    names = zipfile.ZipFile(wheel).namelist()
    return {name.split("/")[0] for name in names if ".dist-info/" not in name}


@pytest.fixture
def sdk_wheel(tmp_path: Path) -> Path:
    return build_wheel(ROOT / "sdk", tmp_path)


def test_the_servers_wheel_carries_the_server_its_sdk_and_the_demo(tmp_path: Path):
    wheel = build_wheel(ROOT, tmp_path)
    carried = {"keelpay_server", "keelpay", "keelpay_clients"}
    assert packages(wheel) == carried
    assert {f"{package}/py.typed" for package in carried} <= set(zipfile.ZipFile(wheel).namelist())


def test_the_servers_wheel_carries_the_pages_where_the_edge_looks_for_them(tmp_path: Path):
    wheel = build_wheel(ROOT, tmp_path)
    zipfile.ZipFile(wheel).extractall(tmp_path / "installed")
    program = (
        "import keelpay_server.edge.site as site; folder = site.site_folder(); print(folder); site.Site(folder, ())"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path / "installed", check=False
    )
    assert done.returncode == 0, done.stderr
    installed = Path(done.stdout.strip())
    assert installed == tmp_path / "installed/keelpay_server/edge/web"
    assert {path.relative_to(installed) for path in installed.rglob("*")} == {
        path.relative_to(ROOT / "clients/web") for path in (ROOT / "clients/web").rglob("*")
    }


def test_the_sdks_wheel_carries_the_sdk_alone(sdk_wheel: Path):
    assert packages(sdk_wheel) == {"keelpay"}


def test_the_sdk_imports_without_anything_of_the_server(sdk_wheel: Path):
    program = IMPORT_ALONE.format(servers_own=SERVERS_OWN, wheel=str(sdk_wheel))
    done = subprocess.run(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, cwd="/", check=False
    )
    assert done.returncode == 0, done.stdout.decode()
