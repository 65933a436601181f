"""Command: the base of everything that changes state, and what it must tell the engine.

In: a parsed, authenticated, signature-checked request. Out: `needs` names what to load, `decide` what happens.
Invariant: `decide` is pure: the same world gives the same Changes, and it reads no clock, randomness or environment.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

from .caller import SYSTEM, Caller
from .changes import Changes
from .request import Request

if TYPE_CHECKING:
    from .need import Need
    from .world import World


@dataclass(frozen=True, slots=True, kw_only=True)
class Command(ABC):
    """A change asked for.

    Attributes:
        request: Its identity for idempotency; None where the entity's own state makes a repeat harmless.
        caller: Who asks; kept as the actor in the journal.
        deadline_us: Wall clock; a command still queued after it is dropped before it is decided. 0 means never.
        depth: How many rounds of loading `needs` may take: 1 where every key is known from the request.
        emits: The reaction-table name under which higher rooms may act in the same commit; empty for none.
    """

    request: Request | None = None
    caller: Caller = SYSTEM
    deadline_us: int = 0

    depth: ClassVar[int] = 1
    emits: ClassVar[str] = ""

    def needs(self, need: "Need") -> None:  # noqa: B027  (a command may need nothing)
        """Names what to load. Called once a round; what earlier rounds loaded is there to read."""

    @abstractmethod
    def decide(self, world: "World") -> Changes:
        """Returns what happens.

        Raises:
            Refused: Where nothing happens; remembered under the request id if the reason says so.
        """
