"""Writes the blocking client, sdk/keelpay/_sync, from the asynchronous one, or with --check only compares.

In: sdk/keelpay/_async/*.py. Out: the same files without `async`, `await` and the prefix `Async`.
Invariant: nothing is typed twice, and nothing in _sync is made by hand. What the two cannot share by dropping words is
in sdk/keelpay/_runtime.py, once for each side under one name with and without prefix.
"""

import argparse
import io
import re
import subprocess
import sys
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).resolve().parents[1]
RUFF: Final = ROOT / ".venv" / "bin" / "ruff"
SOURCE: Final = Path("sdk/keelpay/_async")
TARGET: Final = Path("sdk/keelpay/_sync")
DROPPED: Final = frozenset({"async", "await"})
RENAMED: Final = {
    "aio": "grpc",
    "StopAsyncIteration": "StopIteration",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "__aiter__": "__iter__",
    "__anext__": "__next__",
}
PREFIXES: Final = re.compile(r"^(Async(?=[A-Z])|async_(?=[a-z]))")
# The same in prose and in annotations that are texts.
IN_TEXT: Final = (
    (re.compile(r"\b(async|await) "), ""),
    (re.compile(r"\bAsync(?=[A-Z])"), ""),
    (re.compile(r"\baio\."), "grpc."),
)
HEADER: Final = "# Generated from {source} by sdk/generate_sync.py: do not edit.\n"
PACKAGE: Final = '"""The client that blocks."""\n'


class Edit(NamedTuple):
    """Characters start..end of a text become something else."""

    start: int
    end: int
    text: str


def edits(source: str) -> Iterator[Edit]:
    """What has to change in a module, in order."""
    offsets = [0]
    for line in source.splitlines(keepends=True):
        offsets.append(offsets[-1] + len(line))
    tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    for index, token in enumerate(tokens):
        start = offsets[token.start[0] - 1] + token.start[1]
        end = offsets[token.end[0] - 1] + token.end[1]
        if token.type == tokenize.NAME and token.string in DROPPED:
            following = tokens[index + 1]
            yield Edit(start, offsets[following.start[0] - 1] + following.start[1], "")
        elif token.type == tokenize.NAME and token.string == "Awaitable" and tokens[index + 1].string == "[":
            yield Edit(start, end + 1, "")
            closing = tokens[matching_bracket(tokens, index + 1)]
            place = offsets[closing.start[0] - 1] + closing.start[1]
            yield Edit(place, place + 1, "")
        elif token.type == tokenize.NAME:
            yield Edit(start, end, RENAMED.get(token.string, PREFIXES.sub("", token.string)))
        elif token.type in {tokenize.STRING, tokenize.COMMENT}:
            text = token.string
            for pattern, replacement in IN_TEXT:
                text = pattern.sub(replacement, text)
            yield Edit(start, end, text)


def matching_bracket(tokens: list[tokenize.TokenInfo], opening: int) -> int:
    """Where the bracket that opens at a token is closed."""
    depth = 0
    for index in range(opening, len(tokens)):
        depth += {"[": 1, "]": -1}.get(tokens[index].string, 0)
        if depth == 0:
            return index
    raise ValueError("a bracket is not closed")


def blocking(source: str) -> str:
    """The blocking twin of a module, not yet formatted."""
    source = source.replace("from grpc import aio\n", "" if "\nimport grpc\n" in source else "import grpc\n")
    for edit in sorted(edits(source), reverse=True):
        source = source[: edit.start] + edit.text + source[edit.end :]
    return source


def formatted(text: str, path: Path) -> str:
    """The text with sorted imports, none unused, as `ruff format` would leave it at that path."""
    name = ["--stdin-filename", str(path), "-"]
    for command in (["check", "--quiet", "--fix-only", "--select", "I,F401", *name], ["format", *name]):
        done = subprocess.run([RUFF, *command], cwd=ROOT, input=text, stdout=subprocess.PIPE, check=True, text=True)
        text = done.stdout
    return text


def generated() -> dict[Path, str]:
    """Every file of the blocking client, by its path from the root."""
    files = {}
    for path in sorted((ROOT / SOURCE).glob("*.py")):
        source = path.read_text(encoding="utf-8") if path.name != "__init__.py" else PACKAGE
        target = TARGET / path.name
        header = HEADER.format(source=SOURCE / path.name)
        files[target] = formatted(header + blocking(source), target)
    return files


def main() -> int:
    """Generate or check; 0 when all is current."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if a file is stale")
    check = parser.parse_args().check
    files = generated()
    present = {path.relative_to(ROOT) for path in (ROOT / TARGET).glob("*.py")}
    stale = sorted(
        {path for path, text in files.items() if path not in present or (ROOT / path).read_text("utf-8") != text}
        | (present - files.keys())
    )
    for path in stale:
        if check:
            print(f"stale: {path} (run `make generate` and commit what it writes)", file=sys.stderr)
        elif path in files:
            (ROOT / path).parent.mkdir(parents=True, exist_ok=True)
            (ROOT / path).write_text(files[path], encoding="utf-8")
        else:
            (ROOT / path).unlink()
    if not check:
        print(f"generate: {len(files)} files of the blocking client, {len(stale)} changed")
    return 1 if check and stale else 0


if __name__ == "__main__":
    sys.exit(main())
