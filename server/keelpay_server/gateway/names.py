"""Resource names of the gateway's nouns, both ways (AIP-122).

In: keys and owners, or names from requests. Out: names, or keys. Invariant: parse(render(x)) == x, and a name that is
not of the form is refused as FIELD_INVALID before anything is looked up.
"""

from typing import Final

from keelpay_server.auth.names import MANDATE, mandate_name, merchant_name
from keelpay_server.auth.names import payer_name as _payer_name
from keelpay_server.book.ids import parse, text
from keelpay_server.book.refusal import invalid

from . import instrument, order, payment, refund, transfer

__all__ = ["MANDATE", "mandate_name", "merchant_name"]
_PARTS_OF_CHILD: Final = 4
_PARTS_OF_PAYERS_OWN: Final = 6


def payer_name(payer: str) -> str:
    """`partners/{p}/payers/{u}` of a payer's id; empty for none."""
    return _payer_name(payer) if payer else ""


def payment_name(merchant: str, key: bytes) -> str:
    """`merchants/{m}/payments/{p}`."""
    return f"merchants/{merchant}/payments/{text(payment.KIND, key)}"


def order_name(merchant: str, key: bytes) -> str:
    """`merchants/{m}/orders/{o}`."""
    return f"merchants/{merchant}/orders/{text(order.KIND, key)}"


def instrument_name(payer: str, key: bytes) -> str:
    """`partners/{p}/payers/{u}/instruments/{i}`."""
    return f"{payer_name(payer)}/instruments/{text(instrument.KIND, key)}"


def parse_merchant(name: str, field: str = "parent") -> str:
    """Returns the merchant's id.

    Raises:
        Refused: FIELD_INVALID.
    """
    collection, _, merchant = name.partition("/")
    if collection != "merchants" or not merchant or "/" in merchant:
        invalid(field, f"{name[:80]!r} is not merchants/{{m}}")
    return merchant


def parse_payer(name: str, field: str = "payer") -> str:
    """Returns the payer's id, `<partner>/<person>`; empty for an empty name.

    Raises:
        Refused: FIELD_INVALID.
    """
    if not name:
        return ""
    parts = name.split("/")
    if len(parts) != _PARTS_OF_CHILD or parts[0] != "partners" or parts[2] != "payers":
        invalid(field, f"{name[:80]!r} is not partners/{{p}}/payers/{{u}}")
    return f"{parts[1]}/{parts[3]}"


def parse_child(name: str, collection: str, kind: str, field: str = "name") -> tuple[str, bytes]:
    """Returns (merchant, key) of `merchants/{m}/<collection>/{id}`.

    Raises:
        Refused: FIELD_INVALID.
    """
    parts = name.split("/")
    if len(parts) != _PARTS_OF_CHILD or parts[0] != "merchants" or parts[2] != collection:
        invalid(field, f"{name[:80]!r} is not merchants/{{m}}/{collection}/{{id}}")
    return parts[1], parse(kind, parts[3], field)


def parse_of_payer(name: str, collection: str, kind: str, field: str) -> tuple[str, bytes]:
    """Returns (payer, key) of `partners/{p}/payers/{u}/<collection>/{id}`.

    Raises:
        Refused: FIELD_INVALID.
    """
    parts = name.split("/")
    wrong = len(parts) != _PARTS_OF_PAYERS_OWN or parts[0] != "partners" or parts[2] != "payers"
    if wrong or parts[4] != collection:
        invalid(field, f"{name[:80]!r} is not partners/{{p}}/payers/{{u}}/{collection}/{{id}}")
    return f"{parts[1]}/{parts[3]}", parse(kind, parts[5], field)


def refund_name(merchant: str, key: bytes) -> str:
    """`merchants/{m}/refunds/{r}`."""
    return f"merchants/{merchant}/refunds/{text(refund.KIND, key)}"


def transfer_name(payer: str, key: bytes) -> str:
    """`partners/{p}/payers/{u}/transfers/{t}`."""
    return f"{payer_name(payer)}/transfers/{text(transfer.KIND, key)}"
