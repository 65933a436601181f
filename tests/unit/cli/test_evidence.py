import json

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
