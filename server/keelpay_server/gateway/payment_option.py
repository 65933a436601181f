"""Payment options: the ways in which a payer may pay one payment, ranked, each with what it needs or what forbids it.

In: the payment and everything that its payer has, as it is stored now. Out: options, the best first. Invariant: an
option says no more than the commit would: what is offered here is still decided there.
"""

from calendar import monthrange
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from enum import IntEnum
from typing import NamedTuple

from keelpay_server.auth.mandate import Mandate, MandateState, spent_today
from keelpay_server.auth.names import BALANCE_DISPLAY
from keelpay_server.book.payer import Payer, PayerState
from keelpay_server.book.reasons import Reason
from keelpay_server.book.times import SECOND_US

from .instrument import Instrument
from .method import Method
from .parties import BALANCE_CHANNEL, WALLET_CHANNEL
from .payment import Payment
from .wallet_title import wallet_title


class Authentication(IntEnum):
    """Who says so, numbered as in the contract."""

    PASSKEY = 1
    MANDATE = 2
    WALLET = 3


class Allowance(NamedTuple):
    """What a mandate allows now.

    Attributes:
        payment_max: The most for one payment.
        left: What may still be paid under it today.
        expire_time: When it ends, business clock.
    """

    payment_max: int
    left: int
    expire_time: int


class PaymentOption(NamedTuple):
    """One way to pay.

    Attributes:
        method: The way.
        display: What a person recognises it by.
        brand: The network or wallet; empty for the balance.
        authentication: Who says so.
        obstacle: Why it cannot be used, or None.
        balance: What is there to spend, for the balance; None otherwise.
        selected: It is the payment's way now, its mandate included.
        allowance: What the mandate that it is paid under allows, or None.
    """

    method: Method
    display: str
    brand: str
    authentication: Authentication
    obstacle: Reason | None
    balance: int | None
    selected: bool
    allowance: Allowance | None

    @property
    def available(self) -> bool:
        """Whether nothing stands against it."""
        return self.obstacle is None


class Means(NamedTuple):
    """What a payer has to pay with.

    Attributes:
        payer: The payer.
        instruments: Those that can be used, the newest first.
        mandates: Those that it gave the merchant and that are active, the newest first.
        available: What the balance in the payment's currency lets spend; None where there never was one.
        wallets: Rails of outside wallets that serve the currency.
        rail_of: The rail that serves a channel, given the one that an instrument belongs to; empty for none.
        passkey_obstacle: Why no passkey of the payer could confirm the payment, or None.
        used: Channel and instrument of the payer's latest payments, the newest first.
        business_us: Business clock.
        stranger: Who looks is on a device that the payer never confirmed on: no mandate is spent there without asking,
            and what lies on the balance is nobody's business.
    """

    payer: Payer
    instruments: Sequence[Instrument]
    mandates: Sequence[Mandate]
    available: int | None
    wallets: Sequence[str]
    rail_of: Callable[[int, str], str]
    passkey_obstacle: Reason | None
    used: Sequence[tuple[int, bytes | None]]
    business_us: int
    stranger: bool = False


def payment_options(payment: Payment, means: Means) -> list[PaymentOption]:
    """Returns the ways to pay a payment: usable ones first, then the one used last, the chosen one, the newest."""
    found: list[PaymentOption] = []
    if means.available is not None or payment.channel == BALANCE_CHANNEL:
        found.append(_balance(payment, means))
    found += [_stored(payment, means, instrument) for instrument in means.instruments]
    known = {instrument.bank for instrument in means.instruments if instrument.channel == WALLET_CHANNEL}
    found += [_wallet(payment, means, bank) for bank in means.wallets if bank not in known]
    return sorted(found, key=lambda option: _rank(option, means))


def expired(instrument: Instrument, business_us: int) -> bool:
    """Tells whether a card's last month is over."""
    if not instrument.expire_year:
        return False
    now = datetime.fromtimestamp(business_us // SECOND_US, UTC)
    last_day = monthrange(instrument.expire_year, instrument.expire_month)[1]
    return (now.year, now.month, now.day) > (instrument.expire_year, instrument.expire_month, last_day)


def _rank(option: PaymentOption, means: Means) -> tuple[bool, int, bool]:
    source = (option.method.channel, option.method.instrument)
    recency = list(means.used).index(source) if source in means.used else len(means.used)
    return not option.available, recency, not option.selected


def _balance(payment: Payment, means: Means) -> PaymentOption:
    available = means.available or 0
    short = Reason.INSUFFICIENT_FUNDS if available < payment.amount else None
    told = None if means.stranger else available
    return _option(payment, means, Method(BALANCE_CHANNEL, None, None, "", ""), BALANCE_DISPLAY, "", short, told)


def _stored(payment: Payment, means: Means, instrument: Instrument) -> PaymentOption:
    bank = means.rail_of(instrument.channel, instrument.bank)
    obstacle = None if bank else Reason.UNSUPPORTED_BY_RAIL
    if expired(instrument, means.business_us):
        obstacle = Reason.INSTRUMENT_NOT_USABLE
    method = Method(instrument.channel, instrument.id, None, bank, instrument.token)
    return _option(payment, means, method, instrument.display, instrument.brand, obstacle, None)


def _wallet(payment: Payment, means: Means, bank: str) -> PaymentOption:
    return _option(payment, means, Method(WALLET_CHANNEL, None, None, bank, ""), wallet_title(bank), bank, None, None)


def _option(
    payment: Payment, means: Means, method: Method, display: str, brand: str, obstacle: Reason | None,
    balance: int | None,
) -> PaymentOption:  # fmt: skip
    mandate = _mandate(payment, method.instrument, means)
    if method.channel == WALLET_CHANNEL:
        who, mandate = Authentication.WALLET, None
    else:
        who = Authentication.PASSKEY if mandate is None else Authentication.MANDATE
    if means.payer.state != PayerState.ACTIVE:
        obstacle = Reason.PAYER_FROZEN
    if obstacle is None and who is Authentication.PASSKEY:
        obstacle = means.passkey_obstacle
    method = method._replace(mandate=None if mandate is None else mandate.id)
    now = (payment.channel, payment.instrument, payment.mandate, payment.bank)
    allowance = None
    if mandate is not None:
        allowance = Allowance(mandate.payment_max, _left(mandate, means), mandate.expire_time)
    return PaymentOption(method, display, brand, who, obstacle, balance, now == method[:4], allowance)


def _mandate(payment: Payment, instrument: bytes | None, means: Means) -> Mandate | None:
    """Returns the mandate that spares the finger: the payment's own if it does, otherwise the newest that does."""
    if means.stranger:
        return None
    covering = [each for each in means.mandates if _covers(each, payment, instrument, means)]
    return next((each for each in covering if each.id == payment.mandate), covering[0] if covering else None)


def _left(mandate: Mandate, means: Means) -> int:
    """Returns what may still be paid under a mandate today."""
    left = mandate.day_max - spent_today(mandate, means.business_us)
    if mandate.total_max:
        left = min(left, mandate.total_max - mandate.spent_total)
    return max(left, 0)


def _covers(mandate: Mandate, payment: Payment, instrument: bytes | None, means: Means) -> bool:
    """Whether a mandate allows the payment from this source today (auth.mandate decides it again when it is spent)."""
    return (
        mandate.state == MandateState.ACTIVE
        and means.business_us < mandate.expire_time
        and mandate.instrument == instrument
        and mandate.currency == payment.currency
        and payment.amount <= min(mandate.payment_max, _left(mandate, means))
    )
