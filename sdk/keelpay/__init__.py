"""The keelpay client library: create an order, let the user pay, watch the result, refund.

    async with keelpay.AsyncClient("pay.example.com", credentials=...) as client:
        draft = client.payments.draft(amount=keelpay.Money.of("12.30", "CNY"), method=..., region="CN")
        payment = await client.payments.create(draft)

`Client` is the same for code that blocks. Everything named here is loaded when it is first used, so that importing
the package costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import credentials, enums, errors, models, webhooks
    from ._async.client import AsyncClient
    from ._async.pager import AsyncPager
    from ._async.watch import AsyncEventStream, AsyncPaymentWatch
    from ._names import Defaults
    from ._page import Page
    from ._retry import Backoff
    from ._sync.client import Client
    from ._sync.pager import Pager
    from ._sync.watch import EventStream, PaymentWatch
    from .adjustment import AdjustmentLeg
    from .browser_signer import BrowserSigner
    from .credentials import Credentials
    from .enums import CaptureMethod, Channel, ConfirmationMethod, OrderState, PaymentState, Reason, RefundState
    from .errors import (
        AlreadyExistsError,
        ConfigurationError,
        ConflictError,
        DeadlineError,
        ExhaustedError,
        FailedPreconditionError,
        InternalError,
        InterruptedCallError,
        InvalidArgumentError,
        KeelpayError,
        NotFoundError,
        PayerDeclinedError,
        PermissionDeniedError,
        RefusedError,
        TermsDifferError,
        UnauthenticatedError,
        UnavailableError,
        UnsupportedError,
        WebhookError,
    )
    from .instrument_details import BankAccount, Card, ChainAddress, Wallet
    from .merchant_terms import Calendar, Fee, Fees, PayoutDestination
    from .models import Event, Order, Payment, Refund
    from .money import Money
    from .payment_draft import PaymentDraft
    from .payment_method import Device, PaymentMethod, Region
    from .request_id import new_request_id
    from .risk_facts import NewListEntry, PaymentFacts
    from .signer import AsyncSigner, Signer, SigningRequest
    from .signing_key import SigningPrivateKey
    from .version import VERSION

_MODULES = ("credentials", "enums", "errors", "models", "webhooks")
_HOMES = {
    "_async.client": "AsyncClient",
    "_async.pager": "AsyncPager",
    "_async.watch": "AsyncEventStream AsyncPaymentWatch",
    "_names": "Defaults",
    "_page": "Page",
    "_retry": "Backoff",
    "_sync.client": "Client",
    "_sync.pager": "Pager",
    "_sync.watch": "EventStream PaymentWatch",
    "adjustment": "AdjustmentLeg",
    "browser_signer": "BrowserSigner",
    "credentials": "Credentials",
    "enums": "CaptureMethod Channel ConfirmationMethod OrderState PaymentState Reason RefundState",
    "errors": (
        "AlreadyExistsError ConfigurationError ConflictError DeadlineError ExhaustedError FailedPreconditionError "
        "InternalError InterruptedCallError InvalidArgumentError KeelpayError NotFoundError PayerDeclinedError "
        "PermissionDeniedError RefusedError TermsDifferError UnauthenticatedError UnavailableError UnsupportedError "
        "WebhookError"
    ),
    "instrument_details": "BankAccount Card ChainAddress Wallet",
    "merchant_terms": "Calendar Fee Fees PayoutDestination",
    "models": "Event Order Payment Refund",
    "money": "Money",
    "payment_draft": "PaymentDraft",
    "payment_method": "Device PaymentMethod Region",
    "request_id": "new_request_id",
    "risk_facts": "NewListEntry PaymentFacts",
    "signer": "AsyncSigner Signer SigningRequest",
    "signing_key": "SigningPrivateKey",
    "version": "VERSION",
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names.split()}

__all__ = [
    "VERSION",
    "AdjustmentLeg",
    "AlreadyExistsError",
    "AsyncClient",
    "AsyncEventStream",
    "AsyncPager",
    "AsyncPaymentWatch",
    "AsyncSigner",
    "Backoff",
    "BankAccount",
    "BrowserSigner",
    "Calendar",
    "CaptureMethod",
    "Card",
    "ChainAddress",
    "Channel",
    "Client",
    "ConfigurationError",
    "ConfirmationMethod",
    "ConflictError",
    "Credentials",
    "DeadlineError",
    "Defaults",
    "Device",
    "Event",
    "EventStream",
    "ExhaustedError",
    "FailedPreconditionError",
    "Fee",
    "Fees",
    "InternalError",
    "InterruptedCallError",
    "InvalidArgumentError",
    "KeelpayError",
    "Money",
    "NewListEntry",
    "NotFoundError",
    "Order",
    "OrderState",
    "Page",
    "Pager",
    "PayerDeclinedError",
    "Payment",
    "PaymentDraft",
    "PaymentFacts",
    "PaymentMethod",
    "PaymentState",
    "PaymentWatch",
    "PayoutDestination",
    "PermissionDeniedError",
    "Reason",
    "Refund",
    "RefundState",
    "RefusedError",
    "Region",
    "Signer",
    "SigningPrivateKey",
    "SigningRequest",
    "TermsDifferError",
    "UnauthenticatedError",
    "UnavailableError",
    "UnsupportedError",
    "Wallet",
    "WebhookError",
    "credentials",
    "enums",
    "errors",
    "models",
    "new_request_id",
    "webhooks",
]


def __getattr__(name: str) -> Any:
    """Loads what is asked for (PEP 562)."""
    if name in _MODULES:
        return import_module(f".{name}", __name__)
    if name not in _HOME_OF:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value = getattr(import_module(f".{_HOME_OF[name]}", __name__), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """What there is."""
    return sorted(__all__)
