"""The project's own source files, read and parsed once, for tests about the code itself.

In: what git knows or would add (so nothing that .gitignore hides). Out: paths from the root, texts, syntax trees.
"""

import ast
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
SERVER = Path("server/keelpay_server")
SDK = Path("sdk/keelpay")
GENERATED = (SDK / "api", SDK / "_sync", SDK / "enums.py", SERVER / "book/reasons.py", Path("docs/errors.md"))


@cache
def files() -> tuple[Path, ...]:
    """Every file of the project that exists, by its path from the root."""
    command = ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"]
    listing = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout.decode()
    return tuple(sorted(path for path in map(Path, listing.split("\0")) if (ROOT / path).is_file()))


def is_generated(path: Path) -> bool:
    """Whether a program of ours writes the file."""
    return any(path.is_relative_to(generated) for generated in GENERATED)


def modules(*folders: Path | str) -> Iterator[Path]:
    """Python files written by hand, in the given folders (all, if none is given)."""
    for path in files():
        in_folder = not folders or any(path.is_relative_to(folder) for folder in folders)
        if path.suffix == ".py" and in_folder and not is_generated(path):
            yield path


@cache
def text(path: Path) -> str:
    """The file's text."""
    return (ROOT / path).read_text(encoding="utf-8")


@cache
def tree(path: Path) -> ast.Module:
    """The file's syntax tree."""
    return ast.parse(text(path), filename=str(path))


def imports(path: Path) -> Iterator[tuple[str, int]]:
    """Each import of the file as (absolute dotted name, line); `from a import b` gives "a.b"."""
    for node in ast.walk(tree(path)):
        if isinstance(node, ast.Import):
            yield from ((alias.name, node.lineno) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            # The folders server and sdk are no packages themselves; each dot climbs one package.
            top = 1 if path.parts[0] in {"server", "sdk"} else 0
            above = path.parts[top : len(path.parts) - node.level] if node.level else ()
            module = ".".join([*above, *([node.module] if node.module else [])])
            yield from ((f"{module}.{alias.name}", node.lineno) for alias in node.names)


def is_or_in(name: str, packages: frozenset[str]) -> bool:
    """Whether a dotted name is one of the packages or inside one."""
    parts = name.split(".")
    return any(".".join(parts[:length]) in packages for length in range(1, len(parts) + 1))
