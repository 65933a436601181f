import json

import pytest
from click.testing import CliRunner

from keelpay_server.cli import main
from tests.unit.auth.ceremonies import Ceremony
from tests.unit.auth.test_evidence import FILE, spc_file, webauthn_file


@pytest.fixture
def verify(tmp_path):
    def run(content):
        (tmp_path / "evidence.json").write_bytes(content if isinstance(content, bytes) else content.encode())
        return CliRunner().invoke(main, ["evidence", "verify", str(tmp_path / "evidence.json")])

    return run


@pytest.mark.parametrize("make", [webauthn_file, spc_file])
def test_what_was_signed_is_told(verify, make):
    result = verify(make(Ceremony()))
    assert result.exit_code == 0
    for word in ("✓ valid", "Café 北京", "1250", "CNY", "merchants/cafe/payments/pay-1"):
        assert word in result.output


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
