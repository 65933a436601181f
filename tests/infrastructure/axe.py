"""axe-core for tests: fetched by npm from its committed lock, kept in .cache.

In: tests/interop/axe. Out: one script for a page. Invariant: what runs is what the lock names; nothing of it is part of
the product.
"""

import hashlib
import shutil
import subprocess

from tests.infrastructure.missing import missing
from tests.infrastructure.sources import ROOT

SOURCE = ROOT / "tests/interop/axe"
CACHE = ROOT / ".cache/axe"
_FILES = ("package.json", "package-lock.json")


def axe_script() -> str:
    """Returns the script, fetched where the lock has changed; skips without npm, and fails where CI is set."""
    digest = hashlib.sha256((SOURCE / _FILES[1]).read_bytes()).hexdigest()[:16]
    folder = CACHE / digest
    made = folder / "node_modules/axe-core/axe.min.js"
    if not made.exists():
        if shutil.which("npm") is None:
            missing("npm is not installed: `make browser` says how")
        folder.mkdir(parents=True, exist_ok=True)
        for name in _FILES:
            shutil.copy(SOURCE / name, folder)
        command = ["npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund"]
        subprocess.run(command, cwd=folder, capture_output=True, timeout=240, check=True)
    return made.read_text()
