"""Report: what a simulation comes to, and whether everything agrees.

In: what the server says, and what this program counted. Out: figures of product.md and the checks between the two.
Invariant: a figure comes from the server wherever the server knows it; each check names both sides and passes only if
they are equal.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from keelpay import Money

from .figures import Books, PaymentFigure, Played

PPM: Final = 1_000_000
INVARIANTS: Final = range(1, 9)
REFUND_SUCCEEDED: Final = "SUCCEEDED"
PAYOUT_PAID: Final = "PAID"
CAUSE_SYSTEM: Final = "SYSTEM"


class Share(NamedTuple):
    """A share with its numerator and denominator."""

    numerator: int
    denominator: int

    @property
    def ppm(self) -> int:
        """Millionths, rounded to the nearest; a share of nothing is 0."""
        return (2 * self.numerator * PPM + self.denominator) // (2 * self.denominator) if self.denominator else 0

    def __str__(self) -> str:
        percents, rest = divmod((self.ppm + 50) // 100, 100)
        return f"{percents}.{rest:02} %"


class Spread(NamedTuple):
    """A distribution of milliseconds."""

    p50: int
    p99: int
    largest: int


class Group(NamedTuple):
    """The payments of one channel or region."""

    name: str
    payments: int
    success: Share
    system: Spread
    captured_minor: int


class Check(NamedTuple):
    """Two numbers that have to be the same; amounts have a currency, counts have none."""

    what: str
    left: str
    left_value: int
    right: str
    right_value: int
    currency: str = ""

    @property
    def ok(self) -> bool:
        """Whether they are."""
        return self.left_value == self.right_value

    @property
    def left_read(self) -> str:
        """One side as people read it."""
        return self._read(self.left_value)

    @property
    def right_read(self) -> str:
        """The other side as people read it."""
        return self._read(self.right_value)

    def _read(self, value: int) -> str:
        return money(value, self.currency) if self.currency else f"{value:,}"


@dataclass(frozen=True, slots=True)
class Report:
    """The end of a simulation.

    Attributes:
        books: What the server said.
        played: What this program counted.
        currency: Of every amount.
    """

    books: Books = field(repr=False)
    played: Played
    currency: str

    @property
    def success(self) -> Share:
        """Paid of all that were confirmed; want of funds, abandoned and open ones left out."""
        return success_of(self.books.payments)

    @property
    def system(self) -> Spread:
        """Milliseconds that paid payments spent in keelpay."""
        return spread(each.system_ms for each in self.books.payments if each.paid)

    @property
    def bank(self) -> Spread:
        """Milliseconds that paid payments spent at banks."""
        return spread(each.bank_ms for each in self.books.payments if each.paid)

    @property
    def captured_minor(self) -> int:
        """Money in."""
        return sum(each.captured_minor for each in self.books.payments)

    @property
    def refunded_minor(self) -> int:
        """Money given back."""
        return sum(each.refunded_minor for each in self.books.payments)

    @property
    def fee_minor(self) -> int:
        """What merchants paid us, what we gave back taken off."""
        return self.books.ledger.fee_income - self.books.fee_income_before

    @property
    def bank_cost_minor(self) -> int:
        """What banks took of it."""
        return self.books.ledger.bank_cost - self.books.bank_cost_before

    @property
    def settled_minor(self) -> int:
        """What became available to merchants."""
        return sum(each.net_minor for each in self.books.settlements)

    @property
    def paid_out_minor(self) -> int:
        """What banks have paid to merchants."""
        return sum(each.amount_minor for each in self.books.payouts if each.state == PAYOUT_PAID)

    @property
    def on_time(self) -> Share:
        """Settlements that were in time."""
        return Share(sum(each.on_time for each in self.books.settlements), len(self.books.settlements))

    @property
    def matched(self) -> Share:
        """Lines of statements that our books explain."""
        statements = self.books.statements
        return Share(sum(each.matched for each in statements), sum(each.lines for each in statements))

    @property
    def lagging(self) -> Share:
        """Refunds that are late because of the system."""
        late = sum(each.lagging and each.lag_cause == CAUSE_SYSTEM for each in self.books.refunds)
        return Share(late, len(self.books.refunds))

    @property
    def unexplained(self) -> list[str]:
        """Breaks that nobody has settled."""
        return [f"{each.name} ({each.kind}, {each.state})" for each in self.books.breaks if not each.settled]

    @property
    def missing(self) -> int:
        """Payments that this program made and the server does not list."""
        return self.played.payments - len(self.books.payments)

    @property
    def by_channel(self) -> list[Group]:
        """One group a channel, the largest first."""
        return groups(self.books.payments, lambda each: each.channel)

    @property
    def by_region(self) -> list[Group]:
        """One group a region, the largest first."""
        return groups(self.books.payments, lambda each: each.region)

    @property
    def checks(self) -> list[Check]:
        """Everything that is known twice."""
        books, ledger = self.books, self.books.ledger
        returned = sum(r.fee_returned_minor for r in books.refunds if r.state == REFUND_SUCCEEDED)
        refunded = sum(r.amount_minor for r in books.refunds if r.state == REFUND_SUCCEEDED)
        fees = sum(each.fee_minor for each in books.payments)
        captured = sum(each.captured_minor for each in books.settlements)
        paid = sum(each.paid for each in books.payments)
        checks = [
            Check("payments", "played", self.played.payments, "listed", len(books.payments)),
            Check("paid", "seen", self.played.paid, "listed", paid),
            Check("captured", "seen", self.played.captured_minor, "listed", self.captured_minor, self.currency),
            Check("refunds", "played", self.played.refunds, "listed", len(books.refunds)),
            Check("captured", "payments", self.captured_minor, "settlements", captured, self.currency),
            Check("refunded", "payments", self.refunded_minor, "refunds", refunded, self.currency),
            Check("fees", "payments, refunds", fees - returned, "account 4000", self.fee_minor, self.currency),
            Check(
                "merchants' money", "in, net", self.captured_minor - fees - (refunded - returned),
                "out or still here", self.paid_out_minor + ledger.unsettled + ledger.available - ledger.owed,
                self.currency,
            ),
        ]  # fmt: skip
        stated = {each.bank: each.closing_minor for each in books.statements}
        for bank, reserve in ledger.reserve_by_bank:
            closing = stated.get(bank, 0)
            checks.append(Check(f"at {bank}", "account 1000", reserve, "its statement", closing, self.currency))
        return checks

    @property
    def broken_invariants(self) -> list[str]:
        """What VerifyLedger found wrong, or did not answer."""
        broken = [f"{each.invariant}: {each.detail}" for each in self.books.findings if not each.ok]
        told = {each.invariant for each in self.books.findings}
        return broken + [f"{number}: not checked" for number in INVARIANTS if number not in told]

    @property
    def faults(self) -> list[str]:
        """Everything that must not be: a good report has none."""
        faults = [f"invariant {each}" for each in self.broken_invariants]
        if self.missing:
            faults.append(f"{self.missing} payments are missing")
        faults += [f"unexplained break {each}" for each in self.unexplained]
        faults += [f"{c.what}: {c.left} {c.left_read}, {c.right} {c.right_read}" for c in self.checks if not c.ok]
        return faults + list(self.played.failures)

    @property
    def ok(self) -> bool:
        """Whether there is nothing wrong."""
        return not self.faults


def money(amount_minor: int, currency: str) -> str:
    """Returns an amount as people read it: `12,345.60 CNY`."""
    amount = Money(amount_minor, currency).amount
    whole, point, cents = amount.partition(".")
    return f"{int(whole):,}{point}{cents} {currency}" if whole != "-0" else f"{amount} {currency}"


def success_of(payments: Iterable[PaymentFigure]) -> Share:
    """Returns the payments that were paid, of those that could have been."""
    counted = [each for each in payments if each.paid or not (each.unfunded or each.abandoned or each.open)]
    return Share(sum(each.paid for each in counted), len(counted))


def spread(values: Iterable[int]) -> Spread:
    """Returns the median, the 99th percentile (nearest rank) and the largest; zeros for nothing."""
    ordered = sorted(values)
    return Spread(_rank(ordered, 50), _rank(ordered, 99), ordered[-1]) if ordered else Spread(0, 0, 0)


def groups(payments: Iterable[PaymentFigure], name_of: Callable[[PaymentFigure], str]) -> list[Group]:
    """Returns the payments by a name, the largest group first."""
    named: dict[str, list[PaymentFigure]] = {}
    for each in payments:
        named.setdefault(name_of(each), []).append(each)
    made = [
        Group(
            name, len(group), success_of(group), spread(each.system_ms for each in group if each.paid),
            sum(each.captured_minor for each in group),
        )
        for name, group in named.items()
    ]  # fmt: skip
    return sorted(made, key=lambda group: (-group.payments, group.name))


def _rank(ordered: Sequence[int], percent: int) -> int:
    """Returns the smallest value that at least so many percent do not exceed."""
    return ordered[max(0, -(-len(ordered) * percent // 100) - 1)]
