"""The keeper of our signing keys: makes the first, rotates them, and has every process know them in time.

In: sealed keys of the database and the master key of the settings. Out: the ring of now. Invariant: a process looks
for new keys at least every LOOK_US while it serves, which is well within the notice that a new key is given.
"""

from collections.abc import Callable
from typing import Final

from keelpay_server.book.engine import Engine
from keelpay_server.book.ports import Page
from keelpay_server.book.times import SECOND_US

from .evidence_seal import EvidenceSealer
from .key_ring import KeyRing
from .platform_key import (
    MASTER_KEY_BYTES,
    NONCE_BYTES,
    TOKENS,
    PlatformKey,
    RevokePlatformKey,
    RotatePlatformKey,
    ring_of,
    seal,
)
from .signing_key import KeyAlgorithm, VerifyingKey, generate_signing_key

LOOK_US: Final = SECOND_US
KEYS_MAX: Final = 100


class KeyKeeper:
    """The keys of one installation.

    Args:
        engine: Where they are kept.
        master: 32 bytes that seal them.
        random_bytes: A source of chance that cannot be guessed.

    Attributes:
        ring: The keys of our tokens.
        evidence: What seals the evidence of confirmations.
    """

    def __init__(self, engine: Engine, master: bytes, random_bytes: Callable[[int], bytes]) -> None:
        if len(master) != MASTER_KEY_BYTES:
            raise ValueError(f"the master key has {MASTER_KEY_BYTES} bytes")
        self._engine, self._master, self._random_bytes = engine, master, random_bytes
        self.evidence = EvidenceSealer(master, random_bytes)
        self._rows: list[PlatformKey] = []
        self._looked_us = 0
        self.ring = KeyRing(())

    async def open(self) -> None:
        """Reads the keys, and makes the first one of an installation.

        Raises:
            WrongMasterKey: The keys were sealed with another one.
        """
        await self.look(self._engine.wall())
        if not self._rows:
            await self._add(first=True)

    def public(self, wall_us: int) -> list[VerifyingKey]:
        """Returns our public keys: those that tokens are verified with now, and that of evidence."""
        return [*self.ring.verifiers(wall_us / SECOND_US), self.evidence.public]

    def fresh(self, wall_us: int) -> bool:
        """Whether the ring was read lately."""
        return 0 <= wall_us - self._looked_us < LOOK_US

    async def look(self, wall_us: int) -> bool:
        """Reads the keys; returns whether they changed."""
        page = Page(KEYS_MAX, descending=True, order="create_time")
        rows = await self._engine.reader.find(PlatformKey, {"purpose": TOKENS}, page)
        self._looked_us = wall_us
        if rows == self._rows:
            return False
        self.ring, self._rows = ring_of(rows, self._master), rows
        return True

    async def rotate(self) -> str:
        """Adds a key that takes over after its notice; returns its name."""
        return await self._add(first=False)

    async def revoke(self, kid: str) -> None:
        """Ends a key at once.

        Raises:
            Refused: RESOURCE_NOT_FOUND, CONFLICT while no other key signs.
        """
        await self._engine.execute(RevokePlatformKey(kid=kid))
        await self.look(self._engine.wall())

    async def _add(self, *, first: bool) -> str:
        key = generate_signing_key(KeyAlgorithm.EDDSA)
        sealed = seal(key, self._master, self._random_bytes(NONCE_BYTES))
        await self._engine.execute(RotatePlatformKey(kid=key.kid, sealed=sealed, first=first))
        await self.look(self._engine.wall())
        return key.kid
