"""The one invariant checker of a book: in tests, in long runs and in production, whole or from the last checkpoint on.

In: the journal in order, then the stored accounts, holds, payments, open items and requests, each in any number of
parts. Out: eight findings, and a checkpoint for the next time. All facts must come from one snapshot of the database.
Invariant: one pass over each input; memory grows with the number of accounts only.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction
from types import MappingProxyType
from typing import Final

from keelpay_server.ledger.account import CHART_MASK, currency_number, headroom, is_floored
from keelpay_server.ledger.chart import ROW_BY_INDEX, Chart
from keelpay_server.ledger.fact import (
    AccountRow,
    Checkpoint,
    Head,
    JournalBatch,
    OpenItem,
    PaymentFact,
    PostedLeg,
    RequestFact,
)
from keelpay_server.ledger.finding import Finding, Invariant, Tally
from keelpay_server.ledger.hold import Hold
from keelpay_server.ledger.replay import LinkFunction, Replay
from keelpay_server.ledger.wording import account_words, amount_words, balance_words, currency_words

EXPLAINED_INDEXES: Final = frozenset(
    {Chart.PAYOUT_TRANSIT, Chart.REFUND_TRANSIT, Chart.FRAUD_CASE, Chart.SUSPENSE},
)
"""Chart indexes whose balances open items must explain."""

_LIABILITIES: Final = range(2000, 3000)
_MONEY: Final = range(1000, 1100)
_RECEIVABLES: Final = range(1200, 1300)
_NO_RATES: Final[Mapping[int, Fraction]] = MappingProxyType({})


class Checker:
    """Collects the facts of one book and says which invariants hold.

    Feed the whole journal since the checkpoint and every other fact of the book, then ask for the findings once.
    """

    def __init__(self, book: int, link: LinkFunction, checkpoint: Checkpoint | None = None) -> None:
        """Starts a check.

        Args:
            book: the book's number.
            link: how the journal links its rows.
            checkpoint: the end of an earlier check without faults; None reads the journal from its first event.
        """
        self._tallies = {invariant: Tally(invariant) for invariant in Invariant}
        self._replay = Replay(book, link, checkpoint or Checkpoint(), self._tallies)
        self._seen: set[int] = set()
        self._sums: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0, 0, 0])
        self._held: defaultdict[int, list[int]] = defaultdict(lambda: [0, 0])
        self._open: defaultdict[int, int] = defaultdict(int)
        self._uncovered: defaultdict[int, int] = defaultdict(int)
        self._captured: defaultdict[int, int] = defaultdict(int)

    def journal(self, batches: Iterable[JournalBatch], rows: Iterable[PostedLeg] | None = None) -> None:
        """Reads the next batches.

        Args:
            batches: in order, beginning after those read before.
            rows: the stored leg rows of the same events in order of (sequence, n), to be compared with the journal.
        """
        stored = None if rows is None else iter(rows)
        for batch in batches:
            self._replay.read(batch)
            if stored is not None:
                for leg in batch.legs:
                    if (row := next(stored, None)) != leg:
                        self._fault(Invariant.CHAINED, f"leg {leg.n} of event {leg.sequence} is stored as {row}")
        if stored is not None and (row := next(stored, None)) is not None:
            self._fault(Invariant.CHAINED, f"leg {row.n} of event {row.sequence} is not in the journal")

    def accounts(self, rows: Iterable[AccountRow]) -> None:
        """Reads stored accounts; every account of the book once. The journal must have been read before."""
        balanced, floored = self._tallies[Invariant.BALANCED], self._tallies[Invariant.FLOORED]
        for row in rows:
            account, debits, credits_, pending_debits, pending_credits = row
            balance = [debits, credits_, pending_debits, pending_credits]
            balanced.checked += 1
            if account in self._seen:
                balanced.fault(f"account {account_words(account)} is stored twice")
            self._seen.add(account)
            rebuilt = self._replay.balances.get(account, [0, 0, 0, 0])
            if balance != rebuilt:
                stored, legs = balance_words(balance, account), balance_words(rebuilt, account)
                balanced.fault(f"account {account_words(account)} is stored as {stored}; its legs come to {legs}")
            currency = currency_number(account)
            self._sums[currency] = [total + part for total, part in zip(self._sums[currency], balance, strict=True)]
            if is_floored(account):
                floored.checked += 1
                if headroom(account, *balance) < 0:
                    floored.fault(f"account {account_words(account)} is below zero: {balance_words(balance, account)}")
            if pending_debits or pending_credits:
                self._held[account][0] -= pending_debits
                self._held[account][1] -= pending_credits
            self._sort(account, credits_ - debits)

    def holds(self, rows: Iterable[Hold]) -> None:
        """Reads the holds that operations, refunds and payouts keep; those without a rest may be left out."""
        floored = self._tallies[Invariant.FLOORED]
        for hold in rows:
            floored.checked += 1
            if hold.captured < 0 or hold.released < 0 or hold.rest < 0:
                floored.fault(f"a hold is out of its bounds: {_hold_words(hold)}")
            self._held[hold.debit][0] += hold.rest
            self._held[hold.credit][1] += hold.rest

    def payments(self, rows: Iterable[PaymentFact]) -> None:
        """Reads the payments; every payment of the book once."""
        bounded = self._tallies[Invariant.BOUNDED]
        for row in rows:
            bounded.checked += 1
            self._captured[row.currency] += row.captured
            ordered = 0 <= row.refunded + row.refund_pending <= row.captured <= row.authorized
            if not ordered or row.refunded < 0 or row.refund_pending < 0:
                bounded.fault(f"payment {row.id.hex()} is out of its bounds: {_payment_words(row)}")

    def open_items(self, rows: Iterable[OpenItem]) -> None:
        """Reads what is still open on the accounts of EXPLAINED_INDEXES."""
        for row in rows:
            self._open[row.account] -= row.amount

    def requests(self, rows: Iterable[RequestFact]) -> None:
        """Reads the remembered requests."""
        acknowledged = self._tallies[Invariant.ACKNOWLEDGED]
        for row in rows:
            acknowledged.checked += 1
            if row.entities > 1 or (row.entities < 1 and not row.refused):
                acknowledged.fault(f"request {row.key.hex()} was acknowledged and exists {row.entities} times")

    def findings(self, head: Head, rates: Mapping[int, Fraction] = _NO_RATES) -> Iterator[Finding]:
        """Says what was found, one finding an invariant, in their order.

        Args:
            head: where the book's row says that the journal ends.
            rates: currency number -> its worth in one common unit, to let one currency's surplus cover another's gap.
                A currency without a rate has to cover itself.
        """
        self._end_balances()
        self._end_holds()
        self._end_captures()
        self._end_open_items()
        self._end_cover(rates)
        if head != (self._replay.sequence, self._replay.head):
            last = self._replay.sequence
            self._fault(Invariant.CHAINED, f"the book says that event {head.sequence} is its last, the journal {last}")
        for tally in self._tallies.values():
            yield tally.finding()

    def checkpoint(self) -> Checkpoint:
        """Where the next check may begin; use it only if every finding is ok."""
        return self._replay.checkpoint()

    def _fault(self, invariant: Invariant, text: str) -> None:
        self._tallies[invariant].fault(text)

    def _sort(self, account: int, balance: int) -> None:
        """Adds a balance (credits less debits) to the sums that invariants 4 and 5 compare."""
        index = account & CHART_MASK
        row = ROW_BY_INDEX.get(index)
        if row is None:
            self._fault(Invariant.BALANCED, f"account {account} is of no known kind")
            return
        if index in EXPLAINED_INDEXES:
            self._tallies[Invariant.EXPLAINED].checked += 1
            self._open[account] += balance
        if row.code in _LIABILITIES or row.code in _MONEY or row.code in _RECEIVABLES:
            self._uncovered[currency_number(account)] += balance

    def _end_balances(self) -> None:
        for account, balance in self._replay.balances.items():
            if account not in self._seen and any(balance):
                legs = balance_words(balance, account)
                text = f"account {account_words(account)} is not stored; its legs come to {legs}"
                self._fault(Invariant.BALANCED, text)
        for currency, (debits, credits_, pending_debits, pending_credits) in self._sums.items():
            if debits != credits_ or pending_debits != pending_credits:
                posted = f"debits {amount_words(debits, currency)} and credits {amount_words(credits_, currency)}"
                held = f"{amount_words(pending_debits, currency)} and {amount_words(pending_credits, currency)}"
                self._fault(Invariant.BALANCED, f"{currency_words(currency)} has {posted}, pending {held}")

    def _end_holds(self) -> None:
        for account, (debits, credits_) in self._held.items():
            if debits or credits_:
                number = currency_number(account)
                apart = f"{amount_words(debits, number)} and {amount_words(credits_, number)}"
                text = f"holds on account {account_words(account)} differ from its pending amounts by {apart}"
                self._fault(Invariant.FLOORED, text)

    def _end_captures(self) -> None:
        for currency in self._captured.keys() | self._replay.captured.keys():
            captured, posted = self._captured[currency], self._replay.captured[currency]
            if captured != posted:
                text = f"payments have captured {amount_words(captured, currency)}, their legs"
                self._fault(Invariant.BOUNDED, f"{text} {amount_words(posted, currency)}")

    def _end_open_items(self) -> None:
        for account, rest in self._open.items():
            if rest:
                held = amount_words(rest, currency_number(account))
                self._fault(Invariant.EXPLAINED, f"account {account_words(account)} holds {held} unexplained")

    def _end_cover(self, rates: Mapping[int, Fraction]) -> None:
        covered = self._tallies[Invariant.COVERED]
        common = Fraction(0)
        for currency, short in self._uncovered.items():
            covered.checked += 1
            if currency in rates:
                common += short * rates[currency]
            elif short > 0:
                covered.fault(f"{amount_words(short, currency)} more is owed than there is")
        if common > 0:
            covered.fault(f"currencies with a rate together owe more than there is, by {common} common minor units")


def _hold_words(hold: Hold) -> str:
    number = currency_number(hold.debit)
    parts = (("amount", hold.amount), ("captured", hold.captured), ("released", hold.released))
    amounts = ", ".join(f"{part} {amount_words(amount, number)}" for part, amount in parts)
    return f"{amounts}, from {account_words(hold.debit)} to {account_words(hold.credit)}"


def _payment_words(fact: PaymentFact) -> str:
    parts = {
        "authorized": fact.authorized, "captured": fact.captured, "refunded": fact.refunded,
        "refund pending": fact.refund_pending,
    }  # fmt: skip
    return ", ".join(f"{part} {amount_words(amount, fact.currency)}" for part, amount in parts.items())
