"""A signer for tests: a person who looks at the terms and lets a passkey in software sign them.

In: a SoftPasskey. Out: what `client.payments.confirm(payment, signer)` calls. Invariant: everything shown is kept in
`shown`, so that a test can say what the person saw.
"""

from dataclasses import dataclass, field

from keelpay.challenge import Displayed
from keelpay.enums import ConfirmationMethod
from keelpay.errors import PayerDeclinedError
from keelpay.signer import SigningRequest

from .soft_passkey import SoftPasskey


@dataclass(slots=True)
class PasskeySigner:
    """Signs with a passkey in software.

    Attributes:
        passkey: The device.
        declines: Whether the person says no.
        shown: What the person was shown, in order.
    """

    passkey: SoftPasskey
    declines: bool = False
    shown: list[Displayed] = field(default_factory=list)

    def __call__(self, request: SigningRequest) -> str:
        """Shows the terms and signs them.

        Raises:
            PayerDeclinedError: The person says no.
            NoPasskey: None of the passkeys allowed is here.
        """
        self.shown.append(request.displayed)
        if self.declines:
            raise PayerDeclinedError("the person said no")
        if request.method is ConfirmationMethod.SPC:
            return self.passkey.confirm_payment(request.options_json)
        return self.passkey.get(request.options_json)
