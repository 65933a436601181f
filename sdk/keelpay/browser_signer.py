"""BrowserSigner: hands a payment over to the browser, where its payer looks at it and signs.

In: a payment's link. Out: an opened page; whoever asked watches the payment. Invariant: the program that hands over
sees no signature and no secret of the payer, and needs no passkey of its own.
"""

import webbrowser
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

from .enums import PaymentState
from .errors import ConfigurationError
from .models.checkout import PayerLink

OVER: Final = frozenset(
    {
        PaymentState.AUTHORIZED,
        PaymentState.PARTIALLY_CAPTURED,
        PaymentState.CAPTURED,
        PaymentState.CANCELLED,
        PaymentState.EXPIRED,
        PaymentState.REJECTED,
    }
)
"""States in which the payer has nothing more to do."""


def open_in_browser(link: PayerLink) -> None:
    """Opens a link in this machine's browser.

    Raises:
        ConfigurationError: There is no browser here.
    """
    if not webbrowser.open(link.url):
        raise ConfigurationError("no browser can be opened here: give BrowserSigner an opener of your own")


@dataclass(frozen=True, slots=True, kw_only=True)
class BrowserSigner:
    """Takes the place of a signer: `client.payments.confirm(payment, BrowserSigner())`.

    Attributes:
        opener: Brings the link before the payer: opens a browser, shows `link.qr_svg()`, sends a message. The
            asynchronous client awaits what it returns.
    """

    opener: Callable[[PayerLink], Awaitable[None] | None] = open_in_browser
