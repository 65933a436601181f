"""Each thing that keeps a server from starting is one sentence that names it, told before anything is made."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    PrivateFormat,
    load_pem_private_key,
)

from keelpay_server.app.failure import FailureKind, explain
from keelpay_server.app.master_key import load_master_key
from keelpay_server.app.start_checks import check_start
from keelpay_server.config import RailSettings, Settings, SettingsError, TlsSettings, load_settings
from keelpay_server.edge.settings import EdgeSettings, EdgeTls
from keelpay_server.rails.sandbox.store import BankFileBusy, BankFileError, BankStore
from tests.e2e.certificates import Authority


@pytest.fixture
def pems(tmp_path):
    """Paths: a certificate, its key, another key, a locked one, a list that is no PEM, and nothing at all."""
    folders = [tmp_path / name for name in ("one", "other")]
    for folder in folders:
        folder.mkdir()
    certificate, key, roots = Authority().server(folders[0])
    _, other, _ = Authority().server(folders[1])
    (tmp_path / "list.txt").write_text("milk")
    locked = load_pem_private_key(Path(key).read_bytes(), None)
    sealed = locked.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, BestAvailableEncryption(b"a password"))
    (tmp_path / "locked.key").write_bytes(sealed)
    paths = {"certificate": certificate, "key": key, "roots": roots, "other": other}
    paths["locked"] = str(tmp_path / "locked.key")
    return paths | {"list": str(tmp_path / "list.txt"), "nothing": str(tmp_path / "nothing.pem")}


def refused(**settings):
    with pytest.raises(SettingsError) as caught:
        check_start(Settings(**settings))
    failure = explain(caught.value)
    assert failure.kind is FailureKind.SETTINGS
    return failure.sentence


def test_a_certificate_with_its_key_and_the_authorities_of_clients_is_right(pems):
    tls = TlsSettings(certificate=pems["certificate"], key=pems["key"], client_roots=pems["roots"])
    check_start(Settings(tls=tls, rails=(RailSettings(name="x", channel="card", address="a:1", roots=pems["roots"]),)))


@pytest.mark.parametrize(
    ("certificate", "key", "roots", "named"),
    [
        ("nothing", "key", "", "tls.certificate"), ("list", "key", "", "tls.certificate"),
        ("certificate", "nothing", "", "tls.key"), ("certificate", "other", "", "is not the key of"),
        ("certificate", "list", "", "tls.key"), ("certificate", "key", "nothing", "tls.client_roots"),
        ("certificate", "key", "list", "tls.client_roots"),
    ],
)  # fmt: skip
def test_a_certificate_that_cannot_serve_is_named(pems, certificate, key, roots, named):
    tls = TlsSettings(certificate=pems[certificate], key=pems[key], client_roots=pems.get(roots, ""))
    assert named in refused(tls=tls)


@pytest.mark.parametrize(
    ("certificate", "key", "named"),
    [
        ("nothing", "key", "edge.tls.certificate"), ("list", "key", "edge.tls.certificate"),
        ("certificate", "nothing", "edge.tls.key"), ("certificate", "other", "edge.tls.key"),
        ("certificate", "list", "edge.tls.key"), ("certificate", "locked", "without a password"),
    ],
)  # fmt: skip
def test_a_certificate_of_the_edge_that_cannot_serve_is_named(pems, certificate, key, named):
    tls = EdgeTls(certificate=pems[certificate], key=pems[key])
    assert named in refused(edge=EdgeSettings(listen="127.0.0.1:0", tls=tls))


@pytest.mark.parametrize(
    ("rail", "named"),
    [
        ({"channel": "stablecoin"}, "stablecoin"),
        ({"channel": "card", "currencies": ("CNY", "ZZZ")}, "not an ISO 4217 code"),
    ],
)
def test_a_rail_that_cannot_be_is_named(rail, named):
    sentence = refused(rails=(RailSettings(name="odd", **rail),))
    assert named in sentence
    assert "'odd'" in sentence


@pytest.mark.parametrize("roots", ["nothing", "list"])
def test_authorities_of_a_bank_that_cannot_be_read_are_named(pems, roots):
    rail = RailSettings(name="far", channel="bank", address="rail.example:443", roots=pems[roots])
    assert "roots of rail 'far'" in refused(rails=(rail,))


@pytest.mark.parametrize(
    ("setting", "value"),
    [
        ("listen", "nonsense"), ("listen", "127.0.0.1:port"), ("listen", "127.0.0.1:99999"), ("listen", ":8443"),
        ("database", "postgresql://a:secret@db.example:port/x"), ("database", "postgresql://a:secret@db.example:0/x"),
    ],
)  # fmt: skip
def test_an_address_that_cannot_be_is_named(setting, value):
    with pytest.raises(SettingsError, match=setting) as caught:
        load_settings(None, {setting: value}, {})
    assert "secret" not in str(caught.value)


def test_a_live_installation_names_the_domain_of_its_pages_before_anybody_sets_up_a_passkey():
    edge = EdgeSettings(listen="127.0.0.1:0")
    assert "rp_id" in refused(mode="live", edge=edge, rails=())
    check_start(Settings(mode="live", edge=edge, rails=(), rp_id="pay.example.com"))
    check_start(Settings(mode="live", rails=()))


@pytest.mark.parametrize("name", ["a/b", "A", "", "x" * 64, "../x"])
def test_a_rail_has_a_name_that_can_be_a_file_and_a_resource(name):
    with pytest.raises(SettingsError, match="rail's name"):
        load_settings(None, {"rails": [{"name": name, "channel": "card"}]}, {})


def test_settings_and_keys_that_are_no_text_are_told(tmp_path):
    (tmp_path / "keelpay.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match=r"keelpay\.toml"):
        load_settings(str(tmp_path / "keelpay.toml"), {}, {})
    (tmp_path / "master.key").write_bytes(b"\xff\xfe\x00")
    with pytest.raises(SettingsError, match="master key"):
        load_master_key(Settings(data=str(tmp_path)), {})


def test_a_bank_has_its_file_alone(tmp_path):
    first = BankStore(tmp_path / "card.sqlite")
    with pytest.raises(BankFileBusy, match=r"card\.sqlite is open in another process") as caught:
        BankStore(tmp_path / "card.sqlite")
    assert explain(caught.value).kind is FailureKind.BUSY
    first.close()
    BankStore(tmp_path / "card.sqlite").close()


@pytest.mark.parametrize("name", ["list.txt", "no-folder/card.sqlite"])
def test_a_file_that_is_no_banks_is_named(tmp_path, name):
    (tmp_path / "list.txt").write_text("milk, and so much else that it is no empty file" * 20)
    with pytest.raises(BankFileError, match=name) as caught:
        BankStore(tmp_path / name)
    assert explain(caught.value).kind is FailureKind.SETTINGS


@pytest.mark.parametrize("text", ["abc", "no digits", "00" * 31])
def test_a_master_key_of_another_form_is_told_how_one_is_made(tmp_path, text):
    with pytest.raises(SettingsError, match="64 hexadecimal digits, as `openssl rand -hex 32`"):
        load_master_key(Settings(data=str(tmp_path)), {"KEELPAY_MASTER_KEY": text})
