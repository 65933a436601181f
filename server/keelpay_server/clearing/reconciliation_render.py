"""How statements and breaks look on the wire.

In: stored rows and counts. Out: the contract's messages. Invariant: amounts that nobody told are absent, not zero.
"""

from keelpay.api.clearing.v1 import break_pb2, statement_pb2
from keelpay_server.book.wire_render import money_or_none, stamp, stamp_or_none

from . import names
from .bank_statement import Statement
from .disagreement import Disagreement, age_days
from .ledger_render import resource_of


def render_statement(row: Statement, matched: int, open_breaks: int) -> statement_pb2.Statement:
    """Returns a statement with how many of its lines are matched and how many of its breaks are open."""
    return statement_pb2.Statement(
        name=names.name_of("statements", row.id), bank=row.bank, statement_number=row.number,
        format=row.format,  # type: ignore[arg-type]
        currency_code=row.currency, opening_balance_minor=row.opening, closing_balance_minor=row.closing,
        from_time=stamp_or_none(row.from_time), to_time=stamp_or_none(row.to_time), content_sha256=row.sha256,
        line_count=row.line_count, matched_count=matched, open_break_count=open_breaks,
        reconcile_time=stamp_or_none(row.reconcile_time), create_time=stamp(row.business_time),
    )  # fmt: skip


def render_break(row: Disagreement, business_us: int) -> break_pb2.Break:
    """Returns a break as old as it is now."""
    resource = "" if row.subject is None else resource_of(row.subject_kind, row.subject, row.merchant)
    return break_pb2.Break(
        name=names.name_of("breaks", row.id), kind=row.kind, state=row.state,  # type: ignore[arg-type]
        state_version=row.state_version, bank=row.bank, statement=names.name_of("statements", row.statement),
        bank_reference=row.bank_reference, resource=resource,
        ledger_amount=money_or_none(row.ledger_amount, row.currency),
        channel_amount=money_or_none(row.channel_amount, row.currency),
        bank_amount=money_or_none(row.bank_amount, row.currency), age_days=age_days(row, business_us),
        proposal=names.name_of("proposals", row.proposal), resolution=row.resolution,  # type: ignore[arg-type]
        comment=row.comment, create_time=stamp(row.create_time), update_time=stamp(row.update_time),
    )  # fmt: skip
