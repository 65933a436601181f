"""How windows and settlements look on the wire.

In: stored rows. Out: the contract's messages. Invariant: a settlement's net is the sum of its lines.
"""

from collections.abc import Iterable

from keelpay.api.clearing.v1 import settlement_pb2, window_pb2
from keelpay_server.book.wire_render import money, stamp, stamp_or_none

from . import names
from .settlement import Line, Settlement, read_lines
from .window import Window


def render_window(window: Window, book: int, merchants: int) -> window_pb2.Window:
    """Returns a window; `merchants` is how many accounts it has, or 0 to whom its counts are not told."""
    return window_pb2.Window(
        name=names.window_name(book, window.id), book=book, number=window.id, calendar=window.calendar,
        currency_code=window.currency, state=window.state,  # type: ignore[arg-type]
        state_version=window.state_version, first_sequence=window.first_sequence, last_sequence=window.last_sequence,
        open_time=stamp_or_none(window.open_time), cut_off_time=stamp_or_none(window.cut_off_time),
        due_time=stamp_or_none(window.due_time), close_time=stamp_or_none(window.close_time),
        settle_time=stamp_or_none(window.settle_time), merchant_count=merchants,
        settled_count=window.settled_count if merchants else 0,
    )  # fmt: skip


def render_settlement(settlement: Settlement, book: int) -> settlement_pb2.Settlement:
    """Returns a settlement."""
    return settlement_pb2.Settlement(
        name=names.name_of("settlements", settlement.id), merchant=names.merchant_name(settlement.merchant),
        window=names.window_name(book, settlement.window),
        lines=render_lines(read_lines(settlement.lines), settlement.currency),
        net=money(settlement.net, settlement.currency), through_sequence=settlement.through_sequence,
        due_time=stamp_or_none(settlement.due_time), create_time=stamp(settlement.settle_time),
    )  # fmt: skip


def render_lines(lines: Iterable[Line], currency: str) -> list[settlement_pb2.SettlementLine]:
    """Returns the lines of a settlement or of a preview."""
    return [
        settlement_pb2.SettlementLine(
            kind=int(line.kind),  # type: ignore[arg-type]
            count=line.leg_count,
            amount=money(line.amount, currency),
        )
        for line in lines
    ]
