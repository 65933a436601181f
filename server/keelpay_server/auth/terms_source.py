"""The port through which this room learns what is to be signed: payments and instruments live in a room above.

In: resource names. Out: terms and displays as they are now. Invariant: what a payer is shown comes from stored facts,
never from the request that asks for the signature.
"""

from typing import Protocol

from .terms import ConfirmationMethod, PaymentTerms


class PaymentTermsSource(Protocol):
    """What `gateway` tells about what it stores."""

    async def payment_terms(self, payment: str, *, payer: str, rp_id: str, method: ConfirmationMethod) -> PaymentTerms:
        """Returns the terms of a payment as it is now.

        Args:
            payment: `merchants/{m}/payments/{p}`.
            payer: Whose it has to be, `<partner>/<id>`.
            rp_id: Goes into the terms.
            method: Goes into the terms.

        Raises:
            Refused: RESOURCE_NOT_FOUND (also another payer's, in any state); ILLEGAL_TRANSITION where the payment does
                not wait for a confirmation.
        """

    async def instrument_display(self, payer: str, instrument: str) -> str:
        """Returns what a payer reads of an own instrument that can be used.

        Args:
            payer: `<partner>/<id>`.
            instrument: `partners/{p}/payers/{u}/instruments/{i}`.

        Raises:
            Refused: RESOURCE_NOT_FOUND (also another payer's), INSTRUMENT_NOT_USABLE.
        """
