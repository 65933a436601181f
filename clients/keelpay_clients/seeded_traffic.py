"""Seeded traffic: a small world of customers and shops that buys and sells by a daily rhythm, for whoever has no file.

In: a seed and how much. Out: transactions in the order of their times. Invariant: the same seed gives the same traffic
on every machine; each customer keeps to some shops nearby and to a purse of its own size.
"""

from random import Random
from typing import Final

from .mixture import apportion
from .transaction import DAY_S, HOUR_S, Transaction

RHYTHM: Final = (8, 9, 18, 22, 26, 34, 46, 58, 51, 61, 66, 81, 73, 56, 63, 61, 55, 48, 31, 26, 24, 12, 13, 10)
"""How much of a day happens in each hour: early risers, a peak at noon, quiet nights."""
PAYMENTS_A_DAY: Final = 2
"""What a customer does in a day, on average."""
SHOPS_NEARBY: Final = 8
SHOPS_OF_CUSTOMERS: Final = 3
"""One shop for so many customers."""
BIG_ONE_OF: Final = 25
"""One purchase in so many is a big one: a bicycle, a telephone. Risk control looks twice at those."""
BIG_TIMES: Final = (6, 10)
FRAUD_PERMILLE: Final = 3
"""Purchases by a thief (docs/product.md: traffic shape), somewhere in the second half of the time."""
FRAUD_MINOR: Final = (1_500_000, 2_500_000)
"""What a thief buys can be sold on."""
PURSE_MIN_MINOR: Final = 500
PURSE_MAX_MINOR: Final = 10_000


def make_transactions(*, days: int, count: int, seed: int) -> list[Transaction]:
    """Makes traffic.

    Args:
        days: Over how many days, at least 1.
        count: How many transactions in all, at least 1.
        seed: Any number.
    """
    chance = Random(seed)
    customers = max(1, count // (days * PAYMENTS_A_DAY))
    shops = max(2, customers // SHOPS_OF_CUSTOMERS)
    nearby = [sorted(chance.sample(range(shops), min(shops, SHOPS_NEARBY))) for _ in range(customers)]
    purses = [chance.randrange(PURSE_MIN_MINOR, PURSE_MAX_MINOR) for _ in range(customers)]
    hours = apportion(count, RHYTHM * days)
    made = []
    for hour, payments in enumerate(hours):
        for _ in range(payments):
            customer = chance.randrange(customers)
            # Two draws make amounts near the purse's size likelier than far ones.
            amount = 1 + chance.randrange(purses[customer]) + chance.randrange(purses[customer])
            if chance.randrange(BIG_ONE_OF) == 0:
                amount *= chance.randint(*BIG_TIMES)
            time_s = min(hour * HOUR_S + chance.randrange(HOUR_S), days * DAY_S - 1)
            made.append(Transaction(time_s, f"c{customer}", f"t{chance.choice(nearby[customer])}", amount))
    made.sort()
    for place in chance.sample(range(count // 2, count), -(-count * FRAUD_PERMILLE // 1000) if count > 1 else 0):
        made[place] = made[place]._replace(amount_minor=chance.randint(*FRAUD_MINOR), fraud=True)
    return made
