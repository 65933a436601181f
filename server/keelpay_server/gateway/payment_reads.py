"""Reads of payments: one with everything around it, by number, in lists.

In: names and filters, already parsed. Out: stored rows. Invariant: a caller sees its own; a stranger sees nothing, not
even that it exists.
"""

from typing import Final

from keelpay_server.auth.confirmation import Confirmation, ConfirmationState
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.filtering import Meaning, one_of, text_of, time_of
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.ownership import own_partner, own_payer
from keelpay_server.book.ports import Page, Reader
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.risk.decision import Decision

from . import names
from .number import Number, number_key
from .operation import Operation
from .order import KIND as ORDER_KIND
from .payment import Payment, PaymentState

CHANNELS: Final = {"WALLET": 1, "BALANCE": 2, "CARD": 3, "BANK": 4, "STABLECOIN": 5}
FILTERS: Final[dict[str, Meaning]] = {
    "state": one_of("state", PaymentState),
    "order": lambda name: ("order", names.parse_child(name, "orders", ORDER_KIND, "filter")[1]),
    "payer": lambda name: ("payer", names.parse_payer(name, "filter")),
    "channel": lambda name: ("channel", CHANNELS[name]),
    "create_time": time_of("create_time"),
    "merchant_payment_id": text_of("number"),
}
ORDERS: Final = {"create_time": "id"}
"""Ids are made in time order, so a list by time is a list by key."""


async def owned_merchant(reader: Reader, caller: Caller, merchant: str) -> Merchant:
    """Returns a merchant of the caller's.

    Raises:
        Refused: RESOURCE_NOT_FOUND, NOT_OWNER.
    """
    row = await reader.get(Merchant, merchant)
    if row is None:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="merchant")
    own_partner(caller, row.partner)
    return row


async def owned_payment(reader: Reader, caller: Caller, name: str) -> Payment:
    """Returns a payment that the caller may see: its merchant's partner's, its payer's, the one a payer's token is for.

    Raises:
        Refused: RESOURCE_NOT_FOUND, NOT_OWNER, FIELD_INVALID.
    """
    merchant, key = names.parse_child(name, "payments", "pay")
    payment = await reader.get(Payment, key)
    if payment is None or payment.merchant != merchant:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="payment")
    if caller.kind == CallerKind.PAYER:
        own_payer(caller, payment.payer)
        if caller.resource and caller.resource != name:
            raise Refused(Reason.NOT_OWNER)
    else:
        await owned_merchant(reader, caller, merchant)
    return payment


async def payment_by_number(reader: Reader, merchant: str, number: str) -> Payment:
    """Returns the payment of a merchant's own number.

    Raises:
        Refused: RESOURCE_NOT_FOUND.
    """
    row = await reader.get(Number, number_key(merchant, "payments", number))
    payment = None if row is None else await reader.get(Payment, row.subject)
    if payment is None:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="payment")
    return payment


async def around(reader: Reader, payment: Payment) -> tuple[list[Operation], Decision | None, Confirmation | None]:
    """Returns what belongs to a payment: its operations in order, risk's decision, the pending confirmation."""
    operations = await reader.find(Operation, {"subject": payment.id}, Page(100)) if payment.operations else []
    decision = None if payment.decision is None else await reader.get(Decision, payment.decision)
    confirmation = None
    if payment.state == PaymentState.REQUIRES_ACTION and not payment.action:
        act = f"payment:{names.payment_name(payment.merchant, payment.id)}"
        found = await reader.find(Confirmation, {"pending_act": act}, Page(1))
        confirmation = next((row for row in found if row.state == ConfirmationState.PENDING), None)
    return sorted(operations, key=lambda operation: operation.number), decision, confirmation
