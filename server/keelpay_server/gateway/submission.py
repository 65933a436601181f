"""Submission: a fresh operation for a refund or a transfer, as it is on disk before it is sent.

In: what a bank is to be asked. Out: an Operation in SUBMITTED. Invariant: it places no hold; the money it speaks of is
in transit or held by its subject's own columns.
"""

from keelpay_server.book.world import World

from .operation import Operation, OperationKind, OperationState


def submission(
    world: World,
    *,
    subject_kind: str,
    subject: bytes,
    number: int,
    kind: OperationKind,
    bank: str,
    currency: str,
    amount: int,
    token: str,
    descriptor: str,
    merchant: str = "",
    original: bytes | None = None,
    capture: bool = False,
) -> Operation:
    """Returns an operation about to be sent; the arguments are `Operation`'s fields."""
    return Operation(
        id=world.new_id(), subject_kind=subject_kind, subject=subject, merchant=merchant, number=number, kind=kind,
        state=OperationState.SUBMITTED, bank=bank, currency=currency, amount=amount, original=original, token=token,
        descriptor=descriptor, capture=capture, final=False, hold_debit=0, hold_credit=0, hold_amount=0,
        hold_captured=0, hold_released=0, code="", bank_reference="", cost=0, queries=0, bank_us=0,
        create_time=world.wall_us, update_time=world.wall_us,
    )  # fmt: skip
