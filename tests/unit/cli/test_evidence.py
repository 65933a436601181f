import json
import os
import subprocess
import sys

import pytest
from click.testing import CliRunner

from keelpay_server.auth.jwks import jwks_document
from keelpay_server.cli import main
from tests.unit.auth.ceremonies import SEALER, Ceremony
from tests.unit.auth.test_evidence import FILE, REFUSAL, STRANGER, spc_file, webauthn_file


@pytest.fixture
def verify(tmp_path):
    def run(content, *options):
        (tmp_path / "evidence.json").write_bytes(content if isinstance(content, bytes) else content.encode())
        return CliRunner().invoke(main, ["evidence", "verify", str(tmp_path / "evidence.json"), *options])

    return run


@pytest.mark.parametrize("make", [webauthn_file, spc_file])
def test_what_was_signed_is_told(verify, make):
    result = verify(make(Ceremony()))
    assert result.exit_code == 0
    assert result.output.startswith("✓ ACCEPTED on 2030-03-17")
    for word in ("Café 北京", "amount               12.50 CNY", "merchants/cafe/payments/pay-1"):
        assert word in result.output


@pytest.mark.parametrize("make", [webauthn_file, spc_file])
def test_a_refused_act_is_said_first_and_has_an_exit_status_of_its_own(verify, make):
    result = verify(make(Ceremony(), REFUSAL))
    assert result.exit_code == 6
    first = result.output.splitlines()[0]
    assert first.startswith("✗ REFUSED on 2030-03-17")
    assert "the signature is genuine, and the act was refused: PASSKEY_COUNTER_REGRESSED" in first


def test_a_stripped_outcome_is_not_valid(verify):
    members = json.loads(webauthn_file(Ceremony(), REFUSAL))
    del members["outcome"]
    result = verify(json.dumps(members))
    assert (result.exit_code, result.output.startswith("✗ NOT valid")) == (1, True)


def test_the_keys_of_the_installation_tell_whose_word_the_outcome_is(verify, tmp_path):
    (tmp_path / "ours.json").write_text(jwks_document([SEALER.public]))
    (tmp_path / "others.json").write_text(jwks_document([STRANGER.public]))
    ours = verify(FILE, "--jwks", str(tmp_path / "ours.json"))
    assert (ours.exit_code, "among the installation's keys" in ours.output) == (0, True)
    assert verify(FILE, "--jwks", str(tmp_path / "others.json")).exit_code == 1
    (tmp_path / "ours.json").write_text("{}")
    assert verify(FILE, "--jwks", str(tmp_path / "ours.json")).exit_code == 2
    assert "was not checked" in verify(FILE).output


def test_altered_terms_are_not_valid(verify):
    members = json.loads(FILE)
    members["terms"]["amountMinor"] = "9999"
    result = verify(json.dumps(members))
    assert result.exit_code == 1
    assert result.output.startswith("✗ NOT valid")


@pytest.mark.parametrize("content", ["", "{}", "no json", "[]", b"\xff\xfe"])
def test_what_is_no_evidence_ends_without_a_traceback(verify, content):
    result = verify(content)
    assert result.exit_code in {1, 2}
    assert isinstance(result.exception, SystemExit)


@pytest.mark.parametrize("started_at_us", [10**30, -(10**17)])
def test_a_file_of_no_calendar_ends_without_a_traceback(verify, started_at_us):
    members = json.loads(FILE)
    members["times"]["startedAtUs"] = started_at_us
    result = verify(json.dumps(members))
    assert (result.exit_code, str(started_at_us) in result.output) == (1, True)


def test_a_file_without_end_is_not_read_to_its_end():
    result = CliRunner().invoke(main, ["evidence", "verify", "/dev/zero"])
    assert (result.exit_code, "too large" in result.output) == (2, True)


@pytest.mark.parametrize("encoding", ["gbk", "latin-1", "ascii"])
def test_a_terminal_of_few_signs_changes_no_verdict(tmp_path, encoding):
    (tmp_path / "evidence.json").write_text(FILE, encoding="utf-8")
    command = [sys.executable, "-m", "keelpay_server.cli", "evidence", "verify", str(tmp_path / "evidence.json")]
    done = subprocess.run(command, capture_output=True, env={**os.environ, "PYTHONIOENCODING": encoding}, check=False)
    assert (done.returncode, b"ACCEPTED on 2030-03-17" in done.stdout, done.stderr) == (0, True, b"")


@pytest.mark.parametrize(
    ("content", "words"),
    [("", "no JSON, or not all of it"), (FILE[: len(FILE) // 2], "no JSON, or not all of it"),
     ('{"keys": []}', "no evidence file of keelpay")],
)  # fmt: skip
def test_a_cut_or_foreign_file_is_told_once_and_in_words(verify, content, words):
    result = verify(content)
    assert (result.exit_code, result.output.count(words)) == (1, 1)
    assert "GetConfirmation" in result.output


def test_a_file_that_an_editor_has_marked_is_the_same_file(verify):
    assert verify(b"\xef\xbb\xbf" + FILE.encode()).output == verify(FILE).output
