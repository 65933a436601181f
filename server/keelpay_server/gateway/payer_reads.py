"""Reads of payers: one, what it holds, its instruments and payments, and what lists may be filtered by.

In: names of requests. Out: stored rows. Invariant: a caller sees its own; a stranger sees nothing.
"""

from typing import Final, NamedTuple

from keelpay_server.book.caller import Caller
from keelpay_server.book.filtering import Meaning, one_of, time_of
from keelpay_server.book.ownership import own_payer
from keelpay_server.book.payer import Payer
from keelpay_server.book.ports import Reader
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.ledger.account import number
from keelpay_server.ledger.chart import Chart
from keelpay_server.ledger.currency import currency

from . import names
from .instrument import KIND, Instrument, InstrumentState
from .payment import PaymentState
from .payment_reads import CHANNELS

INSTRUMENT_FILTERS: Final[dict[str, Meaning]] = {
    "channel": lambda name: ("channel", CHANNELS[name]),
    "state": one_of("state", InstrumentState),
}
PAYMENT_FILTERS: Final[dict[str, Meaning]] = {
    "state": one_of("state", PaymentState),
    "create_time": time_of("create_time"),
}


class Holding(NamedTuple):
    """What a payer holds in one currency, in minor units."""

    currency: str
    available: int
    held: int
    frozen: int


async def owned_payer(reader: Reader, caller: Caller, name: str, field: str = "name") -> Payer:
    """Returns a payer that the caller may see: itself, or its partner's.

    Raises:
        Refused: RESOURCE_NOT_FOUND, NOT_OWNER, FIELD_INVALID.
    """
    key = names.parse_payer(name, field)
    own_payer(caller, key)
    payer = await reader.get(Payer, key)
    if payer is None:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="payer")
    return payer


async def owned_instrument(reader: Reader, caller: Caller, name: str, field: str = "name") -> Instrument:
    """Returns an instrument of a payer that the caller may see.

    Raises:
        Refused: RESOURCE_NOT_FOUND, NOT_OWNER, FIELD_INVALID.
    """
    owner, key = names.parse_of_payer(name, "instruments", KIND, field)
    own_payer(caller, owner)
    instrument = await reader.get(Instrument, key)
    if instrument is None or instrument.payer != owner:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="instrument")
    return instrument


async def holdings(reader: Reader, payer: Payer) -> list[Holding]:
    """Returns what a payer holds, by currency code, of one moment."""
    found = []
    async with reader.consistent() as moment:
        for code in sorted(payer.currencies.split()):
            balance = await moment.account(payer.balance(code))
            frozen = await moment.account(number(Chart.PAYER_FROZEN, currency(code).number, payer.number))
            if balance is not None:
                left = balance.credits - balance.debits
                kept = 0 if frozen is None else frozen.credits - frozen.debits
                found.append(Holding(code, left - balance.pending_debits, balance.pending_debits, kept))
    return found
