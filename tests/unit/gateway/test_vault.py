"""Laws of the vault and of card numbers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.gateway.card import UNKNOWN_BRAND, brand_of, check_card, luhn_holds
from keelpay_server.gateway.vault import KEY_BYTES, NONCE_BYTES, Sealed, Vault, VaultError
from keelpay_server.rails.sandbox.magic import SCENARIOS
from keelpay_server.rails.sandbox.tokenizer import CARD_PREFIX, SandboxTokenizer, account_of, card_of

KEYS = {"old": b"o" * KEY_BYTES, "new": b"n" * KEY_BYTES}
DIGEST = b"d" * KEY_BYTES
NONCE = b"0" * NONCE_BYTES
AMA, BEN = "acme/ama", "acme/ben"
VAULT = Vault(KEYS, "old", DIGEST)
MAY_2026 = 1_777_000_000_000_000 + 10**12


@given(number=st.text(min_size=1, max_size=140), nonce=st.binary(min_size=NONCE_BYTES, max_size=NONCE_BYTES))
def test_what_is_sealed_opens_for_its_payer_alone(number, nonce):
    sealed = VAULT.seal(number, AMA, nonce)
    assert number.encode() not in sealed.body or len(number) < 4
    assert VAULT.open(sealed, AMA) == number
    with pytest.raises(VaultError):
        VAULT.open(sealed, BEN)


@given(at=st.integers(0, 43), bit=st.integers(0, 7))
def test_a_changed_byte_never_opens(at, bit):
    sealed = VAULT.seal("4242424242424242", AMA, NONCE)
    assert len(sealed.body) == 44
    changed = bytearray(sealed.body)
    changed[at] ^= 1 << bit
    with pytest.raises(VaultError):
        VAULT.open(Sealed(bytes(changed), sealed.key_id), AMA)


def test_a_key_that_is_gone_opens_nothing_and_the_new_key_seals():
    sealed = VAULT.seal("1", AMA, NONCE)
    rotated = Vault(KEYS, "new", DIGEST)
    assert rotated.open(sealed, AMA) == "1"
    assert rotated.seal("1", AMA, NONCE).key_id == "new"
    with pytest.raises(VaultError):
        Vault({"new": KEYS["new"]}, "new", DIGEST).open(sealed, AMA)
    with pytest.raises(VaultError):
        VAULT.open(Sealed(b"", ""), AMA)


@pytest.mark.parametrize(
    ("keys", "current", "digest"),
    [({"a": b"short"}, "a", DIGEST), (KEYS, "none", DIGEST), (KEYS, "new", b"short")],
)
def test_a_vault_without_proper_keys_does_not_open_for_business(keys, current, digest):
    with pytest.raises(VaultError):
        Vault(keys, current, digest)


def test_a_nonce_of_another_length_is_refused():
    with pytest.raises(VaultError):
        VAULT.seal("1", AMA, b"short")


def test_a_fingerprint_knows_a_number_again_after_a_rotation_and_not_without_its_key():
    rotated, other = Vault(KEYS, "new", DIGEST), Vault(KEYS, "new", b"e" * KEY_BYTES)
    found = VAULT.fingerprint(3, "4242424242424242")
    assert found == rotated.fingerprint(3, "4242424242424242")
    assert len({found, other.fingerprint(3, "4242424242424242"), VAULT.fingerprint(4, "4242424242424242")}) == 3
    assert VAULT.body_key not in (DIGEST, b"")


@pytest.mark.parametrize(
    ("number", "brand"),
    [
        ("4242424242424242", "visa"), ("5555555555554444", "mastercard"), ("2223003122003222", "mastercard"),
        ("378282246310005", "amex"), ("6011111111111117", "discover"), ("3056930009020004", "diners"),
        ("3566002020360505", "jcb"), ("6200000000000005", "unionpay"), ("8171999927660000", "unionpay"),
        ("9999999999999995", UNKNOWN_BRAND),
    ],
)  # fmt: skip
def test_the_issuers_public_test_numbers_have_their_brand_and_a_right_check_digit(number, brand):
    assert brand_of(number) == brand
    assert luhn_holds(number)


@given(number=st.from_regex(r"[0-9]{12,19}", fullmatch=True), at=st.integers(0, 11), by=st.integers(1, 9))
def test_one_wrong_digit_is_always_noticed(number, at, by):
    wrong = number[:at] + str((int(number[at]) + by) % 10) + number[at + 1 :]
    assert not (luhn_holds(number) and luhn_holds(wrong))


def test_a_card_is_good_through_its_month_everywhere_on_earth():
    end_of_may_utc = 1_780_271_999_000_000  # 2026-05-31T23:59:59Z
    for later_s, good in ((0, True), (11 * 3600, True), (13 * 3600, False)):
        now = end_of_may_utc + later_s * 1_000_000
        if good:
            check_card("4242424242424242", 5, 2026, now)
        else:
            with pytest.raises(Refused) as refusal:
                check_card("4242424242424242", 5, 2026, now)
            assert refusal.value.reason is Reason.CARD_INVALID
            assert "4242" not in str(refusal.value)


@pytest.mark.parametrize("scenario", SCENARIOS)
async def test_every_story_of_the_sandbox_has_a_test_card_and_a_test_account(scenario):
    tokenizer = SandboxTokenizer()
    assert luhn_holds(card_of(scenario))
    assert card_of(scenario).startswith(CARD_PREFIX)
    for number in (card_of(scenario), account_of(scenario), f"sandbox-{SCENARIOS[scenario].number:03}"):
        assert await tokenizer.token("sandbox-card", number, "f" * 32) == f"tok-{scenario}"


async def test_any_other_number_has_a_token_that_tells_nothing_of_it():
    for number in ("4242424242424242", "4000000000009995", "a wallet"):
        assert await SandboxTokenizer().token("sandbox-card", number, "f" * 32) == f"sandbox-card-{'f' * 32}"
