"""Cashier: plays single acts of a plan against the server: a payment from start to end, a capture, a refund.

In: the number of a planned payment. Out: payments and refunds as the server last told them, and what the payer did.
Invariant: what is confirmed is signed by the person's own passkey over the terms the SDK has checked; an act that its
payment does not allow (declined, rejected) is left out.
"""

from dataclasses import dataclass, field

from keelpay import CaptureMethod, Money, Payment, PaymentMethod, PaymentState, Refund, Region
from keelpay.enums import RegionSource

from .cast import Cast
from .connection import CURRENCY, Callers
from .mixture import Way
from .patience import PATIENCE_S, until
from .person import Person
from .plan import Act, ActKind, Plan
from .planned_payment import PlannedPayment

ROUNDS_MAX = 6
"""How often a payment is helped on before this program gives up: confirm, decline, other way, confirm, look."""


@dataclass(slots=True)
class Takings:
    """What a cashier has seen.

    Attributes:
        payments: As last told, by number.
        refunds: As last told, by the payment's number.
        confirmations: Fingers put on sensors.
        step_ups: Of these, where risk asked and the channel did not.
        other_ways: Payments that were paid with another instrument after a decline.
        in_review: Payments that wait for a reviewer.
    """

    payments: dict[int, Payment] = field(default_factory=dict)
    refunds: dict[int, Refund] = field(default_factory=dict)
    confirmations: int = 0
    step_ups: int = 0
    other_ways: int = 0
    in_review: set[int] = field(default_factory=set)

    @property
    def captured_minor(self) -> int:
        """Everything that was seen captured."""
        return sum(each.amount_captured.amount_minor for each in self.payments.values())

    @property
    def paid(self) -> set[int]:
        """Payments that were seen authorized."""
        return {number for number, each in self.payments.items() if each.amount_authorized.amount_minor > 0}


class Cashier:
    """Plays acts.

    Args:
        callers: Open clients.
        plan: What is planned.
        cast: Who takes part.
    """

    def __init__(self, callers: Callers, plan: Plan, cast: Cast) -> None:
        self._partner, self._plan, self._cast = callers.partner, plan, cast
        self.takings = Takings()

    async def play(self, act: Act) -> None:
        """Plays one act."""
        if act.kind is ActKind.PAY:
            await self._pay(self._plan.payments[act.payment])
        elif act.kind is ActKind.CAPTURE:
            await self._capture(self._plan.payments[act.payment], act.place)
        else:
            await self._refund(self._plan.payments[act.payment])

    async def look(self, number: int) -> Payment:
        """Looks at a payment again, and helps it on."""
        payment = await self._partner.payments.get(self.takings.payments[number], timeout_s=PATIENCE_S)
        return await self._help_on(self._plan.payments[number], payment)

    async def _pay(self, planned: PlannedPayment) -> None:
        person, merchant = self._cast.people[planned.customer], self._cast.merchants[planned.merchant]
        method = person.method(planned.way, planned.obstacle)
        if planned.under_mandate:
            method = PaymentMethod.mandate(person.mandates[merchant], payer=person.name)
        draft = self._partner.payments.draft(
            merchant=merchant,
            amount=Money(planned.amount_minor, CURRENCY),
            method=method,
            region=Region(planned.region, RegionSource.PAYER),
            merchant_payment_id=f"{self._cast.run}-{planned.number}",
            capture_method=CaptureMethod.MANUAL if planned.captures else CaptureMethod.AUTOMATIC,
            device=person.device(stolen=planned.fraud),
            confirm=True,
        )
        payment = await self._partner.payments.create(draft, timeout_s=PATIENCE_S)
        await self._help_on(planned, payment)

    async def _help_on(self, planned: PlannedPayment, payment: Payment) -> Payment:
        """Does what the payment waits for, until it waits for nobody here."""
        person = self._cast.people[planned.customer]
        may_change_method = planned.obstacle is not None and not planned.gives_up
        self.takings.in_review.discard(planned.number)
        for _ in range(ROUNDS_MAX):
            self.takings.payments[planned.number] = payment
            if payment.state is PaymentState.REQUIRES_CONFIRMATION:
                payment = await self._partner.payments.confirm(payment, timeout_s=PATIENCE_S)
            elif payment.state is PaymentState.REQUIRES_ACTION and self._wants_finger(payment):
                if planned.fraud:
                    break
                payment = await self._confirm(planned, person, payment)
            elif payment.state in {PaymentState.PROCESSING, PaymentState.REQUIRES_ACTION}:
                payment = await self._later(payment)
            elif payment.state is PaymentState.REQUIRES_PAYMENT_METHOD and may_change_method:
                may_change_method = False
                self.takings.other_ways += 1
                method = person.method(planned.way)
                payment = await self._partner.payments.confirm(payment, method=method, timeout_s=PATIENCE_S)
            else:
                break
        self.takings.payments[planned.number] = payment
        if payment.state is PaymentState.IN_REVIEW:
            self.takings.in_review.add(planned.number)
        return payment

    @staticmethod
    def _wants_finger(payment: Payment) -> bool:
        return payment.next_action is not None and payment.next_action.biometric is not None

    async def _confirm(self, planned: PlannedPayment, person: Person, payment: Payment) -> Payment:
        self.takings.confirmations += 1
        if planned.way is not Way.BALANCE or planned.under_mandate:
            self.takings.step_ups += 1
        async with person.hand:
            return await self._partner.payments.confirm(payment, person.sign, timeout_s=PATIENCE_S)

    async def _later(self, payment: Payment) -> Payment:
        """Waits until the bank, or somebody else, has moved the payment on."""

        async def moved() -> Payment | None:
            now = await self._partner.payments.get(payment, timeout_s=PATIENCE_S)
            return None if now.state_version == payment.state_version else now

        return await until(moved, payment.name)

    async def _capture(self, planned: PlannedPayment, place: int) -> None:
        payment = self.takings.payments.get(planned.number)
        if payment is None or payment.state not in {PaymentState.AUTHORIZED, PaymentState.PARTIALLY_CAPTURED}:
            return
        wanted = planned.captures[place]
        before = payment.amount_captured.amount_minor
        payment = await self._partner.payments.capture(
            payment, amount=Money(wanted.amount_minor, CURRENCY), final=wanted.final, timeout_s=PATIENCE_S
        )
        while payment.amount_captured.amount_minor == before and not payment.has_ended:
            payment = await self._later(payment)
        self.takings.payments[planned.number] = payment

    async def _refund(self, planned: PlannedPayment) -> None:
        payment = self.takings.payments.get(planned.number)
        if payment is None or planned.refund is None or not payment.amount_captured.amount_minor:
            return
        refund = await self._partner.refunds.create(
            payment, amount=Money(planned.refund.amount_minor, CURRENCY), description="Returned",
            timeout_s=PATIENCE_S,
        )  # fmt: skip

        async def ended() -> Refund | None:
            now = await self._partner.refunds.get(refund, timeout_s=PATIENCE_S)
            return now if now.has_ended or now.needs_reroute else None

        self.takings.refunds[planned.number] = await until(ended, refund.name)
        self.takings.payments[planned.number] = await self._partner.payments.get(payment, timeout_s=PATIENCE_S)
