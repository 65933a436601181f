"""Create: a new payment, alone or for an order, and confirmed in the same call where nobody need act.

In: what the request says. Out: a payment in REQUIRES_CONFIRMATION, or as far as `confirm` takes it.
Invariant: a merchant's number names one payment for ever; an order has one live payment.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from keelpay_server.book.changes import Changes
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.return_url import check_return_url
from keelpay_server.book.times import MINUTE_US
from keelpay_server.book.world import World

from .charge import expiry
from .confirm import confirm
from .method import Method
from .number import need_number, take_number
from .order_payment import take_order
from .parties import BALANCE_CHANNEL, check_parties, need_parties, parties_of
from .payment import Payment, PaymentState, event_of

DEFAULT_EXPIRY_US: Final = 30 * MINUTE_US


@dataclass(frozen=True, slots=True, kw_only=True)
class CreatePayment(Command):
    """Makes a payment.

    Attributes:
        merchant: Who is paid.
        number: The merchant's own number.
        order: Key of the order it pays, or None.
        payer: `<partner>/<person>`, or empty.
        method: How it is to be paid.
        region: ISO 3166.
        region_source: How the region is known.
        currency: Code.
        amount: Minor units, above zero.
        capture_method: A CaptureMethod.
        description: What is paid for.
        descriptor: For the payer's statement; empty means the merchant's.
        metadata: JSON object.
        device: JSON of the device context, or empty.
        expire_time: Business clock; 0 means the default after creation.
        go: Confirm in the same call.
        received_us: Wall clock: when the request arrived.
        return_uri: Where the payer's bank or wallet sends the payer back to, or empty.
    """

    merchant: str
    number: str
    order: bytes | None
    payer: str
    method: Method
    region: str
    region_source: int
    currency: str
    amount: int
    capture_method: int
    description: str
    descriptor: str
    metadata: str
    device: str
    expire_time: int
    go: bool
    received_us: int
    return_uri: str = ""

    depth: ClassVar[int] = 2

    def needs(self, need: Need) -> None:
        """The parties and the number, then the headroom of a balance."""
        method = self.method
        need_number(need, self.merchant, "payments", self.number)
        need_parties(
            need, merchant=self.merchant, order=self.order, payer=self.payer, instrument=method.instrument,
            mandate=method.mandate, bank=method.bank, currency=self.currency, channel=method.channel,
        )  # fmt: skip

    def decide(self, world: World) -> Changes:
        """Takes the number and the order, and goes on if that was asked."""
        expire_time = self.expire_time or world.business_us + DEFAULT_EXPIRY_US
        payment = self._draft(world.new_id(), world.wall_us, expire_time)
        parties = parties_of(world, payment)
        if not payment.descriptor:
            payment = payment._replace(descriptor=parties.merchant.statement_descriptor)
        check_parties(payment, parties)
        check_return_url(parties.merchant, self.return_uri)
        taken = Changes(rows=(take_number(world, self.merchant, "payments", self.number, payment.id),))
        if parties.order is not None:
            ordered = take_order(world, parties.order, payment)
            payment = payment._replace(
                expire_time=min(payment.expire_time, parties.order.expire_time),
                return_uri=payment.return_uri or parties.order.return_uri,
            )
            parties = parties._replace(order=ordered.rows[0])
            taken = taken.join(ordered)
        if payment.expire_time <= world.business_us:
            raise Refused(Reason.FIELD_INVALID, "expire_time is in the past",
                          violations=(("payment.expire_time", "it is in the past"),))  # fmt: skip
        ends = expiry(payment)
        if not self.go:
            event = event_of(payment, "created")
            return Changes(payment, events=(event,), work=(ends,)).join(taken)
        changes = confirm(world, payment, parties, None, self.received_us)
        if payment.id not in changes.done:
            changes = changes._replace(work=(*changes.work, ends))
        else:
            changes = changes._replace(done=tuple(key for key in changes.done if key != payment.id))
        return _latest_order(taken, changes)

    def _draft(self, key: bytes, wall_us: int, expire_time: int) -> Payment:
        state = PaymentState.REQUIRES_CONFIRMATION
        usable = self.method.channel == BALANCE_CHANNEL or self.method.bank
        if not usable:
            state = PaymentState.REQUIRES_PAYMENT_METHOD
        system = max(0, wall_us - self.received_us) if wall_us else 0
        return Payment(
            id=key, merchant=self.merchant, number=self.number, order=self.order, payer=self.payer,
            instrument=self.method.instrument, mandate=self.method.mandate, confirmation=None,
            channel=self.method.channel, bank=self.method.bank, token=self.method.token, region=self.region,
            region_source=self.region_source, currency=self.currency, amount=self.amount,
            capture_method=self.capture_method, state=state, state_version=1, authorized=0, captured=0, released=0,
            refund_pending=0, refunded=0, disputed=0, fee=0, operations=0, operation=None, authorization=None,
            decision=None, outcome=0, stepped_up=False, failure="", action="", cancel_requested=False,
            expire_time=expire_time, hold_expire_time=0, system_us=system, bank_us=0, human_us=0,
            history=f"[[{int(state)},{wall_us},{system},0,0]]", description=self.description,
            descriptor=self.descriptor, metadata=self.metadata, device=self.device, create_time=wall_us,
            update_time=wall_us, return_uri=self.return_uri,
        )  # fmt: skip


def _latest_order(taken: Changes, changes: Changes) -> Changes:
    """Joins the two so that the order as the payment left it is the one that is saved: later rows win."""
    return Changes(
        changes.row, taken.rows + changes.rows, changes.legs, changes.pending, changes.events + taken.events,
        changes.work, changes.done, changes.opens, changes.refusal,
    )  # fmt: skip
