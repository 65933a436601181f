"""Mandate: limits that a payer signed once, within which one merchant is paid without a finger each time.

In: the signed terms, and payments under them. Out: the mandate after the step. Invariant: what is spent under it never
passes the limit for one payment, for one day in the payee's zone, or for its life; the business clock decides.
"""

from datetime import UTC, datetime
from enum import IntEnum
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from keelpay_server.book.changes import BUSINESS, Event, Work
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, refuse_transition
from keelpay_server.book.times import DAY_US, SECOND_US
from keelpay_server.book.world import World
from keelpay_server.ledger.money import amount_text

from .names import MANDATE

KIND: Final = MANDATE
EXPIRY_WORK: Final = "mandate.expiry"
LIFE_US_MAX: Final = 400 * DAY_US
_QUARTER_S: Final = 900


class MandateState(IntEnum):
    """Life of a mandate, numbered as in the contract."""

    ACTIVE = 1
    SUSPENDED = 2
    REVOKED = 3
    EXPIRED = 4
    EXHAUSTED = 5


_S = MandateState
TRANSITIONS: Final[dict[MandateState, frozenset[MandateState]]] = {
    _S.ACTIVE: frozenset({_S.SUSPENDED, _S.REVOKED, _S.EXPIRED, _S.EXHAUSTED}),
    _S.SUSPENDED: frozenset({_S.ACTIVE, _S.REVOKED, _S.EXPIRED}),
    _S.REVOKED: frozenset(),
    _S.EXPIRED: frozenset(),
    _S.EXHAUSTED: frozenset({_S.ACTIVE, _S.SUSPENDED, _S.REVOKED, _S.EXPIRED}),
}


class Mandate(NamedTuple):
    """One mandate. Amounts in minor units of its currency.

    Attributes:
        id: Its key.
        merchant: The only payee.
        payer: `<partner>/<id>`, who gave it.
        instrument: What is paid from, or None for the payer's balance.
        currency: Of the limits.
        payment_max: The most for one payment.
        day_max: The most for one day.
        total_max: The most over its life, or 0 for no such limit.
        day_zone: IANA zone that decides when a day begins.
        state: A MandateState.
        state_version: Counts its changes.
        day: The day of the last spending, counted from 0001-01-01 in its zone; 0 before the first.
        spent_day: Spent on that day.
        spent_total: Spent so far.
        confirmation: The confirmation that the payer signed.
        expire_time: Business clock.
        create_time: Wall clock.
        update_time: Wall clock.
    """

    id: bytes
    merchant: str
    payer: str
    instrument: bytes | None
    currency: str
    payment_max: int
    day_max: int
    total_max: int
    day_zone: str
    state: int
    state_version: int
    day: int
    spent_day: int
    spent_total: int
    confirmation: bytes
    expire_time: int
    create_time: int
    update_time: int


def day_of(business_us: int, zone: str) -> int:
    """Returns the day that a business time falls on in a zone, counted from 0001-01-01."""
    return _day_of_quarter(business_us // (_QUARTER_S * SECOND_US), zone)


@lru_cache(maxsize=4096)
def _day_of_quarter(quarter: int, zone: str) -> int:
    # Since 1972 zones differ from UTC by whole quarters of an hour: a quarter lies within one day everywhere.
    return datetime.fromtimestamp(quarter * _QUARTER_S, UTC).astimezone(ZoneInfo(zone)).toordinal()


def spent_today(mandate: Mandate, business_us: int) -> int:
    """Returns what was spent on the day of a business time."""
    return mandate.spent_day if mandate.day == day_of(business_us, mandate.day_zone) else 0


def move(mandate: Mandate, to: MandateState, wall_us: int, **changes: Any) -> Mandate:
    """Returns the mandate in its next state.

    Raises:
        Refused: ILLEGAL_TRANSITION.
    """
    if to not in TRANSITIONS[MandateState(mandate.state)]:
        refuse_transition("mandate", MandateState(mandate.state).name, to.name)
    return mandate._replace(state=to, state_version=mandate.state_version + 1, update_time=wall_us, **changes)


def event_of(mandate: Mandate, what: str = "") -> Event:
    """Returns the event of a mandate's step, by default named after its state."""
    name = what or MandateState(mandate.state).name.lower()
    data = {"state": int(mandate.state), "payer": mandate.payer, "currency": mandate.currency}
    return Event(f"mandate.{name}", KIND, mandate.id, mandate.state_version, mandate.merchant, data)


def expiry_of(mandate: Mandate) -> Work:
    """Returns the work of ending it in time."""
    return Work(mandate.id, EXPIRY_WORK, mandate.id, BUSINESS, mandate.expire_time)


def mandate_needs(need: Need, mandate_id: bytes) -> None:
    """Names what `spend_mandate` reads."""
    need.row(Mandate, mandate_id)


def spend_mandate(
    world: World,
    mandate_id: bytes,
    *,
    payer: str,
    merchant: str,
    amount: int,
    currency: str,
    instrument: bytes | None,
) -> Mandate:
    """Returns the mandate after a payment under it, to be saved in the payment's commit.

    Args:
        world: Loaded by `mandate_needs`.
        mandate_id: The mandate's key.
        payer: Who pays, `<partner>/<id>`.
        merchant: Who is paid.
        amount: Minor units, at least 1.
        currency: Of the amount.
        instrument: What is paid from, None for the payer's balance here: the payer signed for one of them.

    Raises:
        Refused: RESOURCE_NOT_FOUND, MANDATE_PAYEE_MISMATCH (another merchant, payer or instrument),
            MANDATE_SUSPENDED, MANDATE_ENDED, CURRENCY_MISMATCH, MANDATE_LIMIT_EXCEEDED.
    """
    mandate = world.require(Mandate, mandate_id)
    if (mandate.payer, mandate.merchant) != (payer, merchant):
        raise Refused(Reason.MANDATE_PAYEE_MISMATCH, "the mandate names another payee or another payer")
    if mandate.instrument != instrument:
        raise Refused(Reason.MANDATE_PAYEE_MISMATCH, "the mandate names another instrument")
    state = MandateState(mandate.state)
    if state is _S.SUSPENDED:
        raise Refused(Reason.MANDATE_SUSPENDED, "the mandate is suspended")
    if state is not _S.ACTIVE or world.business_us >= mandate.expire_time:
        ended = _S.EXPIRED if state is _S.ACTIVE else state
        raise Refused(Reason.MANDATE_ENDED, f"the mandate is {ended.name}", state=ended.name)
    if currency != mandate.currency:
        raise Refused(Reason.CURRENCY_MISMATCH, f"the mandate is in {mandate.currency}")
    today = spent_today(mandate, world.business_us)
    for limit, left in (
        ("payment_max", mandate.payment_max),
        ("day_max", mandate.day_max - today),
        ("total_max", mandate.total_max - mandate.spent_total if mandate.total_max else amount),
    ):
        if amount > left:
            raise Refused(
                Reason.MANDATE_LIMIT_EXCEEDED,
                f"{amount_text(amount, currency)} passes {limit}: {amount_text(max(left, 0), currency)} is left of it",
                limit=limit, left_minor=str(max(left, 0)),
            )  # fmt: skip
    total = mandate.spent_total + amount
    used_up = mandate.total_max > 0 and total >= mandate.total_max
    return mandate._replace(
        state=_S.EXHAUSTED if used_up else _S.ACTIVE,
        state_version=mandate.state_version + 1,
        day=day_of(world.business_us, mandate.day_zone),
        spent_day=today + amount,
        spent_total=total,
        update_time=world.wall_us,
    )


def give_back(mandate: Mandate, amount: int, day: int, wall_us: int) -> Mandate:
    """Returns the mandate after a payment under it came to nothing: what it had spent may be spent again.

    One that was used up by it is active again; one that has ended otherwise stays ended. A day gets back what was spent
    on it, never what an earlier day had spent.

    Args:
        mandate: As it is now.
        amount: Minor units, above zero.
        day: The mandate's `day` when the payment spent it.
        wall_us: Now.
    """
    on_day = amount if mandate.day == day else 0
    return mandate._replace(
        state=_S.ACTIVE if mandate.state == _S.EXHAUSTED else mandate.state,
        state_version=mandate.state_version + 1, update_time=wall_us,
        spent_total=max(mandate.spent_total - amount, 0), spent_day=max(mandate.spent_day - on_day, 0),
    )  # fmt: skip
