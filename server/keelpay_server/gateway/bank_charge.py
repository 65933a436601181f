"""What a bank charges for an operation: our own cost, booked with the result that tells it.

In: an operation that carries its charge. Out: legs. Invariant: what 1010 is short of by it is a cost of ours, whenever
the bank tells it.
"""

from keelpay_server.book.bank import Bank
from keelpay_server.book.world import World
from keelpay_server.ledger.account import currency_number
from keelpay_server.ledger.leg import Posting
from keelpay_server.ledger.posting.payment import bank_cost

from .operation import Operation


def charge_of(world: World, operation: Operation) -> Posting:
    """Returns what an operation's charge posts: 5000 → 1010 of its own bank, or nothing."""
    if not operation.cost:
        return Posting()
    bank = world.require(Bank, operation.bank)
    number = currency_number(bank.clearing(operation.currency))
    return bank_cost(bank=bank.number, currency=number, amount=operation.cost)
