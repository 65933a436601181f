"""A book in memory, as simple as it can be: accounts with floors, and the journal that a checker reads."""

from collections import defaultdict
from hashlib import sha256

from keelpay_server.ledger.account import headroom, is_floored
from keelpay_server.ledger.fact import AccountRow, Authority, Head, JournalBatch, JournalEvent, PendingMove, PostedLeg
from keelpay_server.ledger.leg import Posting

BOOK = 7


class Short(Exception):  # noqa: N818  (an outcome of the walk, not a fault)
    """A floored account would pass below zero; nothing was changed."""


def link(head, book, first, last, wall_time, business_time, body):
    return sha256(b"%b:%d:%d:%d:%d:%d:%b" % (head, book, first, last, wall_time, business_time, body)).digest()


class ModelBook:
    def __init__(self, batch_size=1):
        """Commits every `batch_size` events, and whatever is left when somebody reads."""
        self.accounts = defaultdict(lambda: [0, 0, 0, 0])
        self.sequence, self.head = 0, b""
        self._size, self._batches = batch_size, []
        self._events, self._legs, self._pending = [], [], []

    @property
    def batches(self):
        self._commit()
        return self._batches

    def room(self, account):
        return headroom(account, *self.accounts[account])

    def balance(self, account):
        debits, credits_, _, _ = self.accounts[account]
        return credits_ - debits

    def apply(self, posting: Posting, *authorities: Authority):
        """One event. Raises Short if it breaks a floor."""
        after = {}
        for debit, credit, amount, _ in posting.legs:
            after.setdefault(debit, list(self.accounts[debit]))[0] += amount
            after.setdefault(credit, list(self.accounts[credit]))[1] += amount
        for debit, credit, amount in posting.pending:
            after.setdefault(debit, list(self.accounts[debit]))[2] += amount
            after.setdefault(credit, list(self.accounts[credit]))[3] += amount
        for account, balance in after.items():
            if is_floored(account) and headroom(account, *balance) < 0:
                raise Short
        self.accounts.update(after)
        self.write(posting, authorities)

    def head_row(self):
        self._commit()
        return Head(self.sequence, self.head)

    def rows(self):
        return [AccountRow(account, *balance) for account, balance in sorted(self.accounts.items())]

    def leg_rows_since(self, sequence):
        return [leg for batch in self.batches_since(sequence) for leg in batch.legs]

    def batches_since(self, sequence):
        return [batch for batch in self.batches if batch.first > sequence]

    def write(self, posting, authorities=()):
        """Journals one event without asking the floors."""
        self.sequence += 1
        self._events.append(JournalEvent(self.sequence, authorities))
        self._legs += (PostedLeg(self.sequence, n, *leg) for n, leg in enumerate(posting.legs))
        self._pending += (PendingMove(self.sequence, *move) for move in posting.pending)
        if len(self._events) == self._size:
            self._commit()

    def _commit(self):
        if not self._events:
            return
        events, legs, pending = tuple(self._events), tuple(self._legs), tuple(self._pending)
        first, last, body = events[0].sequence, self.sequence, repr((legs, pending)).encode()
        self.head = link(self.head, BOOK, first, last, last * 1000, last, body)
        self._batches.append(JournalBatch(first, last, last * 1000, last, body, self.head, events, legs, pending))
        self._events, self._legs, self._pending = [], [], []
