"""Parties: everything around a payment that its decisions read: merchant, order, payer, instrument, mandate, bank.

In: the keys a request or a stored payment names. Out: what to load, and the loaded parties at once.
Invariant: a decision about a payment always sees the same parties, whichever command asked for it.
"""

from typing import Final, NamedTuple, Protocol

from keelpay_server.auth.mandate import Mandate, mandate_needs
from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import Work
from keelpay_server.book.channel import Channel
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.need import Need
from keelpay_server.book.payer import Payer
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import World
from keelpay_server.clearing.window import window_needs
from keelpay_server.risk.decision import Decision
from keelpay_server.risk.review import Review

from .instrument import Instrument
from .operation import Operation
from .order import Order
from .payment import Payment, PaymentState

BALANCE_CHANNEL: Final = Channel.BALANCE
"""Channel BALANCE of the contract: the payer's balance here."""
WALLET_CHANNEL: Final = Channel.WALLET
"""Channel WALLET of the contract: an outside wallet, which asks its own payer."""


class Payable(Protocol):
    """What checks read of a payment, stored or only thought of."""

    @property
    def merchant(self) -> str: ...  # noqa: D102

    @property
    def payer(self) -> str: ...  # noqa: D102

    @property
    def channel(self) -> int: ...  # noqa: D102

    @property
    def currency(self) -> str: ...  # noqa: D102


class Parties(NamedTuple):
    """Who takes part in a payment."""

    merchant: Merchant
    order: Order | None
    payer: Payer | None
    instrument: Instrument | None
    bank: Bank | None
    mandate: Mandate | None


def need_parties(
    need: Need,
    *,
    merchant: str,
    order: bytes | None,
    payer: str,
    instrument: bytes | None,
    mandate: bytes | None,
    bank: str,
    currency: str,
    channel: int,
) -> None:
    """Names what a decision about a payment reads; the balance's headroom takes one round more."""
    need.row(Merchant, merchant)
    window_needs(need)
    if order is not None:
        need.row(Order, order)
    if instrument is not None:
        need.row(Instrument, instrument)
    if mandate is not None:
        mandate_needs(need, mandate)
    if bank:
        need.row(Bank, bank)
    if payer:
        found = need.row(Payer, payer)
        if found is not None and channel == BALANCE_CHANNEL and currency in found.currencies.split():
            need.account(found.balance(currency))


def need_of(need: Need, payment: Payment) -> None:
    """Names the parties of a stored payment, and what is under way for it: its operation's work, its review."""
    need_parties(
        need, merchant=payment.merchant, order=payment.order, payer=payment.payer, instrument=payment.instrument,
        mandate=payment.mandate, bank=payment.bank, currency=payment.currency, channel=payment.channel,
    )  # fmt: skip
    if payment.authorization is not None:
        need.row(Operation, payment.authorization)
    if payment.operation is not None:
        need.row(Work, payment.operation)
    if payment.state == PaymentState.IN_REVIEW and payment.decision is not None:
        decision = need.row(Decision, payment.decision)
        if decision is not None and decision.review is not None:
            need.row(Review, decision.review)


def parties_of(world: World, payment: Payment) -> Parties:
    """Returns the parties of a payment.

    Raises:
        Refused: RESOURCE_NOT_FOUND naming what is missing; another merchant's order is.
    """
    order = None if payment.order is None else world.require(Order, payment.order)
    if order is not None and order.merchant != payment.merchant:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="order")
    return Parties(
        world.require(Merchant, payment.merchant),
        order,
        world.require(Payer, payment.payer) if payment.payer else None,
        None if payment.instrument is None else world.require(Instrument, payment.instrument),
        world.require(Bank, payment.bank) if payment.bank else None,
        None if payment.mandate is None else world.require(Mandate, payment.mandate),
    )


def room_on_balance(world: World, payment: Payment, payer: Payer) -> int:
    """Returns what the payer can still spend from the balance in the payment's currency."""
    if payment.currency not in payer.currencies.split():
        return 0
    return world.headroom(payer.balance(payment.currency))


def check_parties(payment: Payable, parties: Parties) -> None:
    """Refuses a payment whose parties do not belong together or may not pay.

    Raises:
        Refused: MERCHANT_SUSPENDED, PAYER_FROZEN, CURRENCY_MISMATCH, INSTRUMENT_NOT_USABLE, RESOURCE_NOT_FOUND for
            another partner's payer, another payer's instrument or mandate, BALANCE_NEEDS_PAYER,
            MANDATE_PAYEE_MISMATCH for a mandate over the balance that is used for another channel.
    """
    merchant, _, payer, instrument, bank, mandate = parties
    if merchant.state != 1:
        raise Refused(Reason.MERCHANT_SUSPENDED)
    if payment.currency != merchant.currency:
        raise Refused(Reason.CURRENCY_MISMATCH, f"{merchant.id} is settled in {merchant.currency}",
                      expected=merchant.currency, given=payment.currency)  # fmt: skip
    if payer is not None:
        if payer.partner != merchant.partner:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="payer")
        if payer.state != 1:
            raise Refused(Reason.PAYER_FROZEN)
    if payment.channel == BALANCE_CHANNEL:
        if payer is None:
            raise Refused(Reason.BALANCE_NEEDS_PAYER)
    elif bank is None:
        raise Refused(Reason.UNSUPPORTED_BY_RAIL, "no bank or wallet serves this channel and currency")
    if instrument is not None:
        if payer is None or instrument.payer != payer.id:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="instrument")
        if instrument.state != 1 or instrument.channel != payment.channel:
            raise Refused(Reason.INSTRUMENT_NOT_USABLE)
    if mandate is not None and (mandate.payer, mandate.merchant) != (payment.payer, merchant.id):
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="mandate")
    if mandate is not None and mandate.instrument is None and payment.channel != BALANCE_CHANNEL:
        raise Refused(Reason.MANDATE_PAYEE_MISMATCH, "the mandate is for the payer's balance")
