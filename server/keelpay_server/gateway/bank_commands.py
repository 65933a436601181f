"""Banks as owners of accounts: opened when the server starts with a rail that is new, or takes a new currency.

In: the settings' rails and what they declare. Out: Bank rows and their accounts, and the house's own in each currency.
Invariant: a bank's number is for ever; an account is opened once.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import Changes, Event
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.world import World
from keelpay_server.ledger import account
from keelpay_server.ledger.chart import Chart
from keelpay_server.ledger.currency import currency

HOUSE: Final = "house"
"""The bank that is the book itself: its number is 0, and its accounts are the house's own."""
HOUSE_CHARTS: Final = (
    Chart.CAPITAL, Chart.FEE_INCOME, Chart.PROCESSOR_COST, Chart.RECONCILIATION_WRITE_OFF, Chart.PROMOTION_COST,
    Chart.FRAUD_LOSS,
)  # fmt: skip
BANK_CHARTS: Final = (
    Chart.BANK_RESERVE, Chart.BANK_CLEARING, Chart.PAYOUT_TRANSIT, Chart.REFUND_TRANSIT, Chart.SUSPENSE,
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenBank(Command):
    """Opens a bank, or the accounts of its new currencies; does nothing if all is open.

    Attributes:
        bank: Its name in the settings.
        currencies: The codes it takes.
        settle_time_us: How long until a NOT_FOUND is final, as it declares.
        idempotent: Whether it declares that an operation may be sent again with its key.
        declared: Whether the bank said so just now; otherwise what it said before stands.
    """

    bank: str
    currencies: tuple[str, ...]
    settle_time_us: int
    idempotent: bool
    declared: bool = True

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The bank and the house."""
        need.row(Bank, self.bank)
        need.row(Bank, HOUSE)

    def decide(self, world: World) -> Changes:
        """Opens what is missing."""
        house = world.get(Bank, HOUSE) or Bank(
            id=HOUSE,
            number=account.OWN_BANK,
            currencies="",
            settle_time_us=0,
            idempotent=True,
            create_time=world.wall_us,
        )
        bank = world.get(Bank, self.bank)
        if bank is None:
            bank = Bank(self.bank, world.new_owner(), "", self.settle_time_us, self.idempotent, world.wall_us)
        opens: list[int] = []
        for code in self.currencies:
            number = currency(code).number
            if code not in house.currencies.split():
                opens += [account.number(chart, number) for chart in HOUSE_CHARTS]
                opens.append(account.refund_transit(account.OWN_BANK, number))
                house = house._replace(currencies=f"{house.currencies} {code}".strip())
            if code not in bank.currencies.split():
                opens += [account.number(chart, number, bank.number) for chart in BANK_CHARTS]
                bank = bank._replace(currencies=f"{bank.currencies} {code}".strip())
        declared = bank
        if self.declared:
            declared = bank._replace(settle_time_us=self.settle_time_us, idempotent=self.idempotent)
        if not opens and declared == world.get(Bank, self.bank):
            return Changes(declared)
        event = Event("bank.opened", "banks", self.bank, len(bank.currencies.split()), "", {"number": bank.number})
        return Changes(declared, (house,), events=(event,), opens=tuple(opens))
