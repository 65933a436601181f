"""The channel's record: what we asked of a bank and what it answered, as reconciliation compares it with statements.

In: implemented by storage over the gateway's operations, which this room does not know. Out: plain rows.
Invariant: a record may be read outside the book's lane, as a resolved one changes at most once more, from no to a late
yes; a line that was compared with the no is a break until it is compared again.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple, Protocol

from keelpay_server.book.rail import OperationKind


class ChannelRecord(NamedTuple):
    """One operation at a bank.

    Attributes:
        key: The operation's key, which the bank's statement repeats.
        subject_kind: `pay`, `ref`, `trf` or `po`: what it was asked for.
        subject: The key of that.
        merchant: Whose that is, or empty.
        kind: What was asked: book.rail.OperationKind.
        capture: An AUTHORIZE that took the money at once.
        succeeded: The bank did it.
        resolved: Its outcome is known for ever.
        bank: The bank.
        currency: Of the amounts.
        amount: What it moved, minor units.
        cost: What the bank charges for it.
    """

    key: bytes
    subject_kind: str
    subject: bytes
    merchant: str
    kind: int
    capture: bool
    succeeded: bool
    resolved: bool
    bank: str
    currency: str
    amount: int
    cost: int

    @property
    def movement(self) -> int:
        """What a statement has to show of it before charges; above zero into our account, 0 for nothing."""
        if not self.succeeded:
            return 0
        if self.kind == OperationKind.CAPTURE or (self.kind == OperationKind.AUTHORIZE and self.capture):
            return self.amount
        return -self.amount if self.kind in {OperationKind.REFUND, OperationKind.PAY} else 0


class ChannelRecords(Protocol):
    """Reads of the channel's records."""

    async def find(self, keys: Sequence[bytes]) -> Mapping[bytes, ChannelRecord]:
        """Returns the records of operations by their keys; keys that nobody knows are left out."""
        ...

    async def of_subject(self, subject: bytes) -> Sequence[ChannelRecord]:
        """Returns the records of a payment, refund, transfer or payout."""
        ...

    async def missing(
        self, bank: str, currency: str, between_us: tuple[int, int], after: bytes, limit: int
    ) -> Sequence[ChannelRecord]:
        """Returns operations that moved money of which no line tells and no break that it is missing, by their keys.

        A payment out that came back is none: where neither line is shown, nothing is missing.

        Args:
            bank: Whose.
            currency: In which.
            between_us: Wall clock: resolved at the first or later, and before the second.
            after: Only keys above it.
            limit: How many at most.
        """
        ...
