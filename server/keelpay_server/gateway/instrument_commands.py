"""Storing, removing and resealing instruments.

In: what was tokenised before the queue. Out: the instrument. Invariant: a command carries no number in clear, so no
journal, log or request row can; a removed instrument's sealed number is destroyed.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, NamedTuple

from keelpay_server.auth.names import stream_of
from keelpay_server.book.changes import Changes, Event
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.payer import Payer
from keelpay_server.book.refusal import refuse_transition
from keelpay_server.book.world import World

from .instrument import KIND, Instrument, InstrumentState
from .vault import Sealed


class Tokenised(NamedTuple):
    """What is kept of a number.

    Attributes:
        channel: The contract's Channel.
        bank: The rail that serves it.
        token: What the rail knows it by.
        sealed: The number at rest.
        fingerprint: Its keyed digest.
        display: What people see.
        brand: The network, bank, wallet or chain.
        last_four: Last four characters; empty for wallets.
        expire_month: 1..12, or 0.
        expire_year: Or 0.
    """

    channel: int
    bank: str
    token: str
    sealed: Sealed
    fingerprint: str
    display: str
    brand: str
    last_four: str
    expire_month: int = 0
    expire_year: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class StoreInstrument(Command):
    """Stores what a payer pays from.

    Attributes:
        payer: `<partner>/<id>`.
        tokenised: What is kept of it.
    """

    payer: str
    tokenised: Tokenised

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The payer."""
        need.row(Payer, self.payer)

    def decide(self, world: World) -> Changes:
        """Raises Refused: RESOURCE_NOT_FOUND for a payer that is none."""
        world.require(Payer, self.payer)
        kept = self.tokenised
        instrument = Instrument(
            id=world.new_id(), payer=self.payer, channel=kept.channel, bank=kept.bank, token=kept.token,
            sealed=kept.sealed.body, key_id=kept.sealed.key_id, fingerprint=kept.fingerprint, display=kept.display,
            brand=kept.brand, last_four=kept.last_four, expire_month=kept.expire_month, expire_year=kept.expire_year,
            state=InstrumentState.ACTIVE, state_version=1, create_time=world.wall_us, update_time=world.wall_us,
        )  # fmt: skip
        return Changes(instrument, events=(_event(instrument, "stored"),))


@dataclass(frozen=True, slots=True, kw_only=True)
class RemoveInstrument(Command):
    """Removes an instrument and destroys its number; the rail's token stays, for refunds.

    Attributes:
        instrument: Key.
    """

    instrument: bytes

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The instrument."""
        need.row(Instrument, self.instrument)

    def decide(self, world: World) -> Changes:
        """Raises Refused: ILLEGAL_TRANSITION if it was removed before."""
        instrument = world.require(Instrument, self.instrument)
        if instrument.state != InstrumentState.ACTIVE:
            refuse_transition("instrument", InstrumentState.REMOVED.name, InstrumentState.REMOVED.name)
        instrument = _touch(instrument, world, state=InstrumentState.REMOVED, sealed=b"", key_id="")
        return Changes(instrument, events=(_event(instrument, "removed"),))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResealInstrument(Command):
    """Replaces a number's seal by one of the current key.

    Attributes:
        instrument: Key.
        before: The seal that was opened.
        after: The new one.
    """

    instrument: bytes
    before: Sealed
    after: Sealed

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The instrument."""
        need.row(Instrument, self.instrument)

    def decide(self, world: World) -> Changes:
        """Does nothing where the seal is no longer the one that was opened."""
        instrument = world.require(Instrument, self.instrument)
        if (instrument.sealed, instrument.key_id) != self.before:
            return Changes()
        return Changes(instrument._replace(sealed=self.after.body, key_id=self.after.key_id))


def _touch(instrument: Instrument, world: World, **changes: Any) -> Instrument:
    return instrument._replace(state_version=instrument.state_version + 1, update_time=world.wall_us, **changes)


def _event(instrument: Instrument, what: str) -> Event:
    owner = stream_of(instrument.payer.partition("/")[0])
    data = {"state": int(instrument.state), "payer": instrument.payer, "channel": instrument.channel}
    return Event(f"instrument.{what}", KIND, instrument.id, instrument.state_version, owner, data)
