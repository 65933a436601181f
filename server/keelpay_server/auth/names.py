"""Resource names of this room: `partners/acme/payers/ama/passkeys/psk-01k...` and back.

In: names from requests, whose form the contract's bounds have checked, and keys of entities. Out: the other of the two.
Invariant: name and key are two spellings of the same thing; a payer's key is `<partner>/<id>`.
"""

from typing import Final, NamedTuple

from keelpay_server.book import ids
from keelpay_server.book.refusal import invalid

CONFIRMATION: Final = "cnf"
MANDATE: Final = "man"
PASSKEY: Final = "psk"
PROPOSAL: Final = "prp"
REGISTRATION: Final = "reg"
SIGNING_KEY: Final = "key"

BALANCE: Final = "balance"
"""What terms name in place of an instrument where the payer's balance here is paid from."""
BALANCE_DISPLAY: Final = "Balance"

_PAYER_PARTS: Final = 4
_PAYERS_OWN: Final = {"confirmations": CONFIRMATION, "passkeys": PASSKEY, "registrations": REGISTRATION}


class PayersOwn(NamedTuple):
    """What belongs to a payer: the payer's key, and its own."""

    payer: str
    id: bytes


def partner_name(partner: str) -> str:
    """Returns `partners/{p}`."""
    return f"partners/{partner}"


def merchant_name(merchant: str) -> str:
    """Returns `merchants/{m}`."""
    return f"merchants/{merchant}"


def payer_name(payer: str) -> str:
    """Returns `partners/{p}/payers/{u}`."""
    partner, _, own = payer.partition("/")
    return f"partners/{partner}/payers/{own}"


def parse_one(collection: str, name: str, field: str = "name") -> str:
    """Reads `partners/{p}`, `merchants/{m}` or any other name of two parts.

    Raises:
        Refused: FIELD_INVALID.
    """
    parts = name.split("/")
    if len(parts) != 2 or parts[0] != collection or not parts[1]:  # noqa: PLR2004  (collection and id)
        invalid(field, f"must be {collection}/<id>")
    return parts[1]


def parse_payer(name: str, field: str = "parent") -> str:
    """Reads a payer's name.

    Raises:
        Refused: FIELD_INVALID.
    """
    parts = name.split("/")
    if len(parts) != _PAYER_PARTS or parts[0] != "partners" or parts[2] != "payers" or not (parts[1] and parts[3]):
        invalid(field, "must be partners/<partner>/payers/<payer>")
    return f"{parts[1]}/{parts[3]}"


def payers_own_name(collection: str, payer: str, key: bytes) -> str:
    """Returns the name of a confirmation, passkey or registration (`collection` in the plural)."""
    return f"{payer_name(payer)}/{collection}/{ids.text(_PAYERS_OWN[collection], key)}"


def parse_payers_own(collection: str, name: str, field: str = "name") -> PayersOwn:
    """Reads the name of a confirmation, passkey or registration.

    Raises:
        Refused: FIELD_INVALID.
    """
    owner, _, last = name.rpartition(f"/{collection}/")
    return PayersOwn(parse_payer(owner, field), ids.parse(_PAYERS_OWN[collection], last, field))


def mandate_name(merchant: str, key: bytes) -> str:
    """Returns `merchants/{m}/mandates/{x}`."""
    return f"merchants/{merchant}/mandates/{ids.text(MANDATE, key)}"


def parse_mandate(name: str, field: str = "name") -> tuple[str, bytes]:
    """Reads a mandate's name: its merchant and its key.

    Raises:
        Refused: FIELD_INVALID.
    """
    owner, _, last = name.partition("/mandates/")
    return parse_one("merchants", owner, field), ids.parse(MANDATE, last, field)


def stream_of(partner: str) -> str:
    """Returns the owner of a partner's own events.

    The slash keeps it apart from every merchant: a merchant may bear the name of another's partner.
    """
    return partner_name(partner)
