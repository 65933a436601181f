"""How a page's session, the ways to pay and a receipt look on the wire.

In: stored rows and options. Out: the contract's messages. Invariant: what is displayed of payee and source is exactly
what the terms of a confirmation say.
"""

from keelpay.api.gateway.v1 import checkout_pb2, payment_request_pb2
from keelpay_server.auth.mandate_steps import mandate_steps
from keelpay_server.auth.names import BALANCE_DISPLAY
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.wire_render import money, stamp

from . import names
from .history import states_reached
from .instrument import Instrument
from .operation import Operation
from .order import Order
from .parties import BALANCE_CHANNEL
from .payment import Payment, PaymentState
from .payment_option import Authentication, PaymentOption
from .wallet_title import wallet_title

_PAID = frozenset({PaymentState.AUTHORIZED, PaymentState.PARTIALLY_CAPTURED, PaymentState.CAPTURED})


def render_options(payment: Payment, options: list[PaymentOption]) -> list[checkout_pb2.PaymentOption]:
    """Returns the ways to pay; the first is recommended if it can be used."""
    return [_option(payment, option, first=number == 0) for number, option in enumerate(options)]


def _option(payment: Payment, option: PaymentOption, *, first: bool) -> checkout_pb2.PaymentOption:
    channel, instrument, mandate, bank, _ = option.method
    message = checkout_pb2.PaymentOption(
        method=payment_request_pb2.PaymentMethod(
            channel=channel,  # type: ignore[arg-type]
            instrument="" if instrument is None else names.instrument_name(payment.payer, instrument),
            rail=bank,
            mandate="" if mandate is None else names.mandate_name(payment.merchant, mandate),
        ),
        display=option.display,
        brand=option.brand,
        available=option.available,
        obstacle=0 if option.obstacle is None else option.obstacle.value,  # type: ignore[arg-type]
        authentication=option.authentication.value,  # type: ignore[arg-type]
        selected=option.selected,
        recommended=first and option.available,
    )
    if option.allowance is not None:
        most, left, ends = option.allowance
        message.allowance.payment_max.CopyFrom(money(most, payment.currency))
        message.allowance.left.CopyFrom(money(left, payment.currency))
        message.allowance.expire_time.CopyFrom(stamp(ends))
    if option.balance is not None:
        message.balance.CopyFrom(money(option.balance, payment.currency))
    return message


def description_of(payment: Payment, order: Order | None) -> str:
    """Returns what is bought: the payment's own words, or else its order's."""
    return payment.description or ("" if order is None else order.description)


def number_of(payment: Payment, order: Order | None) -> str:
    """Returns the merchant's own number, as its customer knows it."""
    return payment.number if order is None else order.number


def source_of(payment: Payment, instrument: Instrument | None) -> str:
    """Returns what a payment is paid from, as its payer reads it."""
    if instrument is not None:
        return instrument.display
    return BALANCE_DISPLAY if payment.channel == BALANCE_CHANNEL else wallet_title(payment.bank)


def authentication_of(payment: Payment) -> Authentication:
    """Returns who said so for a payment that was paid."""
    if payment.confirmation is not None:
        return Authentication.PASSKEY
    if payment.mandate is not None:
        return Authentication.MANDATE
    return Authentication.WALLET


def pay_time(payment: Payment) -> int:
    """Returns when the money was first reserved or taken, wall clock; 0 if it never was."""
    return next((reached.time_us for reached in states_reached(payment.history) if reached.state in _PAID), 0)


def render_offer(merchant: Merchant) -> checkout_pb2.MandateOffer:
    """Returns what a payer may allow a merchant."""
    return checkout_pb2.MandateOffer(
        merchant=names.merchant_name(merchant.id),
        merchant_display_name=merchant.display_name,
        payment_max_choices=[money(step, merchant.currency) for step in mandate_steps(merchant.currency)],
    )


def render_receipt(
    payment: Payment, merchant: Merchant, order: Order | None, instrument: Instrument | None,
    authorization: Operation | None,
) -> checkout_pb2.Receipt:  # fmt: skip
    """Returns what a payer keeps of a payment."""
    return checkout_pb2.Receipt(
        payment=names.payment_name(payment.merchant, payment.id),
        merchant_number=number_of(payment, order),
        merchant_display_name=merchant.display_name,
        description=description_of(payment, order),
        amount=money(payment.amount, payment.currency),
        captured=money(payment.captured, payment.currency),
        refunded=money(payment.refunded, payment.currency),
        refund_pending=money(payment.refund_pending, payment.currency),
        source_display=source_of(payment, instrument),
        authentication=authentication_of(payment).value,  # type: ignore[arg-type]
        state=payment.state,  # type: ignore[arg-type]
        pay_time=stamp(pay_time(payment)),
        rail_reference="" if authorization is None else authorization.bank_reference,
        statement_descriptor=payment.descriptor,
        return_url=payment.return_uri,
    )
