"""A refund's way through one commit: each step is legal, posts what it must, and keeps the payment's amounts in step.

In: a refund, its payment, and one step after another. Out: the Changes of all of them.
Invariant: `refund_pending` of the payment is what its merchant-funded refunds still have under way, at every step.
"""

from typing import Any, Final, NamedTuple

from keelpay_server.book.changes import Changes, Event, Work
from keelpay_server.book.payer import Payer
from keelpay_server.book.times import SECOND_US
from keelpay_server.book.world import World
from keelpay_server.clearing.settlement import is_settled
from keelpay_server.ledger.account import merchant_owed
from keelpay_server.ledger.leg import Leg, Pending, Posting
from keelpay_server.ledger.posting import bank as bank_posting
from keelpay_server.ledger.posting import refund as posting
from keelpay_server.ledger.posting.refund import Funding

from .operation import OperationKind, submit
from .payment import Payment, touch
from .payment import event_of as payment_event
from .refund import KIND, REROUTE_LOOK_S, LagCause, Refund, RefundSource, RefundState, event_of, move, next_work
from .refund import touch as touch_refund
from .submission import submission

RETRY_S: Final = (10, 60, 600, 3600, 21_600, 86_400)
"""When a refund that a bank could not process is sent again, seconds after each try; after the last it has failed."""
NOTHING: Final = Posting()


class Progress(NamedTuple):
    """A refund on its way through one commit.

    Attributes:
        refund: As it is now.
        payment: The refunded payment as it is now.
        refund_version: The refund's version when the commit began; 0 for a new one.
        payment_version: The payment's.
        rows: Further entities.
        legs: Posted so far.
        pending: Holds placed and ended so far.
        events: So far.
        work: Further later work.
        opens: Accounts to open.
    """

    refund: Refund
    payment: Payment
    refund_version: int
    payment_version: int
    rows: tuple[Any, ...] = ()
    legs: tuple[Leg, ...] = ()
    pending: tuple[Pending, ...] = ()
    events: tuple[Event, ...] = ()
    work: tuple[Work, ...] = ()
    opens: tuple[int, ...] = ()

    def step(self, refund: Refund, what: str = "", posted: Posting = NOTHING, **facts: Any) -> "Progress":
        """The refund moved: its event, named after its state unless `what` says otherwise, and what that posts."""
        return self._replace(
            refund=refund, events=(*self.events, event_of(refund, what, **facts)), legs=self.legs + posted.legs,
            pending=self.pending + posted.pending,
        )  # fmt: skip

    def paid_back(self, what: str, *, pending: int, refunded: int = 0) -> "Progress":
        """The payment follows, unless the money was never its merchant's."""
        if self.refund.source == RefundSource.SUSPENSE:
            return self
        payment = touch(
            self.payment, refund_pending=self.payment.refund_pending + pending,
            refunded=self.payment.refunded + refunded,
        )  # fmt: skip
        event = payment_event(payment, what, refund=self.refund.id, refunded=payment.refunded)
        return self._replace(payment=payment, events=(*self.events, event))

    def changes(self) -> Changes:
        """The whole effect, with what the refund has to do next."""
        rows = self.rows if self.payment.state_version == self.payment_version else (self.payment, *self.rows)
        task = next_work(self.refund)
        work = self.work if task is None else (*self.work, task)
        done = (self.refund.id,) if task is None and self.refund_version else ()
        return Changes(self.refund, rows, self.legs, self.pending, self.events, work, done, self.opens)


def begin(refund: Refund, payment: Payment) -> Progress:
    """Returns a stored refund at the beginning of a commit."""
    return Progress(refund, payment, refund.state_version, payment.state_version)


def create(refund: Refund, payment: Payment) -> Progress:
    """Returns a new refund, its amount pending on the payment."""
    born = Progress(refund, payment, 0, payment.state_version)
    return born.step(refund, "created").paid_back("refund_pending", pending=refund.amount)


def reserve(world: World, progress: Progress, funding: Funding) -> Progress:
    """CREATED → RESERVED: holds the merchant's money at its sources."""
    refund = progress.refund.with_funding(funding)
    refund = move(refund, RefundState.RESERVED, world.wall_us, held=True)
    return progress.step(refund, posted=posting.reserve(funding, refund.transit))


def send(world: World, progress: Progress, payer: Payer | None = None) -> Progress:
    """RESERVED → SUBMITTED: posts to 2300, and has the operation on disk before the bank is asked.

    A refund to a balance is SUCCEEDED at once; `payer` is then whose balance it is.
    """
    refund = progress.refund
    posted = posting.submit(refund.funding, refund.transit)
    refund = move(refund, RefundState.SUBMITTED, world.wall_us, held=False, in_transit=refund.amount)
    progress = progress.step(refund, posted=posted)
    return ask(world, progress) if payer is None else credit(world, progress, payer)


def ask(world: World, progress: Progress) -> Progress:
    """Makes the operation that asks the bank: a REFUND of what it took, or a payment where another bank takes over."""
    refund = progress.refund
    kind = OperationKind.REFUND if refund.bank == refund.origin_bank else OperationKind.PAY
    operation = submission(
        world, subject_kind=KIND, subject=refund.id, number=refund.operations + 1, kind=kind, bank=refund.bank,
        currency=refund.currency, amount=refund.amount, token=refund.token, descriptor=progress.payment.descriptor,
        merchant=refund.merchant, original=refund.original if kind is OperationKind.REFUND else None,
    )  # fmt: skip
    refund = refund._replace(operation=operation.id, operations=operation.number, retry_time=0)
    return progress._replace(
        refund=refund, rows=(*progress.rows, operation), work=(*progress.work, submit(operation, world.wall_us))
    )


def credit(world: World, progress: Progress, payer: Payer) -> Progress:
    """SUBMITTED → SUCCEEDED at once: 2300 → 2000, the payer's balance here."""
    refund = progress.refund
    posted = posting.credit_balance(
        payer=payer.number, currency=refund.currency_number, amount=refund.amount, bank=refund.transit
    )
    return succeed(world, progress, posted, in_transit=refund.in_transit - refund.amount)


def succeed(world: World, progress: Progress, posted: Posting = NOTHING, **changes: Any) -> Progress:
    """SUBMITTED → SUCCEEDED: the payer has the money; too late, if its time was over."""
    refund = progress.refund
    if world.business_us > refund.due_time and not refund.lagging:
        cause = LagCause.BANK if refund.bank else LagCause.SYSTEM
        changes.update(lagging=True, lag_cause=cause)
    refund = move(refund, RefundState.SUCCEEDED, world.wall_us, operation=None, success_time=world.wall_us, **changes)
    progress = progress.step(refund, posted=posted)
    return progress.paid_back("refunded", pending=-refund.amount, refunded=refund.amount)


def refuse(world: World, progress: Progress, code: str) -> Progress:
    """SUBMITTED → ABNORMAL: the payer's card or account does not take it; it waits in 2300 for another way."""
    refund = move(
        progress.refund, RefundState.ABNORMAL, world.wall_us, operation=None, code=code,
        retry_time=world.business_us + REROUTE_LOOK_S * SECOND_US,
    )  # fmt: skip
    return progress.step(refund, code=code)


def undo(world: World, progress: Progress, code: str, posted: Posting = NOTHING, **changes: Any) -> Progress:
    """SUCCEEDED → ABNORMAL: the payee's bank sent it back; it waits in 2300 for another way."""
    refund = move(
        progress.refund, RefundState.ABNORMAL, world.wall_us, code=code, success_time=0,
        retry_time=world.business_us + REROUTE_LOOK_S * SECOND_US, **changes,
    )  # fmt: skip
    progress = progress.step(refund, posted=posted, code=code)
    return progress.paid_back("refund_undone", pending=refund.amount, refunded=-refund.amount)


def retry_or_fail(world: World, progress: Progress, code: str) -> Progress:
    """The bank could not process it: it is sent again by itself, and after the last try it has failed."""
    refund = progress.refund
    if refund.attempts >= len(RETRY_S):
        return fail(world, progress, code)
    retry_time = world.business_us + RETRY_S[refund.attempts] * SECOND_US
    refund = touch_refund(
        refund, world.wall_us, operation=None, code=code, attempts=refund.attempts + 1, retry_time=retry_time
    )
    return progress.step(refund, "retried", code=code)


def fail(world: World, progress: Progress, code: str) -> Progress:
    """CREATED, SUBMITTED or ABNORMAL → FAILED: the money goes back to where it came from."""
    refund = progress.refund
    posted, back = NOTHING, 0
    sent = refund.amount if refund.state in (RefundState.SUBMITTED, RefundState.ABNORMAL) else 0
    if sent and refund.source == RefundSource.SUSPENSE:
        posted = bank_posting.refund_suspense_failed(
            bank=refund.suspense, to_bank=refund.transit, currency=refund.currency_number, amount=refund.amount
        )
        back = sent
    elif sent:
        posted = posting.fail(
            refund.funding, refund.transit, settled=is_settled(world, refund.owner, refund.window),
            owed=owed_by(world, refund),
        )  # fmt: skip
    refund = move(
        refund, RefundState.FAILED, world.wall_us, operation=None, code=code, in_transit=refund.in_transit - sent,
        in_suspense=refund.in_suspense + back,
    )  # fmt: skip
    return progress.step(refund, posted=posted, code=code).paid_back("refund_returned", pending=-refund.amount)


def cancel(world: World, progress: Progress) -> Progress:
    """CREATED or RESERVED → CANCELLED: what was reserved is free again."""
    refund = progress.refund
    posted = NOTHING
    if refund.held:
        posted = posting.cancel(
            refund.funding, refund.transit, settled=is_settled(world, refund.owner, refund.window),
            owed=owed_by(world, refund),
        )  # fmt: skip
    refund = move(refund, RefundState.CANCELLED, world.wall_us, held=False)
    return progress.step(refund, posted=posted).paid_back("refund_returned", pending=-refund.amount)


def owed_by(world: World, refund: Refund) -> int:
    """Returns what the merchant owes us now, minor units."""
    return max(0, -world.balance(merchant_owed(refund.owner, refund.currency_number)))
