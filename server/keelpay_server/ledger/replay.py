"""Reads a journal once, from a checkpoint on, and rebuilds the balances from its legs and pending moves.

In: journal batches in order. Out: balances, and faults of the chain (invariant 6), of the floors at every commit (2),
of the shape of legs (1) and of the authority for payers' debits (8).
Invariant: memory grows with the number of accounts, never with the length of the journal.
"""

from collections import defaultdict
from collections.abc import Callable, Mapping
from typing import TypeAlias

from keelpay_server.ledger.account import CHART_MASK, currency_number, floor_sign, headroom
from keelpay_server.ledger.chart import Chart
from keelpay_server.ledger.fact import Checkpoint, Head, JournalBatch
from keelpay_server.ledger.finding import Invariant, Tally
from keelpay_server.ledger.leg import LegCode
from keelpay_server.ledger.wording import account_words, amount_words

LinkFunction: TypeAlias = Callable[[bytes, int, int, int, int, int, bytes], bytes]
"""(link before, book, first, last, wall_time, business_time, body) -> link."""

Balance: TypeAlias = list[int]
"""Debits, credits, pending debits, pending credits."""


class Replay:
    """The journal of one book as far as it was read."""

    def __init__(
        self, book: int, link: LinkFunction, checkpoint: Checkpoint, tallies: Mapping[Invariant, Tally]
    ) -> None:
        """Starts at a checkpoint.

        Args:
            book: the book's number.
            link: how the journal links its rows.
            checkpoint: the end of an earlier check whose findings were all ok, or an empty one for the whole journal.
            tallies: where faults go.
        """
        self.sequence, self.head = checkpoint.head
        self.balances: defaultdict[int, Balance] = defaultdict(lambda: [0, 0, 0, 0])
        self.balances.update((account, list(balance)) for account, balance in checkpoint.balances.items())
        self.captured = defaultdict(int, checkpoint.captured)
        self._book = book
        self._link = link
        self._balanced = tallies[Invariant.BALANCED]
        self._floored = tallies[Invariant.FLOORED]
        self._chained = tallies[Invariant.CHAINED]
        self._authorized = tallies[Invariant.AUTHORIZED]

    def read(self, batch: JournalBatch) -> None:
        """Reads the next batch."""
        self._read_chain(batch)
        self._read_order(batch)
        lowered = self._post(batch)
        for account in lowered:
            if headroom(account, *self.balances[account]) < 0:
                self._floored.fault(f"account {account_words(account)} is below zero after event {batch.last}")
        self._read_authority(batch)

    def checkpoint(self) -> Checkpoint:
        """Where a later check may begin, if this one found nothing wrong."""
        balances = {account: (b[0], b[1], b[2], b[3]) for account, b in self.balances.items()}
        return Checkpoint(Head(self.sequence, self.head), balances, dict(self.captured))

    def _read_chain(self, batch: JournalBatch) -> None:
        """The batch begins after the last one and its link follows from the one before."""
        if batch.first != self.sequence + 1 or batch.last < batch.first:
            self._chained.fault(f"event {batch.first} to {batch.last} follow event {self.sequence}")
        expected = self._link(
            self.head, self._book, batch.first, batch.last, batch.wall_time, batch.business_time, batch.body
        )
        if expected != batch.link:
            self._chained.fault(f"the link of event {batch.first} to {batch.last} does not fit")
        # From here on as stored: one broken row is one fault, not a fault in every row after it.
        self.sequence, self.head = batch.last, batch.link

    def _read_order(self, batch: JournalBatch) -> None:
        """Events are numbered without a gap; each leg belongs to one of them and has its place there."""
        self._chained.checked += len(batch.events)
        if [event.sequence for event in batch.events] != list(range(batch.first, batch.last + 1)):
            self._chained.fault(f"event {batch.first} to {batch.last} are not numbered one by one")
        sequence, n = batch.first, -1
        for leg in batch.legs:
            expected = n + 1 if leg.sequence == sequence else 0
            if leg.n != expected or not sequence <= leg.sequence <= batch.last:
                self._chained.fault(f"leg {leg.n} of event {leg.sequence} is out of its place")
            sequence, n = leg.sequence, leg.n

    def _post(self, batch: JournalBatch) -> set[int]:
        """Adds legs and pending moves to the balances; returns the floored accounts they lower."""
        balances, lowered = self.balances, set()
        for sequence, _, debit, credit, amount, code in batch.legs:
            if amount <= 0 or debit == credit or currency_number(debit) != currency_number(credit):
                self._balanced.fault(f"event {sequence} has a leg of {_move_words(amount, debit, credit)}")
            balances[debit][0] += amount
            balances[credit][1] += amount
            if code in {LegCode.CAPTURE, LegCode.PAY}:
                self.captured[currency_number(debit)] += amount
            if floor_sign(debit) > 0:
                lowered.add(debit)
            if floor_sign(credit) < 0:
                lowered.add(credit)
        for sequence, debit, credit, amount in batch.pending:
            if debit == credit or currency_number(debit) != currency_number(credit):
                self._balanced.fault(f"event {sequence} has a pending move of {_move_words(amount, debit, credit)}")
            balances[debit][2] += amount
            balances[credit][3] += amount
            if floor_sign(debit) > 0:
                lowered.add(debit)
            if floor_sign(credit) < 0:
                lowered.add(credit)
        return lowered

    def _read_authority(self, batch: JournalBatch) -> None:
        """What an event newly takes from a payer's balance, posted or held, is within what that payer agreed to.

        The capture of a hold takes nothing new: it posts what it frees. So the authority is asked for where the money
        is first held, or posted without a hold.
        """
        taken: dict[tuple[int, int], int] = {}
        for sequence, _, debit, _, amount, _ in batch.legs:
            if debit & CHART_MASK == Chart.PAYER_BALANCE:
                taken[sequence, debit] = taken.get((sequence, debit), 0) + amount
        for sequence, debit, _, amount in batch.pending:
            if debit & CHART_MASK == Chart.PAYER_BALANCE:
                taken[sequence, debit] = taken.get((sequence, debit), 0) + amount
        if not taken:
            return
        self._authorized.checked += len(taken)
        agreed = {event.sequence: event.authorities for event in batch.events}
        for (sequence, account), amount in taken.items():
            granted = sum(a.amount for a in agreed.get(sequence, ()) if a.account == account and a.spent)
            if amount > granted:
                number = currency_number(account)
                taken_text = f"{amount_words(amount, number)} from {account_words(account)}"
                agreed_text = amount_words(granted, number)
                self._authorized.fault(f"event {sequence} takes {taken_text}; its payer agreed to {agreed_text}")


def _move_words(amount: int, debit: int, credit: int) -> str:
    return f"{amount_words(amount, currency_number(debit))} from {account_words(debit)} to {account_words(credit)}"
