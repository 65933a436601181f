"""What is generated is committed as the generators write it today."""

import subprocess
import sys

import pytest

from tests.infrastructure.sources import ROOT


@pytest.mark.parametrize("generator", ["protos/tools/generate.py", "sdk/generate_sync.py"])
def test_generated_code_is_current(generator):
    command = [sys.executable, generator, "--check"]
    done = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
    stale = done.stdout.decode().splitlines()
    assert (done.returncode, stale[:5]) == (0, []), f"{len(stale)} files are stale: run `make generate`"
