"""Reads of the checkout: what a payer has to pay with, and what stands around one payment.

In: a stored payment. Out: the facts that options and sessions are made from. Invariant: nothing of another payer is
read, whoever asks.
"""

from collections.abc import Sequence
from typing import Final

from keelpay_server.auth.confirmation_commands import Ceremony, usable
from keelpay_server.auth.device import is_known
from keelpay_server.auth.enrolment import Registration
from keelpay_server.auth.mandate import Mandate, MandateState
from keelpay_server.auth.passkey import Passkey, PasskeyState
from keelpay_server.auth.payer_link import PayerLink
from keelpay_server.auth.settings import AuthSettings
from keelpay_server.auth.terms import ConfirmationMethod
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.payer import Payer
from keelpay_server.book.ports import Page, Reader
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid

from .confirm import terms_of
from .instrument import Instrument, InstrumentState
from .parties import WALLET_CHANNEL
from .payer_reads import holdings
from .payment import Payment
from .payment_option import Means
from .routes import Routes

INSTRUMENTS_MAX: Final = 50
MANDATES_MAX: Final = 50
PASSKEYS_MAX: Final = 100
HABIT: Final = 20
"""How many of the payer's latest payments tell what it uses."""


async def means_of(
    reader: Reader, routes: Routes, settings: AuthSettings, payment: Payment, wall_us: int, *, stranger: bool
) -> Means:
    """Returns what the payer of a payment has to pay it with; `stranger` as in `Means`.

    Raises:
        Refused: FIELD_INVALID where the payment names no payer.
    """
    payer = await payer_of(reader, payment)
    merchant = await merchant_of(reader, payment)
    newest = Page(INSTRUMENTS_MAX, descending=True)
    instruments = await reader.find(Instrument, {"payer": payer.id, "state": InstrumentState.ACTIVE}, newest)
    given = {"payer": payer.id, "merchant": merchant.id, "state": MandateState.ACTIVE}
    mandates = await reader.find(Mandate, given, Page(MANDATES_MAX, descending=True))
    latest = await reader.find(Payment, {"payer": payer.id}, Page(HABIT, descending=True))
    held = next((each for each in await holdings(reader, payer) if each.currency == payment.currency), None)
    business_us = (await reader.book()).business_us
    return Means(
        payer=payer, instruments=instruments, mandates=mandates, available=None if held is None else held.available,
        wallets=routes.all(WALLET_CHANNEL, payment.currency),
        rail_of=lambda channel, bank: routes.choose(channel, payment.currency, bank),
        passkey_obstacle=await _passkey_obstacle(reader, settings, payment, merchant, wall_us),
        used=[(each.channel, each.instrument) for each in latest if each.authorized],
        business_us=business_us, stranger=stranger,
    )  # fmt: skip


async def payer_of(reader: Reader, payment: Payment) -> Payer:
    """Returns the payer of a payment.

    Raises:
        Refused: FIELD_INVALID where it names none.
    """
    if not payment.payer:
        invalid("payment", "names no payer")
    payer = await reader.get(Payer, payment.payer)
    if payer is None:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="payer")
    return payer


async def merchant_of(reader: Reader, payment: Payment) -> Merchant:
    """Returns the merchant of a payment."""
    merchant = await reader.get(Merchant, payment.merchant)
    if merchant is None:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="merchant")
    return merchant


async def active_passkeys(reader: Reader, payer: str) -> list[Passkey]:
    """Returns the passkeys of a payer that may sign."""
    return await reader.find(Passkey, {"payer": payer, "state": PasskeyState.ACTIVE}, Page(PASSKEYS_MAX))


def is_stranger(link: PayerLink | None, keys: Sequence[Passkey]) -> bool:
    """Tells whether a link's session is on a device that its payer never confirmed on: perhaps the link strayed.

    Args:
        link: The session's link, or None where a partner asked for the token for its own user.
        keys: The payer's passkeys that may sign.
    """
    return link is not None and not is_known(keys, link.device)


async def recovery_of(reader: Reader, payer: str, wall_us: int) -> Registration | None:
    """Returns the newest recovery of a payer if it still waits for its passkey, whatever else was begun since."""
    newest = await reader.find(Registration, {"payer": payer, "recovery": True}, Page(1, descending=True))
    waits = [each for each in newest if each.passkey is None and wall_us < each.expire_time]
    return waits[0] if waits else None


async def _passkey_obstacle(
    reader: Reader, settings: AuthSettings, payment: Payment, merchant: Merchant, wall_us: int
) -> Reason | None:
    """Returns why no passkey of the payer could confirm the payment now, or None."""
    keys = await reader.find(Passkey, {"payer": payment.payer}, Page(PASSKEYS_MAX))
    limit_minor = settings.new_passkey_limit(payment.currency)
    ceremony = Ceremony(method=ConfirmationMethod.WEBAUTHN, nonce=b"", life_s=0, limit_minor=limit_minor)
    try:
        usable(keys, terms_of(payment, merchant, None), ceremony, wall_us)
    except Refused as refused:
        return refused.reason
    return None
