"""Charge: a confirmed payment goes to its money: the payer's balance at once, or an operation at a bank.

In: a payment that may go on, and its parties. Out: its next state with legs, holds and later work.
Invariant: the balance is never passed below zero; a bank is only asked by an operation that is on disk first.
"""

from typing import Final

from keelpay_server.book.changes import BUSINESS, Changes, Work
from keelpay_server.book.payer import Payer
from keelpay_server.book.times import DAY_US, HOUR_US
from keelpay_server.book.world import World
from keelpay_server.clearing.window import unsettled_account
from keelpay_server.ledger.account import parse
from keelpay_server.ledger.fee import fee_total, parse_fee_plan
from keelpay_server.ledger.hold import Hold
from keelpay_server.ledger.posting import payment as posting

from .decline import DeclineReason, failure_text
from .operation import Operation, OperationKind, OperationState, submit
from .order import OrderState
from .order_payment import order_freed, order_paid
from .parties import BALANCE_CHANNEL, Parties, room_on_balance
from .payment import CaptureMethod, Facts, Payment, PaymentState, event_of, move

HOLD_DAYS: Final = 7
HOLD_US: Final = HOLD_DAYS * DAY_US
HOLD_AGAIN_US: Final = HOUR_US
"""When a hold is looked at again that its bank did not void; doubled with each further try."""
HOLD_WORK: Final = "payment.hold_expiry"
EXPIRY_WORK: Final = "payment.expiry"


def charge(world: World, payment: Payment, parties: Parties, since_us: int, facts: Facts) -> Changes:
    """Sends a confirmed payment to its money.

    Args:
        world: The batch.
        payment: In a state from which PROCESSING is legal.
        parties: Its parties, checked.
        since_us: When the request arrived.
        facts: What the event tells besides the payment (the decision, the confirmation or mandate that was spent).
    """
    payment = move(payment, PaymentState.PROCESSING, world.wall_us, since_us=since_us, failure="", action="")
    if payment.channel == BALANCE_CHANNEL:
        return _charge_balance(world, payment, parties, facts)
    return _charge_bank(world, payment, parties, facts)


def decline(world: World, payment: Payment, parties: Parties, failure: str, facts: Facts, bank_us: int = 0) -> Changes:
    """Takes a payment back to the choice of another way to pay; its order is free again."""
    payment = move(payment, PaymentState.REQUIRES_PAYMENT_METHOD, world.wall_us, bank_us=bank_us, failure=failure,
                   operation=None, authorization=None, confirmation=None, stepped_up=False)  # fmt: skip
    changes = Changes(payment, events=(event_of(payment, "declined", **facts),))
    order = parties.order
    if order is not None and order.state == OrderState.CLOSING:
        return changes.join(order_freed(world, order, payment))
    return changes


def fee_now(parties: Parties, payment: Payment, captured_minor: int) -> int:
    """Returns the fee of a capture, so that many captures cost what one would."""
    plan = parse_fee_plan(parties.merchant.fee_plan)
    total = fee_total(plan, payment.channel, payment.captured + captured_minor)
    return posting.fee_due(total, payment.fee, captured_minor)


def wait_for_review(world: World, payment: Payment, parties: Parties, since_us: int, facts: Facts) -> Changes:
    """Lets a payment wait for a reviewer; a balance is held meanwhile, so that approval needs no new finger."""
    held = Changes()
    if payment.channel == BALANCE_CHANNEL:
        if room_on_balance(world, payment, _payer(parties)) < payment.amount:
            payment = move(payment, PaymentState.PROCESSING, world.wall_us, since_us=since_us)
            failure = failure_text(DeclineReason.INSUFFICIENT_FUNDS, wall_us=world.wall_us)
            return decline(world, payment, parties, failure, facts)
        operation, held = _hold_balance(world, payment, parties)
        payment = payment._replace(operations=operation.number, authorization=operation.id)
    payment = move(payment, PaymentState.IN_REVIEW, world.wall_us, since_us=since_us)
    return Changes(payment, events=(event_of(payment, **facts),)).join(held)


def _charge_balance(world: World, payment: Payment, parties: Parties, facts: Facts) -> Changes:
    if room_on_balance(world, payment, _payer(parties)) < payment.amount:
        failure = failure_text(DeclineReason.INSUFFICIENT_FUNDS, wall_us=world.wall_us)
        return decline(world, payment, parties, failure, facts)
    if payment.capture_method == CaptureMethod.MANUAL:
        operation, held = _hold_balance(world, payment, parties)
        payment = payment._replace(operations=operation.number, authorization=operation.id)
        return authorized(world, payment, facts).join(held)
    account, opens, opened = unsettled_account(world, parties.merchant)
    parts = parse(account)
    fee = fee_now(parties, payment, payment.amount)
    posted = posting.pay(
        payer=_payer(parties).number, merchant=parties.merchant.number, window=parts.window, currency=parts.currency,
        amount=payment.amount, fee=fee,
    )  # fmt: skip
    payment = move(payment, PaymentState.CAPTURED, world.wall_us, since_us=world.wall_us, authorized=payment.amount,
                   captured=payment.amount, fee=payment.fee + fee)  # fmt: skip
    changes = Changes(payment, () if opened is None else (opened,), posted.legs, posted.pending,
                      (event_of(payment, **facts),), opens=opens, done=(payment.id,))  # fmt: skip
    return changes.join(order_paid(world, parties.order, payment))


def _hold_balance(world: World, payment: Payment, parties: Parties) -> tuple[Operation, Changes]:
    """Reserves the payer's balance; the operation that carries the hold needs no bank."""
    account, opens, opened = unsettled_account(world, parties.merchant)
    hold = Hold(_payer(parties).balance(payment.currency), account, payment.amount)
    operation = _operation(world, payment, OperationState.SUCCEEDED).with_hold(hold)
    rows: tuple[object, ...] = (operation,) if opened is None else (operation, opened)
    return operation, Changes(rows=rows, pending=posting.authorize(hold).pending, opens=opens)


def authorized(world: World, payment: Payment, facts: Facts) -> Changes:
    """A balance is reserved for a later capture."""
    payment = move(payment, PaymentState.AUTHORIZED, world.wall_us, since_us=world.wall_us, authorized=payment.amount,
                   hold_expire_time=world.business_us + HOLD_US)  # fmt: skip
    return Changes(payment, events=(event_of(payment, **facts),), work=(hold_expiry(payment),), done=(payment.id,))


def _payer(parties: Parties) -> Payer:
    if parties.payer is None:
        raise AssertionError("a balance has a payer: checked before")
    return parties.payer


def expiry(payment: Payment) -> Work:
    """Returns the work of ending a payment that nobody authorizes in time."""
    return Work(payment.id, EXPIRY_WORK, payment.id, BUSINESS, payment.expire_time)


def hold_expiry(payment: Payment) -> Work:
    """Returns the work of ending a hold that nobody captured; its row is the authorization's own."""
    if payment.authorization is None:
        raise AssertionError("an authorized payment has an authorization")
    return Work(payment.authorization, HOLD_WORK, payment.id, BUSINESS, payment.hold_expire_time)


def _charge_bank(world: World, payment: Payment, parties: Parties, facts: Facts) -> Changes:
    merchant, bank = parties.merchant, parties.bank
    if bank is None:
        raise AssertionError("a bank serves the channel: checked before")
    account, opens, opened = unsettled_account(world, merchant)
    hold = Hold(bank.clearing(payment.currency), account, payment.amount)
    asked = _operation(world, payment, OperationState.SUBMITTED).with_hold(hold)
    payment = payment._replace(operations=asked.number, operation=asked.id, authorization=asked.id)
    rows: tuple[object, ...] = (asked,) if opened is None else (asked, opened)
    posted = posting.authorize(hold)
    return Changes(
        payment, rows, (), posted.pending, (event_of(payment, operation=asked.id, **facts),),
        (submit(asked, world.wall_us),), done=(payment.id,), opens=opens,
    )  # fmt: skip


def _operation(world: World, payment: Payment, state: OperationState) -> Operation:
    return Operation(
        id=world.new_id(), subject_kind="pay", subject=payment.id, merchant=payment.merchant,
        number=payment.operations + 1, kind=OperationKind.AUTHORIZE, state=state, bank=payment.bank,
        currency=payment.currency, amount=payment.amount, original=None, token=payment.token,
        descriptor=payment.descriptor, capture=payment.capture_method == CaptureMethod.AUTOMATIC, final=False,
        hold_debit=0, hold_credit=0, hold_amount=0, hold_captured=0, hold_released=0, code="", bank_reference="",
        cost=0, queries=0, bank_us=0, create_time=world.wall_us, update_time=world.wall_us,
        return_uri=payment.bank_return_uri or payment.return_uri,
    )  # fmt: skip
