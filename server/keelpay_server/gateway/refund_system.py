"""Refunds that we make by ourselves: of a capture that was cancelled meanwhile, and of a late success.

In: a bank's success that nobody wants any more. Out: a refund on its way in the same commit.
Invariant: money that a bank took against the last word of its merchant never rests here without a refund on it.
"""

from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import Changes
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.world import World
from keelpay_server.clearing.calendar import parse_calendar
from keelpay_server.clearing.window import open_window
from keelpay_server.ledger.posting import bank as bank_posting
from keelpay_server.ledger.posting.refund import Funding

from .operation import Operation
from .order_payment import order_freed
from .parties import Parties
from .payment import Payment
from .refund import Refund, RefundPolicy, RefundSource, RefundState, due_after, move
from .refund_progress import ask, create, reserve, send

CANCELLED_TEXT = "cancelled before the bank answered"
ENDED_TEXT = "the payment had ended when the bank answered"
_DEFAULTS = RefundPolicy()


def refund_capture(world: World, payment: Payment, parties: Parties, operation: Operation) -> Changes:
    """Refunds what was captured although its cancel had been asked for; an order that was closing is closed.

    The merchant's money of this very commit pays for it, and the whole fee goes back.

    Args:
        world: The batch.
        payment: As its capture left it in this commit.
        parties: Its parties as they were loaded.
        operation: The AUTHORIZE that took the money.
    """
    merchant = parties.merchant
    refund = new_refund(world, payment, merchant, payment.captured, _DEFAULTS)
    bank = world.require(Bank, operation.bank)
    refund = refund._replace(transit=bank.number, original=operation.id, description=CANCELLED_TEXT)
    window = open_window(world, merchant)
    funding = Funding(
        merchant.number, refund.currency_number, window.id, 0, refund.amount - payment.fee, 0, fee=payment.fee
    )
    progress = send(world, reserve(world, create(refund, payment), funding))
    return progress.changes().join(order_freed(world, parties.order, payment))


def refund_suspense(
    world: World, payment: Payment, merchant: Merchant, bank: Bank, operation: Operation, amount: int = 0
) -> Changes:
    """Sends what nobody wants back to the payer: 6900 → 2300. The payment's own amounts stay as they are.

    Args:
        world: The batch.
        payment: Ended, or gone on in another way, perhaps at another bank.
        merchant: Who would have been paid.
        bank: The operation's own.
        operation: The AUTHORIZE or CAPTURE that took the money, or the REFUND that gave too little.
        amount: Minor units, or 0 for all of the operation's.
    """
    number = bank.number
    refund = new_refund(world, payment._replace(bank=bank.id), merchant, amount or operation.amount, _DEFAULTS)
    refund = refund._replace(
        source=RefundSource.SUSPENSE, transit=number, suspense=number, original=operation.original or operation.id,
        description=ENDED_TEXT,
    )  # fmt: skip
    posted = bank_posting.refund_suspense(bank=number, currency=refund.currency_number, amount=refund.amount)
    progress = create(refund, payment)
    refund = move(refund, RefundState.RESERVED, world.wall_us)
    refund = move(refund, RefundState.SUBMITTED, world.wall_us, in_transit=refund.amount)
    return ask(world, progress.step(refund, posted=posted)).changes()


def new_refund(world: World, payment: Payment, merchant: Merchant, amount: int, policy: RefundPolicy) -> Refund:
    """Returns a refund in CREATED that goes back the way the payment came."""
    to_balance = not payment.bank
    zone = parse_calendar(merchant.calendar).zone.key
    return Refund(
        id=world.new_id(), merchant=payment.merchant, number="", payment=payment.id, payer=payment.payer,
        region=payment.region, source=RefundSource.MERCHANT, channel=payment.channel, bank=payment.bank,
        instrument=None, token="", original=payment.authorization if payment.bank else None, origin_bank=payment.bank,
        currency=payment.currency, amount=amount, state=RefundState.CREATED, state_version=1, owner=0, window=0,
        from_available=0, from_unsettled=0, from_owed=0, from_fee=0, from_promotion=0, held=False, transit=0,
        in_transit=0, suspense=0, in_suspense=0, operations=0, operation=None, attempts=0, retry_time=0, code="",
        due_time=due_after(policy, to_balance, world.business_us, zone), lagging=False, lag_cause=0, success_time=0,
        description="", metadata="", create_time=world.wall_us, update_time=world.wall_us,
    )  # fmt: skip
