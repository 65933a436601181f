import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from keelpay import ConfigurationError, credentials

LINES = {"client": "partners/shop", "key": "key-1", "audience": "keelpay"}
PEM = Ed25519PrivateKey.generate().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def write(path, lines=LINES, pem=PEM):
    path.write_text("".join(f"{name}: {value}\n" for name, value in lines.items()) + pem)
    return path


def test_a_key_file_says_who_calls_and_for_which_installation(tmp_path):
    identity = credentials.key_file(write(tmp_path / "shop.pem")).identity
    assert (identity.key.holder, identity.key.key_id, identity.audience) == tuple(LINES.values())
    assert identity.assertion().count(".") == 2


@pytest.mark.parametrize("name", LINES)
def test_a_missing_line_is_named(tmp_path, name):
    lines = {other: value for other, value in LINES.items() if other != name}
    with pytest.raises(ConfigurationError, match=f"lacks {name}"):
        credentials.key_file(write(tmp_path / "shop.pem", lines))


@pytest.mark.parametrize("pem", ["", "-----BEGIN PRIVATE KEY-----\nnonsense\n-----END PRIVATE KEY-----\n"])
def test_what_holds_no_key_is_refused_in_words(tmp_path, pem):
    with pytest.raises(ConfigurationError):
        credentials.key_file(write(tmp_path / "shop.pem", pem=pem))


def test_a_file_that_is_not_there_is_told(tmp_path):
    with pytest.raises(ConfigurationError, match="cannot read"):
        credentials.key_file(tmp_path / "nobody.pem")
