"""What is agreed with a merchant: when it is settled, what it pays, where its money goes."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from .api.auth.v1 import merchant_pb2
from .enums import Channel


@dataclass(frozen=True, slots=True, kw_only=True)
class Calendar:
    """When a merchant's window closes each day; what is in it is settled the next business day.

    Attributes:
        time_zone: IANA name.
        cut_off_minute: Minutes after midnight, 0 to 1439.
    """

    time_zone: str = "Asia/Shanghai"
    cut_off_minute: int = 0

    def to_raw(self) -> merchant_pb2.SettlementCalendar:
        """The message of the contract."""
        return merchant_pb2.SettlementCalendar(time_zone=self.time_zone, cut_off_minute=self.cut_off_minute)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fee:
    """What a merchant pays for one payment: a share of what is captured, plus a fixed part.

    Attributes:
        basis_points: Hundredths of a percent, 0 to 10,000.
        fixed_minor: Minor units of the payment's currency.
    """

    basis_points: int = 0
    fixed_minor: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fees:
    """What a merchant pays for payments.

    Attributes:
        default: For every channel without a rule of its own.
        by_channel: Rules of single channels.
    """

    default: Fee = Fee()
    by_channel: Mapping[Channel, Fee] = field(default_factory=dict)

    def to_raw(self) -> merchant_pb2.FeePlan:
        """The message of the contract."""
        rules = {Channel.UNSPECIFIED: self.default, **self.by_channel}
        return merchant_pb2.FeePlan(
            rules=[
                merchant_pb2.FeeRule(channel=channel.wire, basis_points=fee.basis_points, fixed_minor=fee.fixed_minor)
                for channel, fee in rules.items()
            ]
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutDestination:
    """The bank account to which a merchant is paid out. Its number is never returned.

    Attributes:
        bank_code: BIC or national bank code.
        account_holder: The account's owner.
        account_number: Account number or IBAN, letters and digits only.
    """

    bank_code: str
    account_holder: str = field(repr=False)
    account_number: str = field(repr=False)

    def to_raw(self) -> merchant_pb2.PayoutAccount:
        """The message of the contract."""
        return merchant_pb2.PayoutAccount(
            bank_code=self.bank_code, account_holder=self.account_holder, account_number=self.account_number
        )
