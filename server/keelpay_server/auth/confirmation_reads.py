"""Confirmations found by the names that requests carry.

In: a name, and who asks. Out: the stored confirmation. Invariant: a name whose payer is not the confirmation's own
finds nothing, and a token for one payment finds that payment's alone.
"""

from keelpay_server.book.caller import Caller
from keelpay_server.book.ownership import own_payer
from keelpay_server.book.ports import Reader
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

from .confirmation import Confirmation
from .names import parse_payers_own


async def named_confirmation(reader: Reader, name: str, field: str) -> Confirmation:
    """Returns a confirmation, whoever asks.

    Args:
        reader: Where it is stored.
        name: `partners/{p}/payers/{u}/confirmations/{c}`.
        field: Where the name stood in the request.

    Raises:
        Refused: RESOURCE_NOT_FOUND, FIELD_INVALID.
    """
    own = parse_payers_own("confirmations", name, field)
    row = await reader.get(Confirmation, own.id)
    if row is None or row.payer != own.payer:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="confirmation")
    return row


async def own_confirmation(reader: Reader, caller: Caller, name: str) -> Confirmation:
    """Returns a confirmation of the caller's own payer.

    Raises:
        Refused: RESOURCE_NOT_FOUND, FIELD_INVALID, NOT_OWNER.
    """
    row = await named_confirmation(reader, name, "name")
    own_payer(caller, row.payer, row.subject)
    return row
