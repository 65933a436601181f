import errno

import pytest
from click.testing import CliRunner

from keelpay_server.app.failure import FailureKind, explain
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.cli import main
from keelpay_server.config import SettingsError
from keelpay_server.rpc.contract import StartRefusedError
from keelpay_server.storage.file_lock import FileBusy


@pytest.fixture
def keelpay(tmp_path, monkeypatch):
    """Runs a command in an empty folder, without settings of the environment."""
    monkeypatch.chdir(tmp_path)
    for name in ("CONFIG", "DATA", "DATABASE", "MODE", "LISTEN"):
        monkeypatch.delenv(f"KEELPAY_{name}", raising=False)

    def run(*arguments):
        return CliRunner().invoke(main, arguments)

    return run


def one_sentence(result):
    """What a person reads: no traceback, and it begins with who speaks."""
    assert "Traceback" not in result.stderr
    assert isinstance(result.exception, SystemExit)
    assert result.stderr.startswith("keelpay: ")
    return result.stderr


@pytest.mark.parametrize(
    "content, word",
    [("lisen = 'x'", "lisen"), ("listen = 'x", "cannot read"), ("mode = 'prod'", "prod"), ("book = 'one'", "book")],
)
def test_settings_that_make_no_sense_are_named(keelpay, tmp_path, content, word):
    (tmp_path / "keelpay.toml").write_text(content)
    result = keelpay("serve", "--config", "keelpay.toml")
    assert result.exit_code == FailureKind.SETTINGS
    assert word in one_sentence(result)


def test_live_mode_with_the_sandboxs_banks_says_what_to_do(keelpay):
    result = keelpay("serve", "--mode", "live")
    assert result.exit_code == FailureKind.SETTINGS
    assert "one [[rails]] each with name, channel and address" in one_sentence(result)


def test_settings_that_are_not_there_are_named(keelpay):
    result = keelpay("verify", "--config", "nowhere.toml")
    assert result.exit_code == FailureKind.SETTINGS
    assert "nowhere.toml" in one_sentence(result)


def test_a_server_never_listens_beyond_this_machine_in_the_clear(keelpay):
    result = keelpay("serve", "--listen", "0.0.0.0:0")
    assert result.exit_code == FailureKind.SETTINGS
    assert "tls" in one_sentence(result)


def test_a_certificate_without_its_key_is_a_misuse(keelpay):
    result = keelpay("serve", "--tls-cert", "cert.pem")
    assert (result.exit_code, "--tls-key" in result.stderr) == (2, True)


@pytest.mark.parametrize("command", [("verify",), ("keys", "list"), ("keys", "jwks"), ("migrate", "--check")])
def test_looking_at_a_book_that_is_not_there_creates_none(keelpay, tmp_path, command):
    (tmp_path / "var").mkdir()
    (tmp_path / "var" / "master.key").write_text("00" * 32)
    result = keelpay(*command)
    assert result.exit_code == FailureKind.DATABASE
    assert "there is no database at" in one_sentence(result)
    assert not (tmp_path / "var" / "keelpay.sqlite").exists()


def test_a_database_that_cannot_be_reached_is_told_without_its_password(keelpay):
    result = keelpay("migrate", "--database", "postgresql://ann:secret-word@127.0.0.1:1/book")
    assert result.exit_code == FailureKind.DATABASE
    assert "secret-word" not in one_sentence(result)
    assert "ann:***@127.0.0.1:1/book" in result.stderr


@pytest.mark.parametrize("url", ["mysql://x/y", "no url at all", "sqlite:/one-slash"])
def test_a_database_of_another_kind_is_refused(keelpay, url):
    result = keelpay("migrate", "--database", url)
    assert result.exit_code == FailureKind.SETTINGS
    assert "postgresql://" in one_sentence(result)


@pytest.mark.parametrize("command", ["migrate", "verify"])
def test_a_file_that_is_no_database_is_told(keelpay, tmp_path, command):
    (tmp_path / "book.sqlite").write_text("a shopping list, long enough to be no empty file" * 10)
    result = keelpay(command, "--database", f"sqlite:///{tmp_path}/book.sqlite")
    assert result.exit_code == FailureKind.DATABASE
    assert "not a database" in one_sentence(result)


@pytest.mark.parametrize("name", ["Shop", "a/b", "", "x" * 64, "-shop"])
def test_a_name_that_cannot_be_is_a_misuse(keelpay, name):
    result = keelpay("keys", "admit", "partner", "--", name)
    assert (result.exit_code, "Traceback" in result.stderr) == (2, False)


def test_a_key_file_is_never_overwritten(keelpay, tmp_path):
    (tmp_path / "partner-shop.pem").write_text("the only copy")
    result = keelpay("keys", "admit", "partner", "shop")
    assert result.exit_code == 2
    assert (tmp_path / "partner-shop.pem").read_text() == "the only copy"
    assert not (tmp_path / "var").exists()


def test_a_demo_keeps_its_files_in_a_new_folder_only(keelpay, tmp_path):
    (tmp_path / "mine.txt").write_text("mine")
    result = keelpay("demo", "--keep", str(tmp_path))
    assert (result.exit_code, "not empty" in result.stderr) == (2, True)


def test_simulating_elsewhere_says_what_it_needs(keelpay):
    result = keelpay("simulate", "--address", "127.0.0.1:1")
    assert result.exit_code == FailureKind.SETTINGS
    assert "--credentials" in one_sentence(result)


@pytest.mark.parametrize(
    "error, kind, word",
    [
        (SettingsError("no such colour"), FailureKind.SETTINGS, "colour"),
        (FileBusy("book.sqlite is open in another process"), FailureKind.BUSY, "book.sqlite"),
        (StartRefusedError("cannot listen on 127.0.0.1:1: bind: inner words"), FailureKind.BUSY, "127.0.0.1:1"),
        (Refused(Reason.RESOURCE_NOT_FOUND, "there is no such key"), FailureKind.REFUSED, "no such key"),
        (OSError(errno.EADDRINUSE, "Address already in use"), FailureKind.BUSY, "port"),
        (PermissionError(errno.EACCES, "Permission denied", "/root/x"), FailureKind.SETTINGS, "/root/x: Permission"),
    ],
)
def test_an_expected_failure_has_a_kind_and_a_sentence(error, kind, word):
    failure = explain(error)
    assert (failure.kind, word in failure.sentence, "inner words" in failure.sentence) == (kind, True, False)


@pytest.mark.parametrize("error", [ValueError("ours"), KeyError("ours"), StartRefusedError("contract and servicers")])
def test_a_fault_of_ours_keeps_its_traceback(error):
    assert explain(error) is None
