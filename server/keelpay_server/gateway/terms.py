"""What a payer is asked to sign for, told to `auth`: payments and instruments as they are stored now.

In: resource names. Out: terms and displays. Invariant: the terms that are shown and the terms that are checked when a
confirmation is spent come from one function.
"""

from dataclasses import replace

from keelpay_server.auth.terms import ConfirmationMethod, PaymentTerms
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.ports import Reader
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

from . import names
from .confirm import CONFIRMABLE, terms_of
from .instrument import KIND as INSTRUMENT_KIND
from .instrument import Instrument, InstrumentState
from .payment import KIND as PAYMENT_KIND
from .payment import Payment, PaymentState, refuse_human


class StoredTerms:
    """See `auth.terms_source.PaymentTermsSource`.

    Args:
        reader: Where payments and instruments are read.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader

    async def payment_terms(self, payment: str, *, payer: str, rp_id: str, method: ConfirmationMethod) -> PaymentTerms:
        """Returns the terms of a payment that waits for its payer; to others there is no such payment, in any state."""
        merchant, key = names.parse_child(payment, "payments", PAYMENT_KIND, "payment")
        row = await self._reader.get(Payment, key)
        payee = await self._reader.get(Merchant, merchant)
        if row is None or payee is None or row.merchant != merchant or row.payer != payer:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="payment")
        if row.state not in CONFIRMABLE or row.operation is not None:
            refuse_human(PaymentState(row.state), PaymentState.PROCESSING)
        instrument = None if row.instrument is None else await self._reader.get(Instrument, row.instrument)
        return replace(terms_of(row, payee, instrument), rp_id=rp_id, method=method)

    async def instrument_display(self, payer: str, instrument: str) -> str:
        """Returns what a payer reads of an own instrument that can be used."""
        owner, key = names.parse_of_payer(instrument, "instruments", INSTRUMENT_KIND, "instrument")
        row = await self._reader.get(Instrument, key)
        if row is None or owner != payer or row.payer != payer:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="instrument")
        if row.state != InstrumentState.ACTIVE:
            raise Refused(Reason.INSTRUMENT_NOT_USABLE)
        return row.display
