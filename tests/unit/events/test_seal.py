"""Laws of secrets at rest."""

import pytest
from cryptography.exceptions import InvalidTag

from keelpay_server.events.seal import NONCE_BYTES, SecretSeal, shown

SEAL = SecretSeal(b"k" * 32)
SECRET, NONCE = bytes(range(32)), b"n" * NONCE_BYTES


def test_a_sealed_secret_opens_for_its_owner_and_shows_nothing():
    sealed = SEAL.seal(SECRET, NONCE, "acme", "key1")
    assert SEAL.open(sealed, "acme", "key1") == SECRET
    assert shown(SECRET) not in sealed


@pytest.mark.parametrize(
    ("seal", "partner", "key_id"),
    [(SEAL, "other", "key1"), (SEAL, "acme", "key2"), (SecretSeal(b"x" * 32), "acme", "key1")],
)
def test_it_opens_for_nobody_else(seal, partner, key_id):
    sealed = SEAL.seal(SECRET, NONCE, "acme", "key1")
    with pytest.raises(InvalidTag):
        seal.open(sealed, partner, key_id)
