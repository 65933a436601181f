"""@connectrpc/connect-web for tests: fetched by npm from its committed lock, bundled by esbuild, kept in .cache.

In: tests/interop/connect_web. Out: one script for a page. Invariant: what runs is what the lock names; nothing of it is
part of the product, and no script of a package runs at its installation.
"""

import hashlib
import shutil
import subprocess
from pathlib import Path

from tests.infrastructure.sources import ROOT

SOURCE = ROOT / "tests/interop/connect_web"
CACHE = ROOT / ".cache/connect_web"


class ConnectWebMissingError(Exception):
    """It could not be fetched; the text says why and what to do."""


def bundle() -> str:
    """Returns the script, made where lock or client have changed since the last time."""
    if shutil.which("npm") is None:
        raise ConnectWebMissingError("npm is not installed: `make browser` says how")
    sources = ("package.json", "package-lock.json", "client.js")
    digest = hashlib.sha256(b"".join((SOURCE / name).read_bytes() for name in sources)).hexdigest()[:16]
    made = CACHE / digest / "bundle.js"
    if not made.exists():
        folder = made.parent
        folder.mkdir(parents=True, exist_ok=True)
        for name in sources:
            shutil.copy(SOURCE / name, folder)
        _run(folder, "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund")
        binary = next(folder.glob("node_modules/@esbuild/*/bin/esbuild"))
        part = folder / f"bundle.{digest}.part"
        _run(folder, str(binary), "client.js", "--bundle", "--format=iife", f"--outfile={part}")
        part.rename(made)
    return made.read_text()


def _run(folder: Path, *command: str) -> None:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=240, check=False)
    if done.returncode:
        raise ConnectWebMissingError(f"{command[0]} failed: {(done.stderr or done.stdout)[-400:]}")
