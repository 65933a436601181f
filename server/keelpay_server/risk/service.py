"""RiskService: decides payments made elsewhere, shows decisions, takes in what became known afterwards.

In: parsed requests of partners, banks and operators. Out: decisions as the caller may see them.
Invariant: a merchant's decisions are for its partner and for operators; others read that there is nothing. A bank
labels the payments it took part in, and is told its own label only.
"""

from collections.abc import Awaitable, Callable
from time import perf_counter_ns
from typing import Final

import grpc

from keelpay.api.risk.v1 import decision_pb2, risk_service_pb2_grpc
from keelpay.api.risk.v1 import risk_service_pb2 as pb
from keelpay_server.book.call import current
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.engine import Engine
from keelpay_server.book.ids import parse
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.ownership import own_partner
from keelpay_server.book.paging import Pager
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid, known_currency
from keelpay_server.book.request import identify

from .decision import KIND, Decision
from .evaluation import EvaluatePayment, subject_of
from .label import Label, Report, ReportOutcome
from .reads import ANY_MERCHANT, PAYMENT_KIND, Query, latest_decision, list_decisions, reports_of
from .service_render import render_decision, render_label
from .signals import Signals

_US_PER_MS: Final = 1000
_NS_PER_US: Final = 1000
Context = grpc.aio.ServicerContext[object, object]
TookPart = Callable[[bytes, str], Awaitable[bool]]
"""Whether anything was asked of a bank for a payment: (the payment's key, the bank's id)."""


class RiskServicer(risk_service_pb2_grpc.RiskServiceServicer):
    """Serves RiskService.

    Args:
        engine: The book.
        pager: Makes page tokens.
        took_part: Whether a bank took part in a payment.
        budget_ms: Time a decision may take where the request says nothing.
    """

    def __init__(self, engine: Engine, pager: Pager, took_part: TookPart, *, budget_ms: int = 300) -> None:
        self._engine, self._pager, self._took_part, self._budget_ms = engine, pager, took_part, budget_ms

    async def EvaluatePayment(
        self, request: pb.EvaluatePaymentRequest, _context: Context
    ) -> pb.EvaluatePaymentResponse:
        """Decides a payment that is not made here."""
        started = perf_counter_ns()
        call = current()
        merchant = await self._own_merchant(call.caller, request.parent.removeprefix("merchants/"))
        budget_us = (request.latency_budget_ms or self._budget_ms) * _US_PER_MS
        command = EvaluatePayment(
            request=identify(call, request, request.parent), caller=call.caller, deadline_us=call.deadline_us,
            signals=_signals(merchant, request.facts), budget_until_us=self._engine.wall() + budget_us,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        row = await self._engine.answer(Decision, outcome)
        message = await self._render(row, call.caller)
        message.latency_us = (perf_counter_ns() - started) // _NS_PER_US
        return pb.EvaluatePaymentResponse(decision=message, replayed=outcome.replayed)

    async def GetDecision(self, request: pb.GetDecisionRequest, _context: Context) -> pb.GetDecisionResponse:
        """Answers one decision."""
        caller = current().caller
        row = await self._engine.reader.get(Decision, parse(KIND, request.name.removeprefix("decisions/")))
        if row is None:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource=request.name)
        await self._own_merchant(caller, row.merchant)
        return pb.GetDecisionResponse(decision=await self._render(row, caller))

    async def ListDecisions(self, request: pb.ListDecisionsRequest, _context: Context) -> pb.ListDecisionsResponse:
        """Lists decisions, the newest first."""
        caller = current().caller
        merchant = request.parent.removeprefix("merchants/")
        if merchant == ANY_MERCHANT:
            own_partner(caller, "")
        else:
            await self._own_merchant(caller, merchant)
        scope = f"decisions\n{caller.actor}\n{request.parent}\n{request.filter}"
        query = Query(scope, request.page_size, request.page_token)
        found = await list_decisions(self._engine.reader, self._pager, merchant, request.filter, query)
        messages = [render_decision(row, found.reports.get(row.payment), caller) for row in found.rows]
        return pb.ListDecisionsResponse(decisions=messages, next_page_token=found.next_token)

    async def ReportOutcome(self, request: pb.ReportOutcomeRequest, _context: Context) -> pb.ReportOutcomeResponse:
        """Takes in what became known of a payment."""
        call = current()
        parts = request.subject.split("/")
        decision = parse(KIND, parts[1], "subject") if parts[0] == "decisions" else None
        payment = None if decision is not None else parse(PAYMENT_KIND, parts[3], "subject")
        row = await self._subject(decision, payment)
        if row is None or (payment is not None and row.merchant != parts[1]):
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource=request.subject)
        if call.caller.kind != CallerKind.BANK:
            await self._own_merchant(call.caller, row.merchant)
        elif not await self._took_part(row.payment, call.caller.subject):
            raise Refused(Reason.NOT_OWNER)
        command = ReportOutcome(
            request=identify(call, request, request.subject), caller=call.caller, deadline_us=call.deadline_us,
            decision=decision, payment=payment, merchant=row.merchant, label=Label(request.label),
            observe_time=request.observe_time.ToMicroseconds() if request.HasField("observe_time") else 0,
            source=request.source,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        report = await self._engine.answer(Report, outcome)
        newest = await latest_decision(self._engine.reader, report.id) or row
        answered = render_label if call.caller.kind == CallerKind.BANK else render_decision
        message = answered(newest, report, call.caller)
        return pb.ReportOutcomeResponse(decision=message, replayed=outcome.replayed)

    async def _subject(self, decision: bytes | None, payment: bytes | None) -> Decision | None:
        if decision is not None:
            return await self._engine.reader.get(Decision, decision)
        return await latest_decision(self._engine.reader, payment or b"")

    async def _own_merchant(self, caller: Caller, name: str) -> Merchant:
        """Returns the merchant, if the caller may speak for it."""
        merchant = await self._engine.reader.get(Merchant, name)
        if merchant is None:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource=f"merchants/{name}")
        own_partner(caller, merchant.partner)
        return merchant

    async def _render(self, row: Decision, caller: Caller) -> decision_pb2.Decision:
        reports = await reports_of(self._engine.reader, [row])
        return render_decision(row, reports.get(row.payment), caller)


def _signals(merchant: Merchant, facts: pb.PaymentFacts) -> Signals:
    """Returns what risk looks at; a partner's tokens are its own, a device's id is everybody's."""

    def own(token: str) -> str:
        return f"{merchant.partner}/{token}" if token else ""

    code = known_currency("facts.amount", facts.amount.currency_code).code
    if facts.amount.amount_minor <= 0:
        invalid("facts.amount.amount_minor", "it must be greater than zero")
    device = facts.device
    return Signals(
        payment=subject_of(merchant.id, facts.external_payment_id), payer=own(facts.payer), merchant=merchant.id,
        amount=facts.amount.amount_minor, currency=code, instrument=own(facts.instrument_token),
        device=device.device_id, address=device.ip_address or own(facts.address), payee=own(facts.payee),
        channel=int(facts.channel), region=facts.region, external=facts.external_payment_id,
    )  # fmt: skip
