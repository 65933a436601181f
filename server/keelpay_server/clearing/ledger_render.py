"""How accounts and legs look on the wire.

In: stored rows, the names of their owners, the events they belong to. Out: the contract's messages.
Invariant: figures are copied, never computed but for the balance, which is counted as the account's side counts.
"""

from keelpay.api.clearing.v1 import account_pb2, leg_pb2
from keelpay_server.book.ids import text
from keelpay_server.book.ports import AccountRow, LegRow
from keelpay_server.book.wire_render import money, stamp
from keelpay_server.ledger.account import AccountNumber, parse
from keelpay_server.ledger.chart import Side
from keelpay_server.ledger.currency import by_number
from keelpay_server.ledger.leg import LegCode

from . import names
from .ledger_reads import EventOfLeg

_SIDES = {Side.DEBIT: 1, Side.CREDIT: 2, Side.CONTROL: 3}
_OF_MERCHANT = {"pay": "payments", "ref": "refunds", "po": "payouts", "ord": "orders"}
_BY_ITSELF = {
    "win": "windows", "set": "settlements", "stm": "statements", "brk": "breaks", "adj": "adjustments",
    "prp": "proposals",
}  # fmt: skip


def render_account(row: AccountRow, owner: str, book: int, sequence: int) -> account_pb2.Account:
    """Returns an account as of a sequence; `owner` is the name of the resource it belongs to, or empty."""
    parts = parse(row.id)
    debit = parts.row.side is Side.DEBIT
    return account_pb2.Account(
        name=names.account_name(book, row.id), title=parts.name, code=parts.row.code, owner=owner,
        window=names.window_name(book, parts.window) if parts.window else "",
        currency_code=by_number(parts.currency).code, normal_side=_SIDES[parts.row.side],  # type: ignore[arg-type]
        floored=parts.row.floored, debits_posted_minor=row.debits, credits_posted_minor=row.credits,
        debits_pending_minor=row.pending_debits, credits_pending_minor=row.pending_credits,
        balance_minor=row.debits - row.credits if debit else row.credits - row.debits, sequence=sequence,
    )  # fmt: skip


def render_leg(leg: LegRow, event: EventOfLeg, book: int) -> leg_pb2.Leg:
    """Returns a leg with what it is about."""
    debit, credit = parse(leg.debit), parse(leg.credit)
    return leg_pb2.Leg(
        book=book, sequence=leg.sequence, ordinal=leg.n, debit_account=names.account_name(book, leg.debit),
        debit_title=debit.name, credit_account=names.account_name(book, leg.credit), credit_title=credit.name,
        amount=money(leg.amount, _code(debit)), kind=LegCode(leg.code).name.lower(),
        resource=resource_of(event.kind, event.id, event.owner), create_time=stamp(event.business_time),
    )  # fmt: skip


def resource_of(kind: str, key: bytes | str, owner: str) -> str:
    """Returns the name of what an event is about."""
    if isinstance(key, str):
        return f"{kind}/{key}"
    if kind in _OF_MERCHANT:
        return f"merchants/{owner}/{_OF_MERCHANT[kind]}/{text(kind, key)}"
    return f"{_BY_ITSELF.get(kind, kind)}/{text(kind, key)}"


def _code(parts: AccountNumber) -> str:
    return by_number(parts.currency).code
