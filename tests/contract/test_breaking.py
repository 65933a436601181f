"""The gate of `make check` against breaking the contract: what clients of a release rely on cannot change unseen."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.infrastructure.missing import missing

ROOT = Path(__file__).parents[2]
ORDER = "protos/keelpay/api/gateway/v1/order.proto"
CHANGES = {
    "nothing": ("", "", ""),
    "a new field": ("\nmessage Order {\n", "\nmessage Order {\n  // New.\n  string novelty = 900;\n", ""),
    "a field of another name": (" description = ", " wording = ", "description"),
    "a state that is gone": ("  STATE_CLOSING = ", "  STATE_ENDING = ", "STATE_CLOSING"),
}


def buf(folder, *words):
    """Runs the project's own buf in a folder: exit code and what it says."""
    command = [str(Path(sys.executable).with_name("buf")), *words]
    told = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=60)
    return told.returncode, told.stdout + told.stderr


@pytest.fixture(scope="module")
def released(tmp_path_factory):
    """A copy of the contract, remembered as `make freeze` remembers it."""
    folder = tmp_path_factory.mktemp("released")
    shutil.copy(ROOT / "buf.yaml", folder)
    shutil.copytree(ROOT / "protos/keelpay", folder / "protos/keelpay")
    google = ROOT / ".cache/protos"
    if not google.exists():
        missing("google's protos are copied by `make contract`")
    shutil.copytree(google, folder / ".cache/protos")
    code, told = buf(folder, "build", "protos", "--exclude-source-info", "--output", "released.binpb")
    assert code == 0, told
    return folder


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_release_promised_is_kept_and_what_is_added_is_welcome(released, change):
    old, new, told = CHANGES[change]
    file = released / ORDER
    text = file.read_text()
    assert old in text
    file.write_text(text.replace(old, new, 1) if old else text)
    try:
        code, words = buf(released, "breaking", "protos", "--against", "released.binpb")
    finally:
        file.write_text(text)
    assert (code != 0, told in words) == (bool(told), True), words
