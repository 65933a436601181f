"""The facts of a walk as storage would give them to the invariant checker."""

from keelpay_server.ledger.account import refund_transit, suspense
from keelpay_server.ledger.fact import OpenItem, PaymentFact, RequestFact
from keelpay_server.ledger.invariant import Checker
from tests.property.ledger.model_book import BOOK, link
from tests.property.ledger.walk import CNY


def holds(walk):
    yield from (one.hold for one in walk.payments)
    for one in walk.refunds:
        if one.state == "RESERVED":
            yield from one.funding.holds(one.bank)
    yield from (one.hold for one in walk.payouts if one.state == "RESERVED")


def payments(walk):
    for n, one in enumerate(walk.payments):
        yield PaymentFact(n.to_bytes(16, "big"), CNY, one.authorized, one.captured, one.refunded, one.refund_pending)


def open_items(walk):
    for one in walk.refunds:
        if one.state in {"SUBMITTED", "ABNORMAL"}:
            yield OpenItem(refund_transit(one.bank, CNY), one.funding.amount)
    for one in walk.payouts:
        if one.state == "SUBMITTED":
            yield OpenItem(one.hold.credit, one.hold.amount)
    for one in walk.breaks:
        if one.state == "OPEN":
            yield OpenItem(suspense(one.bank, CNY), one.amount)
        elif one.state == "REFUNDING":
            yield OpenItem(refund_transit(one.via, CNY), one.amount)


def requests(walk):
    yield from (RequestFact(n.to_bytes(16, "big"), refused=False, entities=1) for n in range(len(walk.payments)))


def check(walk, checkpoint=None):
    """A checker fed with everything since the checkpoint."""
    checker = Checker(BOOK, link, checkpoint)
    since = checkpoint.head.sequence if checkpoint else 0
    checker.journal(walk.book.batches_since(since), walk.book.leg_rows_since(since))
    checker.accounts(walk.book.rows())
    checker.holds(holds(walk))
    checker.payments(payments(walk))
    checker.open_items(open_items(walk))
    checker.requests(requests(walk))
    return checker
