import stat

import pytest
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from keelpay_clients.key_file import KeyFileError, read_key
from keelpay_server.app.admission import Admitted, new_key
from keelpay_server.cli import key_file

KEY_ID = "key-01k5w3m8v2p4q6r8t0w2y4a6b8"


@pytest.fixture
def admitted():
    private, _ = new_key()
    return Admitted("partners/shop", KEY_ID, private)


def test_a_key_file_can_be_read_by_its_owner_alone(tmp_path, admitted):
    path = tmp_path / "deep" / "shop.pem"
    key_file.reserve(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    key_file.write(path, admitted, "keelpay")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_client_reads_from_it_whose_key_it_is(tmp_path, admitted):
    key_file.write(tmp_path / "shop.pem", admitted, "pay.example.com")
    held = read_key(tmp_path / "shop.pem")
    assert (held.key.holder, held.key.key_id, held.audience) == ("partners/shop", KEY_ID, "pay.example.com")


def test_other_programs_read_it_as_pem(tmp_path, admitted):
    key_file.write(tmp_path / "shop.pem", admitted, "keelpay")
    assert load_pem_private_key((tmp_path / "shop.pem").read_bytes(), None)


def test_a_reserved_name_is_reserved_once(tmp_path):
    key_file.reserve(tmp_path / "shop.pem")
    with pytest.raises(FileExistsError):
        key_file.reserve(tmp_path / "shop.pem")


@pytest.mark.parametrize("content, word", [("", "client, key, audience"), ("client: partners/a\nkey: k\n", "audience")])
def test_a_file_that_says_not_whose_key_it_is_is_refused(tmp_path, content, word):
    (tmp_path / "x.pem").write_text(content + "-----BEGIN PRIVATE KEY-----\n")
    with pytest.raises(KeyFileError, match=word):
        read_key(tmp_path / "x.pem")


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(KeyFileError, match=r"nowhere\.pem"):
        read_key(tmp_path / "nowhere.pem")
