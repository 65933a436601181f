"""Reads of payments: one with everything around it, by number, in lists.

In: names and filters, already parsed. Out: stored rows. Invariant: a caller sees its own; a stranger sees nothing, not
even that it exists.
"""

from collections.abc import Iterable
from typing import Final

from keelpay_server.auth.confirmation import Confirmation, ConfirmationState
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.channel import Channel
from keelpay_server.book.filtering import Meaning, one_of, text_of, time_of
from keelpay_server.book.ownership import own_partner, own_payer, owned_merchant
from keelpay_server.book.ports import Page, Reader
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import Key
from keelpay_server.risk.decision import Decision

from . import names
from .number import Number, number_key
from .operation import Operation
from .order import KIND as ORDER_KIND
from .payment import Payment, PaymentState

CHANNELS: Final = {channel.name: int(channel) for channel in Channel}
FILTERS: Final[dict[str, Meaning]] = {
    "state": one_of("state", PaymentState),
    "order": lambda name: ("order", names.parse_child(name, "orders", ORDER_KIND, "filter")[1]),
    "payer": lambda name: ("payer", names.parse_payer(name, "filter")),
    "channel": lambda name: ("channel", CHANNELS[name]),
    "create_time": time_of("create_time"),
    "merchant_payment_id": text_of("number"),
}
OPERATIONS_A_PAGE: Final = 500
OWNERS_MAX: Final = 100_000
ORDERS: Final = {"create_time": "id"}
"""Ids are made in time order, so a list by time is a list by key."""


class MerchantOwners:
    """Whose merchants are: looked up once, since a merchant has one partner for ever.

    Args:
        reader: Where merchants are read.
    """

    def __init__(self, reader: Reader) -> None:
        self._reader = reader
        self._partners: dict[str, str] = {}

    async def check(self, caller: Caller, merchant: str) -> None:
        """Lets only the merchant's partner or an operator pass.

        Raises:
            Refused: RESOURCE_NOT_FOUND, NOT_OWNER.
        """
        partner = self._partners.get(merchant)
        if partner is None:
            partner = (await owned_merchant(self._reader, caller, merchant)).partner
            if len(self._partners) >= OWNERS_MAX:
                self._partners.clear()
            self._partners[merchant] = partner
        own_partner(caller, partner)


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
        own_payer(caller, payment.payer, name)
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


async def took_part(reader: Reader, payment: bytes, bank: str) -> bool:
    """Tells whether anything was asked of a bank for a payment."""
    return bool(bank) and bool(await reader.find(Operation, {"subject": payment, "bank": bank}, Page(1)))


async def around(
    reader: Reader, payment: Payment, known: Iterable[object] = ()
) -> tuple[list[Operation], Decision | None, Confirmation | None]:
    """Returns what belongs to a payment: its operations in order, risk's decision, the pending confirmation.

    Args:
        reader: For what is not known.
        payment: As it is now.
        known: Rows of the commits that made it so: what is among them is not read again.
    """
    latest = {row.id: row for row in known if isinstance(row, Operation | Decision)}
    operations = [row for row in latest.values() if isinstance(row, Operation) and row.subject == payment.id]
    operations.sort(key=lambda operation: operation.number)
    if len(operations) != payment.operations:
        operations = await everything_asked(reader, payment.id)
    decision = None
    if payment.decision is not None:
        row = latest.get(payment.decision)
        decision = row if isinstance(row, Decision) else await reader.get(Decision, payment.decision)
    confirmation = None
    if payment.state == PaymentState.REQUIRES_ACTION and not payment.action:
        act = f"payment:{names.payment_name(payment.merchant, payment.id)}"
        found = await reader.find(Confirmation, {"pending_act": act}, Page(1))
        confirmation = next((row for row in found if row.state == ConfirmationState.PENDING), None)
    return operations, decision, confirmation


async def everything_asked(reader: Reader, subject: bytes) -> list[Operation]:
    """Returns everything asked of banks for a payment or a refund, oldest first, however much it is."""
    found: list[Operation] = []
    after: tuple[Key, Key] | None = None
    while True:
        page = await reader.find(Operation, {"subject": subject}, Page(OPERATIONS_A_PAGE, after, order="number"))
        found += page
        if len(page) < OPERATIONS_A_PAGE:
            return found
        after = (page[-1].number, page[-1].id)
