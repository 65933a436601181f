"""Plan: everything a simulation will do, decided from transactions and a seed before the first call.

In: transactions, how many merchants and passkeys there may be, a seed. Out: payments, and what has to be there first:
balances, mandates. Invariant: the same input gives the same plan; channels and regions have exactly their shares.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from random import Random
from typing import Final, NamedTuple

from .mixture import REGIONS, WAYS, Way, apportion
from .planned_payment import Obstacle, PlannedCapture, PlannedPayment, PlannedRefund
from .transaction import DAY_S, HOUR_S, Transaction

MANUAL_PERMILLE: Final = {Way.WALLET: 30, Way.CARD: 200, Way.BALANCE: 100, Way.BANK: 0}
"""Payments whose merchant captures when it ships. A bank transfer cannot be reserved."""
REFUND_PERMILLE: Final = 30
NO_MONEY_PERMILLE: Final = 10
"""Wallet and card payments whose first instrument has no money; every third payer then gives up."""
REFUSED_PERMILLE: Final = 2
"""Those that the payer's bank refuses without a reason, and that are given up."""
MANDATE_PERMILLE: Final = 500
"""Payments from balances under a mandate; the others ask for a finger."""
MANDATE_PAYMENT_MINOR: Final = 20_000
MANDATE_DAY_MINOR: Final = 50_000
"""The limits that a mandate is given: small payments only."""
SMALLEST_PARTED_MINOR: Final = 100
"""Amounts below are captured or refunded whole."""
CAPTURE_AFTER_S: Final = (HOUR_S, 9 * HOUR_S)
REFUND_AFTER_S: Final = (HOUR_S, 30 * HOUR_S)
PERMILLE: Final = 1000


class ActKind(IntEnum):
    """What is done, in the order in which acts of one moment happen."""

    PAY = 1
    CAPTURE = 2
    REFUND = 3


class Act(NamedTuple):
    """One thing to do."""

    time_s: int
    kind: ActKind
    payment: int
    place: int = 0


@dataclass(frozen=True, slots=True)
class Plan:
    """What will be played.

    Attributes:
        days: Over how many days.
        payments: In the order of their times; each at the place of its number.
        terminals: How many places of the transactions the merchants stand for.
    """

    days: int
    payments: tuple[PlannedPayment, ...]
    terminals: int

    @property
    def customers(self) -> list[str]:
        """Everybody who pays."""
        return sorted({each.customer for each in self.payments})

    @property
    def merchants(self) -> list[int]:
        """Everybody who is paid."""
        return sorted({each.merchant for each in self.payments})

    @property
    def confirming(self) -> list[str]:
        """Everybody who may be asked for a finger: for a balance always, for a card where risk asks."""
        return sorted({each.customer for each in self.payments if each.way is not Way.WALLET})

    @property
    def mandates(self) -> list[tuple[str, int]]:
        """Who allows which merchant to take small payments."""
        return sorted({(each.customer, each.merchant) for each in self.payments if each.under_mandate})

    def customers_by(self, way: Way) -> list[str]:
        """Everybody who pays in a way at least once."""
        return sorted({each.customer for each in self.payments if each.way is way})

    def spent_from_balance(self) -> Mapping[str, int]:
        """What each customer will spend from the balance here, minor units."""
        spent: Counter[str] = Counter()
        for each in self.payments:
            if each.way is Way.BALANCE:
                spent[each.customer] += each.amount_minor
        return spent

    def acts(self) -> list[Act]:
        """Everything to do, in order."""
        acts = []
        for each in self.payments:
            acts.append(Act(each.time_s, ActKind.PAY, each.number))
            acts += [Act(c.time_s, ActKind.CAPTURE, each.number, place) for place, c in enumerate(each.captures)]
            if each.refund is not None:
                acts.append(Act(each.refund.time_s, ActKind.REFUND, each.number))
        return sorted(acts)


def make_plan(transactions: Sequence[Transaction], *, days: int, merchants_max: int, seed: int) -> Plan:
    """Decides everything.

    Args:
        transactions: In the order of their times, all within the days.
        days: How many days, at least 1.
        merchants_max: Terminals beyond so many share merchants.
        seed: Decides who pays how.
    """
    chance = Random(seed)
    merchant_of = _merchants(transactions, merchants_max)
    region_of = _regions(transactions, chance)
    payments = [
        PlannedPayment(
            number=number, time_s=each.time_s, customer=each.customer, merchant=merchant_of[each.terminal],
            amount_minor=each.amount_minor, way=way, region=region_of[each.customer], fraud=each.fraud,
        )
        for number, (each, way) in enumerate(zip(transactions, _ways(len(transactions), chance), strict=True))
    ]  # fmt: skip
    # A thief has no finger for a balance, and gives nothing back.
    honest = [each.number for each in payments if not each.fraud]
    end_s = days * DAY_S - 1
    for way, permille in MANUAL_PERMILLE.items():
        able = [
            number for number in honest
            if payments[number].way is way and payments[number].amount_minor >= SMALLEST_PARTED_MINOR
        ]  # fmt: skip
        for turn, number in enumerate(_some(able, permille, chance)):
            payments[number] = replace(payments[number], captures=_captures(payments[number], turn, end_s, chance))
    for turn, number in enumerate(_some(honest, REFUND_PERMILLE, chance)):
        payments[number] = replace(payments[number], refund=_refund(payments[number], turn, end_s, chance))
    by_bank = [number for number in honest if payments[number].way in {Way.WALLET, Way.CARD}]
    for number in _some(by_bank, REFUSED_PERMILLE, chance):
        payments[number] = replace(payments[number], obstacle=Obstacle.REFUSED, gives_up=True)
    for turn, number in enumerate(_some(by_bank, NO_MONEY_PERMILLE, chance)):
        payments[number] = replace(payments[number], obstacle=Obstacle.NO_MONEY, gives_up=turn % 3 == 1)
    for number in _mandated(payments, chance):
        payments[number] = replace(payments[number], under_mandate=True)
    return Plan(days, tuple(payments), len(merchant_of))


def _merchants(transactions: Iterable[Transaction], merchants_max: int) -> dict[str, int]:
    """Returns the merchant of each terminal: the busiest have one of their own, as far as they reach."""
    terminals = Counter(each.terminal for each in transactions)
    ranked = sorted(terminals, key=lambda terminal: (-terminals[terminal], terminal))
    return {terminal: rank % merchants_max for rank, terminal in enumerate(ranked)}


def _regions(transactions: Iterable[Transaction], chance: Random) -> dict[str, str]:
    customers = sorted({each.customer for each in transactions})
    chance.shuffle(customers)
    counts = apportion(len(customers), [region.permille for region in REGIONS])
    codes = [region.code for region, count in zip(REGIONS, counts, strict=True) for _ in range(count)]
    return dict(zip(customers, codes, strict=True))


def _ways(count: int, chance: Random) -> list[Way]:
    counts = apportion(count, [share.permille for share in WAYS])
    ways = [share.way for share, part in zip(WAYS, counts, strict=True) for _ in range(part)]
    chance.shuffle(ways)
    return ways


def _some(numbers: Sequence[int], permille: int, chance: Random) -> list[int]:
    """Returns a share of them, at least one of ten or more."""
    count = len(numbers) * permille // PERMILLE
    if permille and not count and len(numbers) >= 10:  # noqa: PLR2004  (so that short runs show everything)
        count = 1
    return sorted(chance.sample(numbers, count))


def _captures(payment: PlannedPayment, turn: int, end_s: int, chance: Random) -> tuple[PlannedCapture, ...]:
    """Returns captures: of all; of a part, the rest given back; and, from cards and balances, of two parts."""
    whole = payment.amount_minor
    first_s = min(payment.time_s + chance.randint(*CAPTURE_AFTER_S), end_s)
    part = whole * chance.randint(500, 900) // PERMILLE
    if payment.way is Way.WALLET or turn % 3 == 1:
        return (PlannedCapture(first_s, part, final=True),)
    if turn % 3 == 0:
        return (PlannedCapture(first_s, whole, final=True),)
    second_s = min(first_s + chance.randint(*CAPTURE_AFTER_S), end_s)
    return (PlannedCapture(first_s, part, final=False), PlannedCapture(second_s, whole - part, final=True))


def _refund(payment: PlannedPayment, turn: int, end_s: int, chance: Random) -> PlannedRefund:
    """Returns a refund of everything, or every third time of a part."""
    taken_s = payment.captures[-1].time_s if payment.captures else payment.time_s
    amount = payment.captured_minor
    if turn % 3 == 2 and amount >= SMALLEST_PARTED_MINOR:  # noqa: PLR2004  (every third)
        amount = amount * chance.randint(200, 800) // PERMILLE
    return PlannedRefund(min(taken_s + chance.randint(*REFUND_AFTER_S), end_s), amount)


def _mandated(payments: Sequence[PlannedPayment], chance: Random) -> list[int]:
    """Returns the payments from balances that a mandate covers, all its limits kept."""
    small = [
        each for each in payments
        if each.way is Way.BALANCE and each.amount_minor <= MANDATE_PAYMENT_MINOR and not each.fraud
    ]  # fmt: skip
    chosen = []
    spent: defaultdict[tuple[str, int, int], int] = defaultdict(int)
    for number in _some([each.number for each in small], MANDATE_PERMILLE, chance):
        each = payments[number]
        day = each.customer, each.merchant, each.time_s // DAY_S
        if spent[day] + each.amount_minor <= MANDATE_DAY_MINOR:
            spent[day] += each.amount_minor
            chosen.append(number)
    return chosen
