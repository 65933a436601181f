import re
import subprocess
import sys

import click
import pytest
from click.testing import CliRunner

from keelpay_server.cli import main
from tests.infrastructure.sources import ROOT


def leaves(command, path=()):
    if isinstance(command, click.Group):
        for name, inner in command.commands.items():
            yield from leaves(inner, (*path, name))
    else:
        yield path, command


LEAVES = list(leaves(main))


def test_keelpay_alone_shows_a_newcomer_the_way():
    shown = CliRunner().invoke(main, [])
    assert shown.exit_code == 0
    places = [shown.output.index(f"keelpay {name}") for name in ("demo", "serve", "keys", "verify", "migrate")]
    assert places == sorted(places)


def test_keelpay_alone_tells_every_exit_code_that_the_documents_tell():
    told = " ".join(CliRunner().invoke(main, []).output.split()).split("Exit codes: ")[1]
    table = (ROOT / "docs/operations.md").read_text(encoding="utf-8").split("| exit code |", 1)[1]
    codes = re.findall(r"^\| (\d) \|", table, re.MULTILINE)
    assert re.findall(r"(?:^|, )(\d) ", told) == codes == ["0", "1", "2", "3", "4", "5", "6"]


def test_the_commands_are_those_that_the_documents_name():
    assert {" ".join(path) for path, _ in LEAVES} == {
        "serve", "demo", "try", "simulate", "migrate", "verify", "evidence verify",
        "bank serve", "bank conformance", "bank magic",
        "keys admit", "keys add", "keys list", "keys revoke", "keys suspend", "keys resume", "keys rotate", "keys jwks",
    }  # fmt: skip


@pytest.mark.parametrize("path", [path for path, _ in LEAVES], ids=" ".join)
def test_every_command_teaches_by_an_example_that_begins_with_its_own_words(path):
    shown = CliRunner().invoke(main, [*path, "--help"])
    assert shown.exit_code == 0
    examples = shown.output.split("Example", 1)[1]
    assert f"keelpay {' '.join(path)}" in examples


@pytest.mark.parametrize("path, command", LEAVES, ids=[" ".join(path) for path, _ in LEAVES])
def test_no_option_is_left_to_guess(path, command):
    silent = [
        option.opts[-1]
        for option in command.params
        if isinstance(option, click.Option) and not option.hidden
        if not option.help and not option.show_default and not isinstance(option.type, click.Choice)
    ]
    assert silent == []


def test_help_is_shown_without_loading_a_server():
    program = (
        "import sys, keelpay_server.cli; "
        "sys.exit(', '.join({'grpc', 'sqlalchemy', 'webauthn', 'rich'} & sys.modules.keys()) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
