"""PlatformKey: our own signing keys, kept in the database under a master key, so that all processes sign alike.

In: a fresh key, the master key of the settings, times. Out: sealed rows, and the ring that signs and verifies.
Invariant: a private key is never stored in clear; a key is known everywhere before it signs, and verifies until the
last token it signed has expired.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from keelpay_server.book.changes import Changes, Event
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.times import SECOND_US
from keelpay_server.book.world import World

from .key_ring import OPEN_END_S, KeyRing, RingKey
from .signing_key import SigningKey, read_pem, write_pem

TOKENS: Final = "tokens"
MASTER_KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12
NOTICE_S: Final = 30
"""From its birth to its first signature: longer than any process takes to look for new keys."""
OVERLAP_S: Final = 900
"""How long the key before still verifies: a token's life, the skew, and some air."""


class WrongMasterKey(Exception):  # noqa: N818  (told to the person at the keyboard)
    """The master key of the settings is not the one that sealed the installation's keys."""


class PlatformKey(NamedTuple):
    """One of our keys.

    Attributes:
        id: Its `kid`.
        purpose: What it signs: `tokens`.
        sealed: The private key (PKCS#8 PEM) under AES-256-GCM, nonce first.
        sign_from_time: Wall clock from which it signs.
        verify_until_time: Wall clock from which its signatures are refused, or 0: nothing has replaced it.
        create_time: Wall clock.
        update_time: Wall clock.
    """

    id: str
    purpose: str
    sealed: bytes
    sign_from_time: int
    verify_until_time: int
    create_time: int
    update_time: int


def seal(key: SigningKey, master: bytes, nonce: bytes) -> bytes:
    """Returns a private key as it is stored; its name is bound to it.

    Args:
        key: The key.
        master: 32 bytes.
        nonce: 12 random bytes, never used twice.
    """
    return nonce + AESGCM(master).encrypt(nonce, write_pem(key).encode("ascii"), key.kid.encode("ascii"))


def unseal(row: PlatformKey, master: bytes) -> SigningKey:
    """Returns the key of a row.

    Raises:
        WrongMasterKey: It was sealed with another one.
    """
    nonce, body = row.sealed[:NONCE_BYTES], row.sealed[NONCE_BYTES:]
    try:
        pem = AESGCM(master).decrypt(nonce, body, row.id.encode("ascii"))
    except InvalidTag as error:
        raise WrongMasterKey(f"the key {row.id} was sealed with another master key") from error
    return read_pem(pem.decode("ascii"), row.id)


def ring_of(rows: Iterable[PlatformKey], master: bytes) -> KeyRing:
    """Returns the ring of some rows.

    Raises:
        WrongMasterKey: A row was sealed with another one.
    """
    return KeyRing(
        RingKey(
            unseal(row, master),
            row.sign_from_time // SECOND_US,
            row.verify_until_time // SECOND_US if row.verify_until_time else OPEN_END_S,
        )
        for row in rows
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RotatePlatformKey(Command):
    """Adds a key that takes over after a notice; the first one of an installation takes over at once.

    Attributes:
        kid: Its name.
        sealed: From `seal`.
        first: Only add it if there is none: several processes may start at the same time.
    """

    kid: str
    sealed: bytes
    first: bool = False

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """All keys."""
        need.all(PlatformKey, "purpose", TOKENS)

    def decide(self, world: World) -> Changes:
        """Keys that are on duty verify until their last token has expired."""
        now = world.wall_us
        keys = world.all(PlatformKey, "purpose", TOKENS)
        if self.first and keys:
            return Changes()
        sign_from = now + NOTICE_S * SECOND_US if keys else now
        ends = sign_from + OVERLAP_S * SECOND_US
        retired = tuple(
            key._replace(verify_until_time=ends, update_time=now) for key in keys if not key.verify_until_time
        )
        row = PlatformKey(self.kid, TOKENS, self.sealed, sign_from, 0, now, now)
        return Changes(row, rows=retired, events=(_event(row, "created"),))


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokePlatformKey(Command):
    """Ends one of our keys at once, as when it leaked: every token that it signed is refused.

    Attributes:
        kid: Its name.
    """

    kid: str

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """All keys."""
        need.all(PlatformKey, "purpose", TOKENS)

    def decide(self, world: World) -> Changes:
        """The last key that signs cannot go before another one has taken over."""
        now = world.wall_us
        keys = {key.id: key for key in world.all(PlatformKey, "purpose", TOKENS)}
        row = keys.get(self.kid)
        if row is None:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="platform key")
        others = (key for key in keys.values() if key.id != self.kid)
        if not any(key.sign_from_time <= now and not 0 < key.verify_until_time <= now for key in others):
            raise Refused(Reason.CONFLICT, "no other key signs yet: rotate first", retry_after_ms=NOTICE_S * 1000)
        row = row._replace(verify_until_time=now, update_time=now)
        return Changes(row, events=(_event(row, "revoked"),))


def _event(key: PlatformKey, what: str) -> Event:
    return Event(f"platform_key.{what}", "platformKeys", key.id, 1, "", {"sign_from": key.sign_from_time})
