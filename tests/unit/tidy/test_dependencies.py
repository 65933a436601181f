"""Each dependency is explained in docs/dependencies.md, and the two wheels agree on what they share."""

import re
import sys
import tomllib
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest

from tests.infrastructure import sources

NAME = re.compile(r"^[A-Za-z0-9-]+")
PYPROJECTS = (Path("pyproject.toml"), Path("sdk/pyproject.toml"))


def requirements(pyproject: Path) -> list[str]:
    project = tomllib.loads(sources.text(pyproject))["project"]
    extras = project["optional-dependencies"].values()
    return [*project["dependencies"], *(requirement for extra in extras for requirement in extra)]


def names(requirement_list: list[str]) -> set[str]:
    return {NAME.match(requirement)[0] for requirement in requirement_list}


def test_each_dependency_is_explained_and_nothing_else_is():
    explained = re.findall(r"^\| ([a-z0-9-]+) \|", sources.text(Path("docs/dependencies.md")), re.MULTILINE)
    declared = set.union(*(names(requirements(path)) for path in PYPROJECTS))
    assert set(explained) - {"package"} == declared


def test_the_server_asks_for_all_that_the_sdk_asks_for():
    server, sdk = (tomllib.loads(sources.text(path))["project"]["dependencies"] for path in PYPROJECTS)
    assert set(sdk) <= set(server)


OURS = {"keelpay", "keelpay_server", "tests", "bench", "clients", "keelpay_clients"}


def undeclared(folders: tuple[str, ...], declared: set[str], known: set[str]) -> set[str]:
    """Packages imported in the folders that no declared dependency brings."""
    bringing = packages_distributions()
    imported = {
        (path, name.split(".")[0])
        for path in sources.modules(*folders)
        for name, _ in sources.imports(path)
        if not name.startswith("google.")  # shared by protobuf and googleapis-common-protos
    }
    return {
        f"{path} imports {name}"
        for path, name in imported
        if name not in sys.stdlib_module_names | OURS | known
        if name not in declared  # an extra that is not installed here
        if not {brought.lower().replace("_", "-") for brought in bringing.get(name, [])} & declared
    }


@pytest.mark.parametrize(
    ("folders", "pyproject", "extras"),
    [
        (("server",), PYPROJECTS[0], set()),
        (("sdk",), PYPROJECTS[1], {"testing", "qr"}),
        (("tests", "bench", "clients", "protos"), PYPROJECTS[0], {"parquet", "dev"}),
    ],
)
def test_nothing_is_imported_that_is_not_declared(folders, pyproject, extras):
    project = tomllib.loads(sources.text(pyproject))["project"]
    asked = [*project["dependencies"], *(r for extra in extras for r in project["optional-dependencies"][extra])]
    # The tools under protos import each other by their file names.
    tools = {path.stem for path in sources.modules("protos")}
    assert undeclared(folders, names(asked), tools) == set()
