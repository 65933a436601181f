"""One leg of a correction that two operators agree on."""

from dataclasses import dataclass

from .api.clearing.v1 import ledger_service_pb2
from .money import Money
from .payment_draft import to_raw_money


@dataclass(frozen=True, slots=True, kw_only=True)
class AdjustmentLeg:
    """A leg to be posted.

    Attributes:
        debit_account: `accounts/{book}-{number}`.
        credit_account: Of the same book and currency.
        amount: How much, greater than zero.
    """

    debit_account: str
    credit_account: str
    amount: Money

    def to_raw(self) -> ledger_service_pb2.AdjustmentLeg:
        """The message of the contract."""
        return ledger_service_pb2.AdjustmentLeg(
            debit_account=self.debit_account, credit_account=self.credit_account, amount=to_raw_money(self.amount)
        )
