"""The generated stubs on a client's channel, for whatever the namespaces do not say.

    await client.stubs.payments.GetPayment(request, timeout=2, metadata=await client.metadata())

Invariant: these are grpc's own: no deadline, no token and no retry but the channel's, unless the caller gives them.
"""

from grpc import aio

from keelpay.api.auth.v1.approval_service_pb2_grpc import ApprovalServiceStub
from keelpay.api.auth.v1.confirmation_service_pb2_grpc import ConfirmationServiceStub
from keelpay.api.auth.v1.partner_service_pb2_grpc import PartnerServiceStub
from keelpay.api.auth.v1.passkey_service_pb2_grpc import PasskeyServiceStub
from keelpay.api.clearing.v1.ledger_service_pb2_grpc import LedgerServiceStub
from keelpay.api.clearing.v1.payout_service_pb2_grpc import PayoutServiceStub
from keelpay.api.clearing.v1.reconciliation_service_pb2_grpc import ReconciliationServiceStub
from keelpay.api.clearing.v1.settlement_service_pb2_grpc import SettlementServiceStub
from keelpay.api.event.v1.event_service_pb2_grpc import EventServiceStub
from keelpay.api.gateway.v1.checkout_service_pb2_grpc import CheckoutServiceStub
from keelpay.api.gateway.v1.order_service_pb2_grpc import OrderServiceStub
from keelpay.api.gateway.v1.payer_service_pb2_grpc import PayerServiceStub
from keelpay.api.gateway.v1.payment_service_pb2_grpc import PaymentServiceStub
from keelpay.api.gateway.v1.refund_service_pb2_grpc import RefundServiceStub
from keelpay.api.rail.v1.notification_pb2_grpc import RailNotificationServiceStub
from keelpay.api.rail.v1.rail_service_pb2_grpc import RailServiceStub
from keelpay.api.risk.v1.review_service_pb2_grpc import ReviewServiceStub
from keelpay.api.risk.v1.risk_service_pb2_grpc import RiskServiceStub
from keelpay.api.risk.v1.rule_service_pb2_grpc import RuleServiceStub
from keelpay.api.sandbox.v1.bank_control_pb2_grpc import SandboxBankControlServiceStub
from keelpay.api.sandbox.v1.bank_page_service_pb2_grpc import BankPageServiceStub
from keelpay.api.sandbox.v1.sandbox_service_pb2_grpc import SandboxServiceStub


class AsyncStubs:
    """One stub a service."""

    def __init__(self, channel: aio.Channel) -> None:
        """Made by the client."""
        self.approvals = ApprovalServiceStub(channel)
        self.checkout = CheckoutServiceStub(channel)
        self.confirmations = ConfirmationServiceStub(channel)
        self.events = EventServiceStub(channel)
        self.ledger = LedgerServiceStub(channel)
        self.orders = OrderServiceStub(channel)
        self.partners = PartnerServiceStub(channel)
        self.passkeys = PasskeyServiceStub(channel)
        self.payers = PayerServiceStub(channel)
        self.payments = PaymentServiceStub(channel)
        self.payouts = PayoutServiceStub(channel)
        self.rail = RailServiceStub(channel)
        self.rail_notifications = RailNotificationServiceStub(channel)
        self.reconciliation = ReconciliationServiceStub(channel)
        self.refunds = RefundServiceStub(channel)
        self.reviews = ReviewServiceStub(channel)
        self.risk = RiskServiceStub(channel)
        self.rules = RuleServiceStub(channel)
        self.sandbox = SandboxServiceStub(channel)
        self.sandbox_bank = SandboxBankControlServiceStub(channel)
        self.sandbox_bank_page = BankPageServiceStub(channel)
        self.settlements = SettlementServiceStub(channel)
