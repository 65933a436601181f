"""A seal holds for exactly the bytes, the bank and the key it was made with."""

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from keelpay_server.rails.notification import sign_notification, verify_notification


def test_a_seal_holds_only_for_what_was_sealed():
    key, other = Ed25519PrivateKey.generate(), Ed25519PrivateKey.generate()
    keys = {"new": key.public_key().public_bytes_raw(), "old": other.public_key().public_bytes_raw()}
    seal = sign_notification(key, "bank-a", b"news")
    good = {"bank": "bank-a", "key_id": "new", "notification": b"news", "signature": seal}
    assert verify_notification(keys, **good)
    for change in (
        {"bank": "bank-b"}, {"key_id": "old"}, {"key_id": "none"}, {"notification": b"newz"},
        {"signature": seal[:-1]}, {"signature": bytes(64)}, {"signature": b""},
    ):  # fmt: skip
        assert not verify_notification(keys, **{**good, **change})
