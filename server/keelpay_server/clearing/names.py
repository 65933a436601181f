"""Resource names of clearing's nouns, both ways (AIP-122), and whose they are.

In: keys, or names from requests. Out: names, or keys. Invariant: parse(render(x)) == x; a name of another form is
refused as FIELD_INVALID before anything is looked up.
"""

from keelpay_server.book.ids import book_of, parse, text
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid

from . import bank_statement, disagreement, payout, settlement, window
from .window import window_key, window_number

PROPOSAL = "prp"
COLLECTIONS = {
    "windows": window.KIND,
    "settlements": settlement.KIND,
    "statements": bank_statement.KIND,
    "breaks": disagreement.KIND,
    "proposals": PROPOSAL,
}


def name_of(collection: str, key: bytes | None) -> str:
    """`<collection>/{id}`; empty for none."""
    return "" if key is None else f"{collection}/{text(COLLECTIONS[collection], key)}"


def key_of(collection: str, name: str, field: str = "name") -> bytes:
    """Returns the key of `<collection>/{id}`."""
    head, _, rest = name.partition("/")
    if head != collection:
        invalid(field, f"{name[:80]!r} is not {collection}/{{id}}")
    return parse(COLLECTIONS[collection], rest, field)


def window_name(book: int, number: int) -> str:
    """`windows/{w}`."""
    return name_of("windows", window_key(book, number))


def window_of(name: str, book: int, field: str = "name") -> int:
    """Returns the number of `windows/{w}`.

    Raises:
        Refused: FIELD_INVALID; RESOURCE_NOT_FOUND for a window of another book.
    """
    key = key_of("windows", name, field)
    if book_of(key) != book:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="window")
    return window_number(key)


def merchant_name(merchant: str) -> str:
    """`merchants/{m}`; empty for none."""
    return f"merchants/{merchant}" if merchant else ""


def merchant_of(name: str, field: str = "name") -> str:
    """Returns the id of `merchants/{m}`."""
    head, _, merchant = name.partition("/")
    if head != "merchants" or not merchant or "/" in merchant:
        invalid(field, f"{name[:80]!r} is not merchants/{{m}}")
    return merchant


def payout_name(merchant: str, key: bytes) -> str:
    """`merchants/{m}/payouts/{x}`."""
    return f"merchants/{merchant}/payouts/{text(payout.KIND, key)}"


def payout_of(name: str, field: str = "name") -> tuple[str, bytes]:
    """Returns (merchant, key) of `merchants/{m}/payouts/{x}`."""
    merchant, middle, rest = name.partition("/payouts/")
    if not middle:
        invalid(field, f"{name[:80]!r} is not merchants/{{m}}/payouts/{{id}}")
    return merchant_of(merchant, field), parse(payout.KIND, rest, field)


def account_name(book: int, number: int) -> str:
    """`accounts/{book}-{number}`."""
    return f"accounts/{book}-{number}"


def account_of(name: str, book: int, field: str = "name") -> int:
    """Returns the number of `accounts/{book}-{number}`.

    Raises:
        Refused: FIELD_INVALID; RESOURCE_NOT_FOUND for an account of another book.
    """
    where, _, number = name.removeprefix("accounts/").partition("-")
    if not (where.isdecimal() and number.isdecimal()) or int(number) >= 1 << 63:
        invalid(field, f"{name[:80]!r} is not accounts/{{book}}-{{number}}")
    if int(where) != book:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="account")
    return int(number)
