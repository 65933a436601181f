"""Nothing is dead: every module of the server is used by the program, every module of the SDK by somebody."""

import grimp
import pytest

from tests.infrastructure.sources import ROOT, SERVER

ENTRY = "keelpay_server.cli"
# Loaded by name, not by import: Alembic's environment and its migrations.
BY_NAME = ("keelpay_server.storage.migrations",)


@pytest.mark.skipif(
    not any((ROOT / SERVER).glob("cli*")), reason="the command line, where the search starts, is missing"
)
def test_every_module_of_the_server_is_reached_from_its_command_line():
    graph = grimp.build_graph("keelpay_server", cache_dir=None)
    reached = graph.find_upstream_modules(ENTRY, as_package=True) | {ENTRY} | graph.find_descendants(ENTRY)
    packages = {module for module in graph.modules if graph.find_children(module)}
    dead = {module for module in graph.modules - reached - packages if not module.startswith(BY_NAME)}
    assert dead == set()
