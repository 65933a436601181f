"""The three kinds of banks that the sandbox can be: card acquirer, bank account scheme, external wallet.

In: a name. Out: what such a bank can do, what it charges, how it books. Invariant: a table; the code beside it
branches on these columns and never on a name.
"""

from enum import Enum
from typing import Final, NamedTuple

from keelpay_server.book.rail import OperationKind, RailCapabilities
from keelpay_server.book.times import DAY_US, SECOND_US

_BASIS_POINTS: Final = 10_000


class Behaviour(Enum):
    """Which kind of bank."""

    CARD = "card"
    ACCOUNT = "account"
    WALLET = "wallet"


class BehaviourRow(NamedTuple):
    """What sets one kind of bank apart.

    Attributes:
        channel: Number of the keelpay.api.type.v1.Channel.
        separate_capture: Reserves first, captures later.
        multiple_capture: Captures an authorization in parts.
        cost_basis_points: Its charge on captured amounts, in 1/10,000, rounded down.
        net_of_cost: Statement lines of captures have the charge taken off; otherwise it is a FEE line.
        settle_us: How long a NOT_FOUND may be wrong.
        hold_us: How long it reserves.
    """

    channel: int
    separate_capture: bool
    multiple_capture: bool
    cost_basis_points: int
    net_of_cost: bool
    settle_us: int
    hold_us: int


BEHAVIOURS: Final = {
    Behaviour.CARD: BehaviourRow(
        channel=3,
        separate_capture=True,
        multiple_capture=True,
        cost_basis_points=45,
        net_of_cost=True,
        settle_us=10 * SECOND_US,
        hold_us=7 * DAY_US,
    ),
    Behaviour.ACCOUNT: BehaviourRow(
        channel=4,
        separate_capture=False,
        multiple_capture=False,
        cost_basis_points=10,
        net_of_cost=False,
        settle_us=30 * SECOND_US,
        hold_us=0,
    ),
    Behaviour.WALLET: BehaviourRow(
        channel=1,
        separate_capture=True,
        multiple_capture=False,
        cost_basis_points=38,
        net_of_cost=True,
        settle_us=5 * SECOND_US,
        hold_us=7 * DAY_US,
    ),
}


class BankProfile(NamedTuple):
    """One sandbox bank.

    Attributes:
        bank: Its short name, [a-z0-9][a-z0-9-]{0,62}.
        behaviour: Which kind it is.
        currencies: What it takes.
        utc_offset_minutes: Of its business day.
        overdraft_minor: How far below zero PAY and REFUND may take our reserve account.
        batch_items_max: Most items in one batch.
    """

    bank: str = "sandbox-card"
    behaviour: Behaviour = Behaviour.CARD
    currencies: frozenset[str] = frozenset({"CNY", "USD", "EUR", "HKD", "JPY", "GBP", "USDC"})
    utc_offset_minutes: int = 480
    overdraft_minor: int = 10**15
    batch_items_max: int = 1000


def cost_of(profile: BankProfile, amount_minor: int) -> int:
    """Returns the bank's charge for capturing an amount; always less than the amount."""
    return amount_minor * BEHAVIOURS[profile.behaviour].cost_basis_points // _BASIS_POINTS


def capabilities_of(profile: BankProfile) -> RailCapabilities:
    """Returns what the bank declares."""
    row = BEHAVIOURS[profile.behaviour]
    return RailCapabilities(
        bank=profile.bank,
        channel=row.channel,
        kinds=frozenset(OperationKind),
        currencies=profile.currencies,
        idempotent=True,
        settle_us=row.settle_us,
        remember_us=400 * DAY_US,
        hold_us=row.hold_us,
        separate_capture=row.separate_capture,
        capture_on_authorize=True,
        partial_capture=row.separate_capture,
        multiple_capture=row.multiple_capture,
        batch_items_max=profile.batch_items_max,
        authorize_timeout_us=10 * SECOND_US,
        operation_timeout_us=10 * SECOND_US,
        query_timeout_us=5 * SECOND_US,
        net_of_cost=row.net_of_cost,
        utc_offset_minutes=profile.utc_offset_minutes,
    )
