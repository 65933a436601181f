"""Puts google/api and google/rpc where buf looks for them: buf reads only inside the workspace.

In: the .proto files of the installed googleapis-common-protos. Out: .cache/protos, which is not committed.
Invariant: the folder holds exactly the installed version.
"""

import shutil
from importlib import metadata
from pathlib import Path

GOOGLE_PROTOS = Path(__file__).resolve().parents[2] / ".cache" / "protos"
FOLDERS = {("google", "api"), ("google", "rpc")}


def copy_google_protos() -> None:
    """Copy them, unless this version has been copied before."""
    package = metadata.distribution("googleapis-common-protos")
    stamp = GOOGLE_PROTOS / ".version"
    if stamp.exists() and stamp.read_text(encoding="utf-8") == package.version:
        return
    shutil.rmtree(GOOGLE_PROTOS, ignore_errors=True)
    for file in package.files or ():
        if file.parts[:2] in FOLDERS and file.suffix == ".proto":
            target = GOOGLE_PROTOS / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(str(file.locate()), target)
    stamp.write_text(package.version, encoding="utf-8")


if __name__ == "__main__":
    copy_google_protos()
