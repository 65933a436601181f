"""Sync: a caller wants a payment's bank to be asked now, and not by the schedule alone.

In: the request. Out: the payment as it is. Invariant: the request is remembered before anybody is asked, so a repeat
asks nobody; a process that dies in between leaves the operation to its schedule.
"""

from dataclasses import dataclass
from typing import ClassVar

from keelpay_server.book.changes import Changes
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.world import World

from .payment import Payment


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteSync(Command):
    """Remembers that a payment's bank is asked now.

    Attributes:
        payment: Key.
    """

    payment: bytes

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The payment."""
        need.row(Payment, self.payment)

    def decide(self, world: World) -> Changes:
        """Changes nothing: what the bank answers is recorded by itself."""
        return Changes(world.require(Payment, self.payment))
