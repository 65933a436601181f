"""Payout: a merchant's available money on its way to the merchant's own bank account.

In: requests, settlements, banks' answers, lines of statements. Out: the payout after the step, and what it posts.
Invariant: money is in 2200 exactly while `in_transit` says so, and in 6900 exactly while `in_suspense` says so.
"""

import json
from enum import IntEnum
from typing import Any, Final, NamedTuple

from keelpay_server.book.changes import WALL, Event, Work
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, refuse_transition
from keelpay_server.book.times import DAY_US
from keelpay_server.ledger.hold import Hold

KIND: Final = "po"
SUBMIT: Final = "payout.submit"
"""The work of submitting a reserved payout."""
DUE_US: Final = DAY_US
"""A payout that was asked for is due a day later (T+1); one made of a settlement when the settlement is."""


class PayoutState(IntEnum):
    """Life of a payout, numbered as in the contract."""

    CREATED = 1
    RESERVED = 2
    SUBMITTED = 3
    PAID = 4
    FAILED = 5
    RETURNED = 6
    CANCELLED = 7


_S = PayoutState
TRANSITIONS: Final[dict[PayoutState, frozenset[PayoutState]]] = {
    _S.CREATED: frozenset({_S.RESERVED, _S.CANCELLED}),
    _S.RESERVED: frozenset({_S.SUBMITTED, _S.CANCELLED}),
    _S.SUBMITTED: frozenset({_S.PAID, _S.FAILED, _S.RETURNED}),
    _S.PAID: frozenset({_S.RETURNED}),
    _S.FAILED: frozenset(),
    _S.RETURNED: frozenset(),
    _S.CANCELLED: frozenset(),
}


class Payout(NamedTuple):
    """One payout. Amounts are minor units; all its times are the business clock's, as the contract shows them.

    Attributes:
        id: Its key.
        merchant: Whose money it is.
        number: The merchant's own number, or empty where a settlement made it.
        currency: Of the amount.
        amount: Above zero.
        state: A PayoutState.
        state_version: Counts its changes.
        bank: The rail it leaves by.
        token: The rail's token of the account it goes to.
        last_four: Last characters of that account's number.
        descriptor: What the payee is to read.
        proposal: What a second operator decides on, or None.
        settlement: What it pays out, or None.
        operation: What was asked of the bank, or None before.
        hold_debit: Account 2110.
        hold_credit: Account 2200.
        held: What is reserved and not submitted: the amount, or 0.
        in_transit: What of it is in 2200: the amount, or 0.
        in_suspense: What of it is in 6900, as debits less credits: the statement shows that it left, after it had been
            given back, and does not show yet that it returned.
        line: The statement line that proves that it left, or None.
        return_line: The line that proves that it came back, or None.
        failure: JSON of why it was refused when it was approved, or the bank did not carry it out or sent it back; or
            empty.
        due_time: When it must be paid.
        pay_time: When the bank paid it, or 0.
        create_time: When it was asked for.
        update_time: When it changed last.
    """

    id: bytes
    merchant: str
    number: str
    currency: str
    amount: int
    state: int
    state_version: int
    bank: str
    token: str
    last_four: str
    descriptor: str
    proposal: bytes | None
    settlement: bytes | None
    operation: bytes | None
    hold_debit: int
    hold_credit: int
    held: int
    in_transit: int
    in_suspense: int
    line: bytes | None
    return_line: bytes | None
    failure: str
    due_time: int
    pay_time: int
    create_time: int
    update_time: int

    @property
    def hold(self) -> Hold:
        """What it reserves: pending as long as `held` says so."""
        return Hold(self.hold_debit, self.hold_credit, self.amount)


class Destination(NamedTuple):
    """Where a merchant's money goes."""

    bank: str
    token: str
    last_four: str


def destination_of(merchant: Merchant) -> Destination:
    """Returns where a merchant is paid out.

    Raises:
        Refused: PAYOUT_ACCOUNT_MISSING.
    """
    account = json.loads(merchant.payout_account) if merchant.payout_account else {}
    if not merchant.payout_bank or not account.get("token"):
        raise Refused(Reason.PAYOUT_ACCOUNT_MISSING)
    return Destination(merchant.payout_bank, account["token"], account.get("last_four", ""))


def move(payout: Payout, to: PayoutState, business_us: int, **changes: Any) -> Payout:
    """Returns the payout in its next state.

    Raises:
        Refused: ILLEGAL_TRANSITION.
    """
    if to not in TRANSITIONS[PayoutState(payout.state)]:
        refuse_transition("payout", PayoutState(payout.state).name, to.name)
    return touch(payout, business_us, state=to, **changes)


def touch(payout: Payout, business_us: int, **changes: Any) -> Payout:
    """Returns the payout with other fields, one version on."""
    return payout._replace(state_version=payout.state_version + 1, update_time=business_us, **changes)


def submit_work(payout: Payout, wall_us: int) -> Work:
    """Returns the work of submitting a reserved payout, due at once."""
    return Work(payout.id, SUBMIT, payout.id, WALL, wall_us)


def event_of(payout: Payout, what: str = "", **data: object) -> Event:
    """Returns the event of a payout's step; by default named after its state, such as `payout.paid`."""
    name = what or PayoutState(payout.state).name.lower()
    facts: dict[str, object] = {
        "state": int(payout.state), "amount": payout.amount, "currency": payout.currency, "bank": payout.bank,
        "due_time": payout.due_time,
    }  # fmt: skip
    if payout.settlement is not None:
        facts["settlement"] = payout.settlement
    facts.update(data)
    return Event(f"payout.{name}", KIND, payout.id, payout.state_version, payout.merchant, facts)
