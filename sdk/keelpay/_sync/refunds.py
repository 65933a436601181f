# Generated from sdk/keelpay/_async/refunds.py by sdk/generate_sync.py: do not edit.
"""Refunds: give back, find, call off, send another way."""

from collections.abc import Mapping
from datetime import datetime

from keelpay._filter import conditions, member
from keelpay._names import Defaults, Named, name_of
from keelpay.api.gateway.v1 import refund_pb2, refund_service_pb2
from keelpay.api.gateway.v1.refund_service_pb2_grpc import RefundServiceStub
from keelpay.enums import RefundState
from keelpay.models.refund import Refund
from keelpay.money import Money
from keelpay.payment_draft import to_raw_money
from keelpay.request_id import new_request_id

from .connection import Connection
from .pager import Pager, pager


class Refunds:
    """Captured money on its way back: `client.refunds`."""

    def __init__(self, connection: Connection, defaults: Defaults) -> None:
        """Made by the client."""
        self._connection = connection
        self._defaults = defaults
        self._stub = RefundServiceStub(connection.channel)

    def create(
        self,
        payment: str | Named,
        *,
        amount: Money | None = None,
        merchant_refund_id: str = "",
        description: str = "",
        metadata: Mapping[str, str] | None = None,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Refund:
        """Refunds a captured payment. It is tried again by itself until it succeeds or must be rerouted.

        Args:
            payment: Which, `merchants/{m}/payments/{p}`.
            amount: How much; None means all that is captured and not yet refunded.
            merchant_refund_id: The merchant's own number, never used again; empty takes the request id.
            description: Why, as the payer may read it, at most 256 characters.
            metadata: The merchant's own notes, at most 20; never personal data.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.

        Raises:
            FailedPreconditionError: REFUND_EXCEEDS_CAPTURED, INSUFFICIENT_FUNDS.
        """
        request_id = request_id or new_request_id()
        refund = refund_pb2.Refund(
            payment=name_of(payment),
            merchant_refund_id=merchant_refund_id or request_id,
            amount=to_raw_money(amount) if amount is not None else None,
            description=description,
            metadata=metadata,
        )
        merchant = "/".join(name_of(payment).split("/")[:2])
        request = refund_service_pb2.CreateRefundRequest(parent=merchant, request_id=request_id, refund=refund)
        answer = self._connection.unary(self._stub.CreateRefund, request, timeout_s=timeout_s)
        return Refund.of(answer.refund, replayed=answer.replayed)

    def get(self, refund: str | Named, *, timeout_s: float | None = None) -> Refund:
        """Returns one refund as it is now."""
        request = refund_service_pb2.GetRefundRequest(name=name_of(refund))
        answer = self._connection.unary(self._stub.GetRefund, request, timeout_s=timeout_s)
        return Refund.of(answer.refund)

    def lookup(
        self, merchant_refund_id: str, *, merchant: str | Named | None = None, timeout_s: float | None = None
    ) -> Refund:
        """Finds a refund by the merchant's own number."""
        request = refund_service_pb2.LookupRefundRequest(
            parent=self._defaults.merchant_or(merchant), merchant_refund_id=merchant_refund_id
        )
        answer = self._connection.unary(self._stub.LookupRefund, request, timeout_s=timeout_s)
        return Refund.of(answer.refund)

    def list(
        self,
        *,
        merchant: str | Named | None = None,
        state: RefundState | str | None = None,
        payment: str | Named = "",
        lagging: bool | None = None,
        since: datetime | None = None,
        until: datetime | None = None,
        filter: str = "",  # noqa: A002  (the contract's word)
        order_by: str = "",
        page_size: int = 0,
        timeout_s: float | None = None,
    ) -> Pager[Refund]:
        """Lists refunds of a merchant, the newest first, without their operations.

        Args:
            merchant: Whose; the client's default if not given.
            state: Only those in this state.
            payment: Only those of this payment.
            lagging: Only those that are late, or only those that are not.
            since: Only those created at this time or later.
            until: Only those created before this time.
            filter: Further conditions in the contract's own words.
            order_by: `create_time desc` (the default) or `create_time`.
            page_size: How many are fetched at once, at most 200; 0 means 50.
            timeout_s: Seconds for each page.
        """
        request = refund_service_pb2.ListRefundsRequest(
            parent=self._defaults.merchant_or(merchant),
            page_size=page_size,
            filter=conditions(
                filter,
                since=since,
                until=until,
                state=member(RefundState, state),
                payment=name_of(payment),
                lagging=lagging,
            ),
            order_by=order_by,
        )
        return pager(
            self._connection,
            self._stub.ListRefunds,
            request,
            lambda answer: map(Refund.of, answer.refunds),
            timeout_s=timeout_s,
        )

    def cancel(self, refund: str | Named, *, request_id: str = "", timeout_s: float | None = None) -> Refund:
        """Calls a refund off, as long as it was not sent to the bank."""
        request = refund_service_pb2.CancelRefundRequest(
            name=name_of(refund), request_id=request_id or new_request_id()
        )
        answer = self._connection.unary(self._stub.CancelRefund, request, timeout_s=timeout_s)
        return Refund.of(answer.refund, replayed=answer.replayed)

    def reroute(
        self,
        refund: str | Named,
        *,
        instrument: str | Named = "",
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Refund:
        """Sends an ABNORMAL refund another way.

        Args:
            refund: Which.
            instrument: Another instrument of the same payer; empty sends it to the payer's balance here.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.
        """
        request = refund_service_pb2.RerouteRefundRequest(
            name=name_of(refund), request_id=request_id or new_request_id()
        )
        if name_of(instrument):
            request.instrument = name_of(instrument)
        else:
            request.balance = True
        answer = self._connection.unary(self._stub.RerouteRefund, request, timeout_s=timeout_s)
        return Refund.of(answer.refund, replayed=answer.replayed)
