"""Risk: decisions, and what came of them."""

from datetime import datetime

from keelpay._filter import conditions, member
from keelpay._names import Defaults, Named, name_of
from keelpay._times import to_timestamp
from keelpay.api.risk.v1 import risk_service_pb2
from keelpay.api.risk.v1.risk_service_pb2_grpc import RiskServiceStub
from keelpay.enums import Label, RiskOutcome
from keelpay.models.risk import Decision
from keelpay.request_id import new_request_id
from keelpay.risk_facts import PaymentFacts

from .connection import AsyncConnection
from .pager import AsyncPager, async_pager


class AsyncRisk:
    """Should it happen: `client.risk`."""

    def __init__(self, connection: AsyncConnection, defaults: Defaults) -> None:
        """Made by the client."""
        self._connection = connection
        self._defaults = defaults
        self._stub = RiskServiceStub(connection.channel)

    async def evaluate(
        self,
        facts: PaymentFacts,
        *,
        merchant: str | Named | None = None,
        latency_budget_ms: int = 0,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Decision:
        """Decides a payment that is not made here.

        Args:
            facts: The payment.
            merchant: Who is to be paid; the client's default if not given.
            latency_budget_ms: Time the decision may take, 1 to 1,000; 0 takes the server's setting.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.
        """
        request = risk_service_pb2.EvaluatePaymentRequest(
            parent=self._defaults.merchant_or(merchant),
            request_id=request_id or new_request_id(),
            facts=facts.to_raw(),
            latency_budget_ms=latency_budget_ms,
        )
        answer = await self._connection.unary(self._stub.EvaluatePayment, request, timeout_s=timeout_s)
        return Decision.of(answer.decision, replayed=answer.replayed)

    async def decision(self, decision: str | Named, *, timeout_s: float | None = None) -> Decision:
        """Returns one decision."""
        request = risk_service_pb2.GetDecisionRequest(name=name_of(decision))
        answer = await self._connection.unary(self._stub.GetDecision, request, timeout_s=timeout_s)
        return Decision.of(answer.decision)

    def decisions(
        self,
        *,
        merchant: str | Named | None = None,
        payment: str | Named = "",
        outcome: RiskOutcome | str | None = None,
        label: Label | str | None = None,
        degraded: bool | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        page_size: int = 0,
        timeout_s: float | None = None,
    ) -> AsyncPager[Decision]:
        """Lists decisions, the newest first; for operators `merchant="merchants/-"` means all."""
        request = risk_service_pb2.ListDecisionsRequest(
            parent=self._defaults.merchant_or(merchant),
            page_size=page_size,
            filter=conditions(
                since=since,
                until=until,
                payment=name_of(payment),
                outcome=member(RiskOutcome, outcome),
                degraded=degraded,
                label=member(Label, label),
            ),
        )
        return async_pager(
            self._connection,
            self._stub.ListDecisions,
            request,
            lambda answer: map(Decision.of, answer.decisions),
            timeout_s=timeout_s,
        )

    async def report_outcome(
        self,
        subject: str | Named,
        *,
        label: Label,
        observe_time: datetime | None = None,
        source: str = "",
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Decision:
        """Tells what became known about a payment.

        Args:
            subject: The payment, or a decision about it.
            label: What became known.
            observe_time: When it was found out; None means now.
            source: Where it comes from, at most 500 characters; no personal data.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.
        """
        request = risk_service_pb2.ReportOutcomeRequest(
            subject=name_of(subject),
            request_id=request_id or new_request_id(),
            label=label.wire,
            observe_time=to_timestamp(observe_time),
            source=source,
        )
        answer = await self._connection.unary(self._stub.ReportOutcome, request, timeout_s=timeout_s)
        return Decision.of(answer.decision, replayed=answer.replayed)
