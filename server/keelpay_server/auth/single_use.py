"""Single use: an id that somebody signed (`jti`) is accepted once, by the database's word.

In: the signer, its id, and until when it could be valid. Out: a work row that both remembers the id and, when it is
due, is its own pruning. Invariant: no id is accepted twice as long as its signature could be valid.
"""

from dataclasses import dataclass
from hashlib import blake2b
from typing import ClassVar, Final

from keelpay_server.book.changes import WALL, Changes, Work
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import World

FORGET_WORK: Final = "single-use.forget"


def use_key(signer: str, kind: str, signed_id: str) -> bytes:
    """Returns the key under which an id is remembered.

    Args:
        signer: Resource name of who signed.
        kind: What was signed: `assertion` or `attestation`.
        signed_id: The `jti`.
    """
    # JSON can escape half of a character (RFC 8259, 8.2): who signed one is refused or let in like anybody else.
    name = f"{kind}\n{signer}\n{signed_id}".encode("utf-8", "surrogatepass")
    return blake2b(name, digest_size=16).digest()


def use_needs(need: Need, key: bytes) -> None:
    """Names what `use` reads."""
    need.row(Work, key)


def use(world: World, key: bytes, until_us: int, reason: Reason) -> Work:
    """Returns the row that remembers an id.

    Args:
        world: Loaded by `use_needs`.
        key: From `use_key`.
        until_us: Wall clock from which no signature over it is valid any more.
        reason: Why a second use is refused.

    Raises:
        Refused: The given reason.
    """
    if world.get(Work, key) is not None:
        raise Refused(reason, "its jti was used before")
    return Work(key, FORGET_WORK, key, WALL, until_us)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forget(Command):
    """Forgets ids whose signatures are no longer valid.

    Attributes:
        keys: Of their rows.
    """

    keys: tuple[bytes, ...]

    depth: ClassVar[int] = 1

    def decide(self, world: World) -> Changes:  # noqa: ARG002  (nothing of the world decides this)
        """Ends their rows."""
        return Changes(done=self.keys)
