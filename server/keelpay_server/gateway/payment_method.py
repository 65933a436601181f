"""The method desk: turns a way of paying as a request names it into keys, a rail and its token.

In: names of instruments and mandates. Out: a Method. Invariant: what is named as somebody else's is not there.
"""

from typing import Protocol

from keelpay_server.book.ports import Reader
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

from . import names
from .instrument import KIND as INSTRUMENT_KIND
from .instrument import Instrument
from .method import Method
from .parties import BALANCE_CHANNEL
from .payment import Payment
from .routes import Routes


class WayOfPaying(Protocol):
    """What a request says of a way of paying: the contract's PaymentMethod."""

    @property
    def channel(self) -> int: ...  # noqa: D102
    @property
    def instrument(self) -> str: ...  # noqa: D102
    @property
    def rail(self) -> str: ...  # noqa: D102
    @property
    def mandate(self) -> str: ...  # noqa: D102


class MethodDesk:
    """Reads ways of paying.

    Args:
        reader: Where instruments and mandates are read.
        routes: Which rail serves what.
    """

    def __init__(self, reader: Reader, routes: Routes) -> None:
        self._reader, self._routes = reader, routes

    async def method(
        self, payer: str, merchant: str, channel: int, currency: str, instrument: str, mandate: str, rail: str
    ) -> Method:
        """Returns a way of paying.

        Args:
            payer: Whose the instrument must be, `<partner>/<id>`.
            merchant: Who is paid.
            channel: The contract's Channel.
            currency: Of the payment.
            instrument: Its name, or empty.
            mandate: Its name, or empty.
            rail: The rail that is wanted, or empty.

        Raises:
            Refused: RESOURCE_NOT_FOUND for an instrument of somebody else, MANDATE_PAYEE_MISMATCH for a mandate that is
                named as another shop's. Whose a mandate is, the decision checks (`check_parties`): it loads it anyway.
        """
        key, token, bank = None, "", ""
        if instrument:
            owner, key = names.parse_of_payer(instrument, "instruments", INSTRUMENT_KIND, "payment.instrument")
            row = await self._reader.get(Instrument, key)
            if row is None or row.payer != owner or owner != payer:
                raise Refused(Reason.RESOURCE_NOT_FOUND, resource="instrument")
            token, bank = row.token, row.bank
        if channel != BALANCE_CHANNEL:
            bank = self._routes.choose(channel, currency, rail or bank)
        agreed = None
        if mandate:
            owner, agreed = names.parse_child(mandate, "mandates", names.MANDATE, "payment.mandate")
            if owner != merchant:
                raise Refused(Reason.MANDATE_PAYEE_MISMATCH)
        return Method(channel, key, agreed, bank if channel != BALANCE_CHANNEL else "", token)

    async def chosen(self, chosen: WayOfPaying, payment: Payment) -> Method:
        """Returns another way of paying a stored payment (raises as `method` does)."""
        return await self.method(
            payment.payer, payment.merchant, chosen.channel, payment.currency, chosen.instrument, chosen.mandate,
            chosen.rail,
        )  # fmt: skip
