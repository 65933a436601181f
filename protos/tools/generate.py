"""Writes everything that is generated from the contract, or with --check only compares.

In: protos/**/*.proto and the google protos of the installed googleapis-common-protos.
Out: sdk/keelpay/api (messages, stubs, types), sdk/keelpay/enums.py, server/keelpay_server/book/reasons.py,
docs/errors.md.
Invariant: the same protos give the same bytes; nothing is fetched; files that no proto makes any more go.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

from google_protos import copy_google_protos
from reasons import docs_page, enum_module, read_reasons
from sdk_enums import enums_module, read_enums

ROOT = Path(__file__).resolve().parents[2]
BIN = ROOT / ".venv" / "bin"
API = Path("sdk/keelpay/api")
REASONS = Path("server/keelpay_server/book/reasons.py")
ERRORS = Path("docs/errors.md")
ENUMS = Path("sdk/keelpay/enums.py")


class GenerationError(Exception):
    """A tool refused the protos; its own words went to stderr."""


def run(*command: str | Path) -> bytes:
    """Run a tool of the project's environment from the root and return its stdout."""
    done = subprocess.run([str(part) for part in command], cwd=ROOT, stdout=subprocess.PIPE, check=False)
    if done.returncode:
        message = f"{Path(command[0]).name} {' '.join(map(str, command[1:3]))} exited with {done.returncode}"
        raise GenerationError(message)
    return done.stdout


def package_inits(files: dict[Path, str]) -> dict[Path, str]:
    """One __init__.py for every folder between API and a generated file."""
    folders = {folder for path in files for folder in path.parents if folder.is_relative_to(API)}
    return {
        folder / "__init__.py": f'"""Generated from protos/keelpay/{folder.relative_to(API.parent)}: do not edit."""\n'
        for folder in folders
    }


def generated() -> dict[Path, str]:
    """Every generated file, by its path from the root."""
    copy_google_protos()
    with tempfile.TemporaryDirectory() as folder:
        run(BIN / "buf", "generate", "--template", "buf.gen.yaml", "--output", folder)
        out = Path(folder, "keelpay", "api")
        files = {API / path.relative_to(out): path.read_text(encoding="utf-8") for path in out.rglob("*.py*")}
    # Files without a service get stubs with nothing in them but a version check: leave those out.
    services = {path for path, text in files.items() if path.name.endswith("_pb2_grpc.py") and "class " in text}
    files = {
        path: text
        for path, text in files.items()
        if "_pb2_grpc" not in path.name or path.with_suffix(".py") in services
    }
    files |= package_inits(files)
    image = run(BIN / "buf", "build", "protos", "--output", "-")
    files[ENUMS] = format_python(enums_module(read_enums(image)), ENUMS)
    reasons = read_reasons(image)
    files[REASONS] = format_python(enum_module(reasons), REASONS)
    files[ERRORS] = docs_page(reasons)
    return files


def format_python(text: str, path: Path) -> str:
    """The text as `ruff format` would leave it at that path."""
    command = [str(BIN / "ruff"), "format", "--stdin-filename", str(path), "-"]
    return subprocess.run(command, cwd=ROOT, input=text, stdout=subprocess.PIPE, check=True, text=True).stdout


def stale_paths(files: dict[Path, str]) -> list[Path]:
    """Paths whose committed text differs from the generated one, or that nothing generates any more."""
    present = {path.relative_to(ROOT) for path in (ROOT / API).rglob("*.py*") if path.suffix != ".pyc"}
    differing = {
        path
        for path, text in files.items()
        if not (ROOT / path).exists() or (ROOT / path).read_text(encoding="utf-8") != text
    }
    return sorted(differing | (present - files.keys()))


def main() -> int:
    """Generate or check; 0 when all is current."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="change nothing; fail if a generated file is stale")
    check = parser.parse_args().check
    try:
        files = generated()
    except (GenerationError, ValueError) as error:
        print(f"generate: {error}", file=sys.stderr)
        return 1
    stale = stale_paths(files)
    if check:
        for path in stale:
            print(f"stale: {path} (run `make generate` and commit what it writes)", file=sys.stderr)
        return 1 if stale else 0
    for path in stale:
        target = ROOT / path
        if path in files:
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(files[path], encoding="utf-8")
        else:
            target.unlink()
    print(f"generate: {len(files)} files, {len(stale)} changed")
    return 0


if __name__ == "__main__":
    sys.exit(main())
