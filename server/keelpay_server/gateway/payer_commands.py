"""Creating payers.

In: a partner's request. Out: a payer with an owner number for the balances it may have one day.
Invariant: an id names one person for ever; nothing kept here says who the person is.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from keelpay_server.auth.names import stream_of
from keelpay_server.book.changes import Changes, Event
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.payer import Payer, PayerState
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import World

COLLECTION: Final = "payers"
HANDLE_BYTES: Final = 32
"""Length of a WebAuthn user handle (Web Authentication Level 3, section 5.4.3 allows 1 to 64)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePayer(Command):
    """Makes a payer.

    Attributes:
        partner: Who vouches for the person.
        person: The partner's own id of the person.
        handle: HANDLE_BYTES random bytes.
        locale: Language for texts shown to the person.
        region: Where the partner says the person lives.
        metadata: JSON object.
    """

    partner: str
    person: str
    handle: bytes
    locale: str = ""
    region: str = ""
    metadata: str = ""

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """Whether the id is taken."""
        need.row(Payer, self._key)

    def decide(self, world: World) -> Changes:
        """Raises Refused: RESOURCE_ALREADY_EXISTS."""
        if world.get(Payer, self._key) is not None:
            raise Refused(Reason.RESOURCE_ALREADY_EXISTS, resource="payer")
        payer = Payer(
            id=self._key, partner=self.partner, number=world.new_owner(), state=PayerState.ACTIVE, state_version=1,
            handle=self.handle, currencies="", locale=self.locale, region=self.region, withdraw_after=0,
            metadata=self.metadata, create_time=world.wall_us, update_time=world.wall_us,
        )  # fmt: skip
        data = {"state": int(payer.state), "region": payer.region}
        event = Event("payer.created", COLLECTION, payer.id, payer.state_version, stream_of(self.partner), data)
        return Changes(payer, events=(event,))

    @property
    def _key(self) -> str:
        return f"{self.partner}/{self.person}"
