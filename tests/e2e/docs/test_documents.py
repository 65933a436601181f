"""What the documents say is so: their code runs, their commands, files and figures exist."""

import asyncio
import os
import re
import shlex
import sys
from pathlib import Path

import click
import pytest
import pytest_asyncio
from click.testing import CliRunner

from keelpay_server.cli import main
from keelpay_server.config import load_settings
from keelpay_server.rails.sandbox.magic import SCENARIOS
from keelpay_server.rails.sandbox.tokenizer import SandboxTokenizer
from tests.e2e.cli.process import environment, serving
from tests.infrastructure import sources
from tests.infrastructure.documents import SERVER, blocks

DOCUMENTS = [str(path) for path in sources.files() if path.suffix == ".md"]
HERE = Path(__file__).parent
SHELL_S_MAX = 60
OF_ANOTHER_PLACE = ("operators/", "partners/", "merchants/", "var/")
"""How names in code begin that are no files of the project."""


def examples(language, *documents):
    return [block for document in documents for block in blocks(document, language)]


def python_alone():
    found = examples(
        "python", "README.md", "docs/partners.md", "docs/sandbox.md", "docs/operations.md", "docs/checkout.md"
    )
    return [block for block in found if SERVER not in block.code]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def server(tmp_path_factory):
    """A server as `keelpay serve` starts it, in a folder of its own: (folder, address)."""
    folder = tmp_path_factory.mktemp("serving")
    async with serving(folder / "var") as running:
        told = await running.until("listening")
        drain = asyncio.create_task(running.process.stdout.read())
        yield folder, told["address"]
        drain.cancel()


@pytest.mark.parametrize("block", python_alone(), ids=str)
def test_python_of_the_documents_runs(block):
    block.execute()


@pytest.mark.asyncio(loop_scope="module")
async def test_python_against_a_server_runs_and_runs_again(server, monkeypatch):
    folder, address = server
    monkeypatch.chdir(folder)
    (block,) = [block for block in examples("python", "README.md") if SERVER in block.code]
    for _ in range(2):
        await asyncio.to_thread(block.execute, address)


@pytest.mark.asyncio(loop_scope="module")
async def test_a_partner_reaches_a_payment_by_shell_alone(server):
    folder, address = server
    script = "".join(block.code for block in examples("sh run", "docs/partners.md")).replace(SERVER, address)
    path = os.pathsep.join([str(HERE), str(Path(sys.executable).parent), os.environ["PATH"]])
    shell = await asyncio.create_subprocess_exec(
        "bash", "-euo", "pipefail", "-c", script, cwd=folder, env=environment(PATH=path),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.STDOUT,
    )  # fmt: skip
    said, _ = await asyncio.wait_for(shell.communicate(), SHELL_S_MAX)
    assert shell.returncode == 0, said.decode()
    assert "keelpay.api.gateway.v1.PaymentService" in said.decode()
    assert "payment.captured" in said.decode()


def test_the_table_of_the_sandbox_is_what_the_bank_prints():
    printed = CliRunner().invoke(main, ["bank", "magic"]).output.strip()
    begin, end = "<!-- keelpay bank magic -->", "<!-- end -->"
    assert sources.text(Path("docs/sandbox.md")).partition(begin)[2].partition(end)[0].strip() == printed


async def test_every_test_number_of_the_sandbox_asks_for_its_story():
    shown = re.findall(r"\| `(\d{16})` +\| `(SANDBOX\d{3})` +\|", sources.text(Path("docs/sandbox.md")), re.MULTILINE)
    tokenizer = SandboxTokenizer()
    told = [[await tokenizer.token("bank", number, "-") for number in row] for row in shown]
    assert told == [[f"tok-{scenario}"] * 2 for scenario in SCENARIOS]


def commands():
    """Every `keelpay ...` line of a shell block, as words."""
    for block in examples("sh", *DOCUMENTS) + examples("sh run", *DOCUMENTS):
        for line in re.findall(r"^keelpay (.+)$", block.code, re.MULTILINE):
            words = shlex.split(line, comments=True)
            yield pytest.param(words, id=f"{block}: {' '.join(words)}")


@pytest.mark.parametrize("words", list(commands()))
def test_every_command_of_the_documents_exists_with_its_options(words):
    command = main
    while isinstance(command, click.Group):
        command, words = command.commands[words[0]], words[1:]
    known = {option for parameter in command.params for option in parameter.opts}
    assert {word for word in words if word.startswith("--")} <= known


@pytest.mark.parametrize("block", examples("toml", *DOCUMENTS), ids=str)
def test_settings_of_the_documents_are_settings(block, tmp_path):
    (tmp_path / "keelpay.toml").write_text(block.code)
    assert load_settings(str(tmp_path / "keelpay.toml"), {}, {}).rails


def test_every_make_target_of_the_documents_exists():
    targets = set(re.findall(r"^([a-z]+):.*## ", sources.text(Path("Makefile")), re.MULTILINE))
    named = {name for document in DOCUMENTS for name in re.findall(r"`make ([a-z]+)", sources.text(Path(document)))}
    shown = {
        name for block in examples("sh", *DOCUMENTS) for name in re.findall(r"^make ([a-z]+)", block.code, re.MULTILINE)
    }
    assert named | shown
    assert named | shown <= targets


@pytest.mark.parametrize("document", DOCUMENTS)
def test_every_link_leads_somewhere(document):
    links = re.findall(r"\]\(([^)#\s]+)[^)\s]*\)", sources.text(Path(document)))
    folder = (sources.ROOT / document).parent
    assert [link for link in links if "://" not in link and not (folder / link).exists()] == []


@pytest.mark.parametrize("document", [name for name in DOCUMENTS if name.startswith("docs/") or "/" not in name])
def test_every_file_that_is_named_exists(document):
    named = re.findall(r"`([a-z_]+(?:/[a-z_*{}0-9,]+)+(?:\.[a-z]+)?/?)`", sources.text(Path(document)))
    roots = (sources.ROOT, sources.ROOT / sources.SERVER, sources.ROOT / sources.SDK)
    files = [name for name in named if not name.startswith(OF_ANOTHER_PLACE)]
    assert [name for name in files if not any(any(root.glob(name.rstrip("/"))) for root in roots)] == []


def test_the_story_in_the_readme_is_the_one_that_is_told():
    (story,) = blocks("README.md", "text")[:1]
    titles = re.findall(r"^ +\d+  (.+?) {2,}(.+)$", story.code, re.MULTILINE)
    told = sources.text(Path("clients/keelpay_clients/story.py"))
    assert len(titles) == 2
    assert [part for title in titles for part in title if part not in told] == []


def test_every_document_is_in_the_index():
    index = sources.text(Path("docs/README.md"))
    beside = [Path(name).name for name in DOCUMENTS if Path(name).parent == Path("docs") and name != "docs/README.md"]
    assert [name for name in beside if f"({name})" not in index] == []
