"""Traffic: the transactions that a simulation plays, from a file or made up, no more than were asked for.

In: options. Out: transactions in the order of their times. Invariant: a cap is met by leaving out whole customers
first, so that those who stay keep their habits, which risk control lives on.
"""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from random import Random

from .recorded_traffic import read_transactions
from .seeded_traffic import make_transactions
from .transaction import Transaction


def load_traffic(path: Path | None, *, days: int, payments_max: int, seed: int) -> list[Transaction]:
    """Returns what is to be played.

    Args:
        path: A file of the public data set, or None to make traffic up.
        days: How many days, at least 1.
        payments_max: How many transactions at most, at least 1.
        seed: Decides which customers stay, or what is made up.

    Raises:
        TrafficError: The file cannot be read.
    """
    if path is None:
        return make_transactions(days=days, count=payments_max, seed=seed)
    return thin(read_transactions(path, days=days), payments_max, seed)


def thin(transactions: Sequence[Transaction], count: int, seed: int) -> list[Transaction]:
    """Returns at most so many of them: all of some customers, then evenly spaced ones of these.

    Args:
        transactions: In the order of their times.
        count: At least 1.
        seed: Decides which customers.
    """
    if len(transactions) <= count:
        return list(transactions)
    of_customer = Counter(each.customer for each in transactions)
    customers = sorted(of_customer)
    Random(seed).shuffle(customers)
    chosen: set[str] = set()
    total = 0
    for customer in customers:
        if total >= count:
            break
        chosen.add(customer)
        total += of_customer[customer]
    kept = [each for each in transactions if each.customer in chosen]
    return [each for place, each in enumerate(kept) if (place + 1) * count // total > place * count // total]
