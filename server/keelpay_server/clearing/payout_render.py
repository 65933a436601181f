"""How a payout looks on the wire.

In: a stored payout. Out: the contract's message. Invariant: of the account it goes to, only the last four are told.
"""

import json
from typing import Final

from keelpay.api.clearing.v1 import payout_pb2
from keelpay_server.book.wire_render import money, stamp, stamp_or_none

from . import names
from .payout import Payout

_REASONS: Final = {
    "RESERVE_INSUFFICIENT": 7, "ACCOUNT_CLOSED": 3, "ACCOUNT_INVALID": 3, "UNSUPPORTED": 8, "LIMIT_EXCEEDED": 5,
    "NEVER_ARRIVED": 7, "INSUFFICIENT_FUNDS": 1,
}  # fmt: skip
"""A rail's codes, and ours, in the contract's DeclineReason; any other is a plain no."""
_DECLINED: Final = 2


def render_payout(row: Payout) -> payout_pb2.Payout:
    """Returns a payout."""
    payout = payout_pb2.Payout(
        name=names.payout_name(row.merchant, row.id), merchant_payout_id=row.number,
        amount=money(row.amount, row.currency), state=row.state,  # type: ignore[arg-type]
        state_version=row.state_version, bank=row.bank, account_last_four=row.last_four,
        proposal=names.name_of("proposals", row.proposal), settlement=names.name_of("settlements", row.settlement),
        statement_descriptor=row.descriptor, due_time=stamp_or_none(row.due_time), pay_time=stamp_or_none(row.pay_time),
        reconciled=row.line is not None, create_time=stamp(row.create_time), update_time=stamp(row.update_time),
    )  # fmt: skip
    if row.failure:
        failure = json.loads(row.failure)
        payout.last_failure.MergeFrom(
            payout_pb2.PayoutFailure(
                reason=_REASONS.get(failure.get("refused") or failure["code"], _DECLINED),  # type: ignore[arg-type]
                rail_code=failure["code"],
                time=stamp(failure["time"]),
            )
        )
    return payout
