"""Reads of refunds: one with its operations, by name or number, and what lists may be filtered by.

In: names and numbers of requests. Out: stored rows. Invariant: a caller sees its own; a stranger sees nothing.
"""

from typing import Final

from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.filtering import Meaning, one_of, time_of
from keelpay_server.book.ownership import own_payer, owned_merchant
from keelpay_server.book.ports import Reader
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

from . import names
from .number import Number, number_key
from .operation import Operation
from .payment import KIND as PAYMENT_KIND
from .payment_reads import everything_asked
from .refund import KIND, Refund, RefundState

_TRUTH: Final = {"true": True, "false": False}
FILTERS: Final[dict[str, Meaning]] = {
    "state": one_of("state", RefundState),
    "payment": lambda name: ("payment", names.parse_child(name, "payments", PAYMENT_KIND, "filter")[1]),
    "lagging": lambda text: ("lagging", _TRUTH[text]),
    "create_time": time_of("create_time"),
}


async def owned_refund(reader: Reader, caller: Caller, name: str) -> Refund:
    """Returns a refund that the caller may see: its merchant's partner's, or its payer's.

    Raises:
        Refused: RESOURCE_NOT_FOUND, NOT_OWNER, FIELD_INVALID.
    """
    merchant, key = names.parse_child(name, "refunds", KIND)
    refund = await reader.get(Refund, key)
    if refund is None or refund.merchant != merchant:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="refund")
    if caller.kind == CallerKind.PAYER:
        own_payer(caller, refund.payer, names.payment_name(merchant, refund.payment))
    else:
        await owned_merchant(reader, caller, merchant)
    return refund


async def refund_by_number(reader: Reader, merchant: str, number: str) -> Refund:
    """Returns the refund of a merchant's own number.

    Raises:
        Refused: RESOURCE_NOT_FOUND.
    """
    row = await reader.get(Number, number_key(merchant, "refunds", number))
    refund = None if row is None else await reader.get(Refund, row.subject)
    if refund is None:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="refund")
    return refund


async def operations_of(reader: Reader, refund: Refund) -> list[Operation]:
    """Returns everything asked of a bank for a refund, oldest first."""
    if not refund.operations:
        return []
    return await everything_asked(reader, refund.id)
