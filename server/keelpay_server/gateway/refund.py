"""Refund: the entity, its states and legal transitions, when it is due and what makes it late.

In: steps decided elsewhere in this room. Out: the refund after the step. Invariant: only the table's transitions
happen; what it has in transit, in suspense or reserved is told by its own columns; one never sent never reads as sent.
"""

from enum import IntEnum
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from keelpay_server.book.changes import BUSINESS, Event, Work
from keelpay_server.book.refusal import refuse_transition
from keelpay_server.book.times import SECOND_US
from keelpay_server.clearing.calendar import business_days_later
from keelpay_server.ledger.currency import currency
from keelpay_server.ledger.posting.refund import Funding

KIND: Final = "ref"
WORK: Final = "refund"
"""The work of whatever a refund has to do next: find its money, be sent, be sent again, be told late, be given up."""
REROUTE_LOOK_S: Final = 86_400
"""How often an ABNORMAL refund is looked at again: whether it waited too long for another way."""


class RefundState(IntEnum):
    """Life of a refund, numbered as in the contract."""

    CREATED = 1
    RESERVED = 2
    SUBMITTED = 3
    SUCCEEDED = 4
    ABNORMAL = 5
    FAILED = 6
    CANCELLED = 7


class LagCause(IntEnum):
    """Who or what makes a refund late, numbered as in the contract."""

    SYSTEM = 1
    BANK = 2
    MERCHANT_FUNDS = 3
    PAYER_ACCOUNT = 4


class RefundSource(IntEnum):
    """Whose money it is."""

    MERCHANT = 1
    SUSPENSE = 2
    """Nobody's: a bank took it for a payment that had ended."""


_S = RefundState
TRANSITIONS: Final[dict[RefundState, frozenset[RefundState]]] = {
    _S.CREATED: frozenset({_S.RESERVED, _S.FAILED, _S.CANCELLED}),
    _S.RESERVED: frozenset({_S.SUBMITTED, _S.CANCELLED}),
    _S.SUBMITTED: frozenset({_S.SUCCEEDED, _S.ABNORMAL, _S.FAILED}),
    _S.ABNORMAL: frozenset({_S.SUBMITTED, _S.FAILED}),
    _S.SUCCEEDED: frozenset({_S.ABNORMAL}),
    _S.FAILED: frozenset(),
    _S.CANCELLED: frozenset(),
}
ENDED: Final = frozenset({_S.SUCCEEDED, _S.FAILED, _S.CANCELLED})
"""States in which nothing is to be done, though the payee's bank may still send back what it had taken."""
FUNDED: Final = frozenset({_S.RESERVED, _S.SUBMITTED, _S.SUCCEEDED, _S.ABNORMAL})
"""States in which the merchant's money, and our fee, have been given for it."""


class RefundPolicy(NamedTuple):
    """What an installation decides about refunds.

    Attributes:
        may_owe: A merchant without enough money may owe us what is missing; otherwise the refund waits for it.
        return_fee: Our fee is given back in proportion.
        due_balance_s: When a refund to a balance is due, seconds.
        due_days: When any other is due, business days (Monday to Friday in the merchant's zone).
        wait_days: How long after that a refund waits for the merchant's money or for another way before it fails.
    """

    may_owe: bool = True
    return_fee: bool = True
    due_balance_s: int = 60
    due_days: int = 5
    wait_days: int = 30


class Refund(NamedTuple):
    """One refund. Amounts in minor units of its currency.

    Attributes:
        id: Its key.
        merchant: Who gives back.
        number: The merchant's own number; empty where we refund by ourselves.
        payment: The payment that is refunded.
        payer: `<partner>/<id>`, or empty.
        region: The payment's.
        source: A RefundSource.
        channel: The way it goes now.
        bank: The rail it goes by now; empty for a balance.
        instrument: What it goes to after a reroute, or None where the bank finds it from the payment.
        token: The rail's token of that instrument, or empty.
        original: The AUTHORIZE operation that took the money, or None for a balance.
        origin_bank: The rail that took it; empty for a balance.
        currency: Of the amounts.
        amount: What the payer receives.
        state: A RefundState.
        state_version: Counts its changes.
        owner: Owner number of the merchant whose money is reserved; 0 before.
        window: The window whose money is used; 0 before.
        from_available: From 2110.
        from_unsettled: From 2100 of the window.
        from_owed: From us, as the merchant's debt.
        from_fee: Our fee given back.
        from_promotion: What returns to us because a promotion had paid it.
        held: Whether the sources are reserved and not yet posted.
        transit: Owner number of the bank in whose 2300 the money is, or will be; 0 for our own.
        in_transit: What it has put into 2300 and not taken out again.
        suspense: Owner number of the bank whose 6900 it concerns; 0 for none.
        in_suspense: What of it is on that 6900, as credits less debits.
        operations: How many operations were made for it.
        operation: The unresolved one, or None.
        attempts: How often it was tried in its present state.
        retry_time: Business clock: when it is tried again, or 0.
        code: The bank's last code, or empty.
        due_time: Business clock: when the payer should have the money.
        lagging: It is late, or was.
        lag_cause: A LagCause, or 0.
        success_time: Wall clock, or 0.
        description: Why, as the payer may read it.
        metadata: JSON object of the merchant's texts.
        create_time: Wall clock.
        update_time: Wall clock.
    """

    id: bytes
    merchant: str
    number: str
    payment: bytes
    payer: str
    region: str
    source: int
    channel: int
    bank: str
    instrument: bytes | None
    token: str
    original: bytes | None
    origin_bank: str
    currency: str
    amount: int
    state: int
    state_version: int
    owner: int
    window: int
    from_available: int
    from_unsettled: int
    from_owed: int
    from_fee: int
    from_promotion: int
    held: bool
    transit: int
    in_transit: int
    suspense: int
    in_suspense: int
    operations: int
    operation: bytes | None
    attempts: int
    retry_time: int
    code: str
    due_time: int
    lagging: bool
    lag_cause: int
    success_time: int
    description: str
    metadata: str
    create_time: int
    update_time: int

    @property
    def currency_number(self) -> int:
        """The currency's number in accounts."""
        return currency(self.currency).number

    @property
    def funding(self) -> Funding:
        """Who gives how much."""
        return Funding(
            self.owner, self.currency_number, self.window, self.from_available, self.from_unsettled, self.from_owed,
            self.from_fee, self.from_promotion,
        )  # fmt: skip

    def with_funding(self, funding: Funding) -> "Refund":
        """The refund with its sources as they were decided."""
        return self._replace(
            owner=funding.merchant, window=funding.window, from_available=funding.available,
            from_unsettled=funding.unsettled, from_owed=funding.owed, from_fee=funding.fee,
            from_promotion=funding.promotion,
        )  # fmt: skip


def move(refund: Refund, to: RefundState, wall_us: int, **changes: Any) -> Refund:
    """Returns the refund in its next state, with no attempt made there yet.

    Raises:
        Refused: ILLEGAL_TRANSITION.
    """
    origin = RefundState(refund.state)
    if to not in TRANSITIONS[origin]:
        refuse_transition("refund", origin.name, to.name)
    changes = {"attempts": 0, "retry_time": 0, **changes}
    return touch(refund, wall_us, state=to, **changes)


def touch(refund: Refund, wall_us: int, **changes: Any) -> Refund:
    """Returns the refund with other fields, one version on."""
    return refund._replace(state_version=refund.state_version + 1, update_time=wall_us, **changes)


def due_after(policy: RefundPolicy, to_balance: bool, business_us: int, zone: str) -> int:
    """Returns when a refund is due on the business clock.

    Args:
        policy: How long it may take.
        to_balance: Whether it goes to a balance here.
        business_us: Now.
        zone: The merchant's IANA time zone, which decides what a business day is.
    """
    soon = business_us + policy.due_balance_s * SECOND_US
    return soon if to_balance else business_days_later(business_us, policy.due_days, ZoneInfo(zone))


def next_work(refund: Refund) -> Work | None:
    """Returns what it has to do next and when, or None where only the bank's answer is waited for, or nothing."""
    if refund.state in ENDED:
        return None
    times = [refund.retry_time] if refund.retry_time else []
    if not refund.lagging:
        times.append(refund.due_time)
    return Work(refund.id, WORK, refund.id, BUSINESS, min(times)) if times else None


def event_of(refund: Refund, what: str = "", **data: Any) -> Event:
    """Returns the event of a refund's step, by default named after its state, such as `refund.succeeded`."""
    name = what or RefundState(refund.state).name.lower()
    facts = {
        "state": int(refund.state), "payment": refund.payment, "payer": refund.payer, "amount": refund.amount,
        "currency": refund.currency, "channel": refund.channel, "region": refund.region, "due_time": refund.due_time,
        "lagging": bool(refund.lagging), "lag_cause": int(refund.lag_cause), **data,
    }  # fmt: skip
    return Event(f"refund.{name}", KIND, refund.id, refund.state_version, refund.merchant, facts)
