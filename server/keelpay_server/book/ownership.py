"""Whose is it: the one check that keeps a caller from another's merchants, payers and payments.

In: the caller and the resource's owner. Out: nothing, or NOT_OWNER, which strangers read as not found.
Invariant: operators see everything, partners their own, payers themselves, nobody else anything; a caller whose token
is for one resource passes for that one alone, whatever else is its payer's.
"""

from .caller import Caller, CallerKind
from .merchant import Merchant
from .ports import Reader
from .reasons import Reason
from .refusal import Refused


def own_partner(caller: Caller, partner: str) -> None:
    """Lets only the partner itself (or an operator) pass.

    Raises:
        Refused: NOT_OWNER.
    """
    if caller.kind == CallerKind.OPERATOR or (caller.kind == CallerKind.PARTNER and caller.partner == partner):
        return
    raise Refused(Reason.NOT_OWNER)


def own_payer(caller: Caller, payer: str, resource: str = "") -> None:
    """Lets the payer itself, its partner or an operator pass.

    Args:
        caller: Who asks.
        payer: Whose it is: `<partner>/<id>`.
        resource: The payment that it belongs to, by its name; empty for what is the payer's as a whole, which no
            token for a single payment reaches.

    Raises:
        Refused: NOT_OWNER.
    """
    if caller.kind == CallerKind.PAYER and caller.subject == payer and caller.resource in ("", resource):
        return
    own_partner(caller, payer.partition("/")[0])


async def owned_merchant(reader: Reader, caller: Caller, merchant: str) -> Merchant:
    """Returns a merchant whose partner, or an operator, asks.

    Raises:
        Refused: RESOURCE_NOT_FOUND, NOT_OWNER.
    """
    row = await reader.get(Merchant, merchant)
    if row is None:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="merchant")
    own_partner(caller, row.partner)
    return row
