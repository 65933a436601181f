import inspect
import json
from datetime import UTC, datetime, timedelta

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf import json_format

import keelpay
from keelpay import (
    AdjustmentLeg,
    Calendar,
    Card,
    Channel,
    Client,
    Defaults,
    Fees,
    Money,
    NewListEntry,
    PaymentDraft,
    PaymentFacts,
    PaymentMethod,
    SigningPrivateKey,
    credentials,
    enums,
)
from keelpay.api.auth.v1 import attestation_pb2
from keelpay.api.rail.v1 import notification_pb2, operation_request_pb2, query_request_pb2
from keelpay.api.sandbox.v1 import bank_control_pb2, scenario_pb2
from tests.integration.sdk.driver import Driver
from tests.integration.sdk.scripted_server import METHODS

CNY = Money.of("12.30", "CNY")
NOON = datetime(2026, 5, 1, 12, tzinfo=UTC)
PAYER = "partners/shop/payers/ann"
PAYMENT = "merchants/cafe/payments/pay-1"
CARD = f"{PAYER}/instruments/ins-1"
DRAFT = PaymentDraft.of(merchant="merchants/cafe", amount=CNY, method=PaymentMethod.balance(PAYER), region="CN")
WORD = attestation_pb2.PersonAttestation(amr=["pwd"], jws="a.b.c")
KNOWN_ID = "018f0000-0000-7000-8000-000000000001"
NEW_KEY = SigningPrivateKey("partners/shop", "", "EdDSA", Ed25519PrivateKey.generate())
ENTRY = NewListEntry(
    kind=enums.EntryKind.DEVICE, value="d", strength=enums.Strength.ALLOW, comment="known", expire_time=NOON
)
LEG = AdjustmentLeg(debit_account="accounts/0-1", credit_account="accounts/0-2", amount=CNY)
FACTS = PaymentFacts(external_payment_id="x1", amount=CNY, channel=Channel.CARD, region="CN", payer="p")

# RPC -> the call of a namespace that makes it. Ceremonies of several RPCs have tests of their own.
ROUTES = {
    "ApprovalService/GetProposal": lambda c: c.approvals.get("proposals/p"),
    "ApprovalService/ListProposals": lambda c: c.approvals.list(state="PENDING", proposer="operators/o").first(),
    "ApprovalService/ApproveProposal": lambda c: c.approvals.approve("proposals/p"),
    "ApprovalService/RejectProposal": lambda c: c.approvals.reject("proposals/p", comment="no"),
    "ConfirmationService/StartConfirmation": lambda c: c.confirmations.start(PAYER, payment=PAYMENT),
    "ConfirmationService/RejectConfirmation": lambda c: c.confirmations.reject(f"{PAYER}/confirmations/c"),
    "ConfirmationService/GetConfirmation": lambda c: c.confirmations.get(f"{PAYER}/confirmations/c"),
    "ConfirmationService/StartMandate": lambda c: c.mandates.start(
        payer=PAYER, payment_max=CNY, day_max=CNY, expire_time=NOON
    ),
    "ConfirmationService/FinishMandate": lambda c: c.mandates.finish(f"{PAYER}/confirmations/c", "{}"),
    "ConfirmationService/RevokeMandate": lambda c: c.mandates.revoke("merchants/cafe/mandates/m"),
    "ConfirmationService/ListMandates": lambda c: c.mandates.list(payer=PAYER, state="ACTIVE").first(),
    "PartnerService/GetPartner": lambda c: c.partners.get(),
    "PartnerService/CreateMerchant": lambda c: c.merchants.create(
        "cafe", display_name="Cafe", settlement_currency="CNY", calendar=Calendar(), fees=Fees()
    ),
    "PartnerService/GetMerchant": lambda c: c.merchants.get("merchants/cafe"),
    "PartnerService/UpdateMerchant": lambda c: c.merchants.update("merchants/cafe", display_name="Bar", fees=Fees()),
    "PartnerService/ListMerchants": lambda c: c.merchants.list(state="ACTIVE").first(),
    "PartnerService/IssueToken": lambda c: c.tokens.issue("a.b.c", scopes=["payments.read"]),
    "PartnerService/IssuePayerToken": lambda c: c.tokens.enrol(PAYER, WORD),
    "PartnerService/CreatePayerLink": lambda c: c.tokens.enrol_link(PAYER, WORD),
    "PartnerService/CreateSigningKey": lambda c: c.partners.create_signing_key(NEW_KEY, request_id=KNOWN_ID),
    "PartnerService/RevokeSigningKey": lambda c: c.partners.revoke_signing_key("partners/shop/signingKeys/k"),
    "PartnerService/ListSigningKeys": lambda c: c.partners.signing_keys(state="ACTIVE").first(),
    "PartnerService/GetJwks": lambda c: c.partners.jwks(),
    "PasskeyService/StartRegistration": lambda c: c.passkeys.start_registration(PAYER, display_name="phone"),
    "PasskeyService/FinishRegistration": lambda c: c.passkeys.finish_registration(f"{PAYER}/registrations/r", "{}"),
    "PasskeyService/ListPasskeys": lambda c: c.passkeys.list(PAYER, state="ACTIVE").first(),
    "PasskeyService/RevokePasskey": lambda c: c.passkeys.revoke(f"{PAYER}/passkeys/k"),
    "PasskeyService/StartRecovery": lambda c: c.passkeys.start_recovery(PAYER, WORD, display_name="phone"),
    "LedgerService/GetAccount": lambda c: c.ledger.account("accounts/0-1"),
    "LedgerService/ListAccounts": lambda c: c.ledger.accounts(owner="merchants/cafe", code=2000, book=0).first(),
    "LedgerService/GetBalance": lambda c: c.ledger.balance(),
    "LedgerService/ListLegs": lambda c: c.ledger.legs(resource=PAYMENT).first(),
    "LedgerService/VerifyLedger": lambda c: c.ledger.verify(books=[1], invariants=[1, 8], full=True),
    "LedgerService/PostAdjustment": lambda c: c.ledger.post_adjustment([LEG], comment="a slip"),
    "PayoutService/CreatePayout": lambda c: c.payouts.create(amount=CNY, merchant_payout_id="out-1"),
    "PayoutService/GetPayout": lambda c: c.payouts.get("merchants/cafe/payouts/x"),
    "PayoutService/ListPayouts": lambda c: c.payouts.list(state="PAID", since=NOON, until=NOON).first(),
    "PayoutService/CancelPayout": lambda c: c.payouts.cancel("merchants/cafe/payouts/x"),
    "ReconciliationService/ImportStatement": lambda c: c.reconciliation.import_statement(
        b"x" * 300_000, bank="icbc", currency_code="CNY", statement_number="7"
    ),
    "ReconciliationService/GetStatement": lambda c: c.reconciliation.statement("statements/s"),
    "ReconciliationService/ListStatements": lambda c: c.reconciliation.statements(bank="icbc").first(),
    "ReconciliationService/RunReconciliation": lambda c: c.reconciliation.run("statements/s"),
    "ReconciliationService/ListBreaks": lambda c: c.reconciliation.breaks(kind="AMOUNT").first(),
    "ReconciliationService/ResolveBreak": lambda c: c.reconciliation.resolve_break(
        "breaks/b", resolution=enums.BreakResolution.CLAIM, comment="theirs"
    ),
    "SettlementService/CloseWindow": lambda c: c.settlements.close_window("windows/w"),
    "SettlementService/GetWindow": lambda c: c.settlements.window("windows/w"),
    "SettlementService/ListWindows": lambda c: c.settlements.windows(state="OPEN", currency_code="CNY").first(),
    "SettlementService/PreviewSettlement": lambda c: c.settlements.preview("CNY"),
    "SettlementService/GetSettlement": lambda c: c.settlements.get("settlements/s"),
    "SettlementService/ListSettlements": lambda c: c.settlements.list().first(),
    "EventService/StreamEvents": lambda c: c.events.stream(types=["payment.*"], patience_s=0),
    "EventService/ListEvents": lambda c: c.events.list(resource=PAYMENT, since=NOON).first(),
    "EventService/CreateSubscription": lambda c: c.events.create_subscription("https://shop.example/hook"),
    "EventService/ListSubscriptions": lambda c: c.events.subscriptions().first(),
    "EventService/DeleteSubscription": lambda c: c.events.delete_subscription("partners/shop/subscriptions/s"),
    "EventService/RotateSecret": lambda c: c.events.rotate_secret("partners/shop/subscriptions/s", overlap_s=60),
    "EventService/ListDeliveries": lambda c: c.events.deliveries("partners/shop/subscriptions/s").first(),
    "EventService/Redeliver": lambda c: c.events.redeliver("partners/shop/subscriptions/s", since=NOON),
    "OrderService/CreateOrder": lambda c: c.orders.create(amount=CNY, merchant_order_id="o-1", metadata={"a": "b"}),
    "OrderService/GetOrder": lambda c: c.orders.get("merchants/cafe/orders/o"),
    "OrderService/LookupOrder": lambda c: c.orders.lookup("o-1"),
    "OrderService/ListOrders": lambda c: c.orders.list(state="OPEN", payer=PAYER).first(),
    "OrderService/CloseOrder": lambda c: c.orders.close("merchants/cafe/orders/o"),
    "OrderService/CreateCheckoutLink": lambda c: c.orders.create_checkout_link(PAYMENT),
    "OrderService/ListPaymentOptions": lambda c: c.payments.options(PAYMENT),
    "CheckoutService/OpenSession": lambda c: c.sessions.open("A" * 43),
    "CheckoutService/GetSession": lambda c: c.sessions.get(),
    "CheckoutService/RefreshSession": lambda c: c.sessions.refresh(),
    "CheckoutService/ChoosePaymentMethod": lambda c: c.payments.choose(PAYMENT, PaymentMethod.card(CARD)),
    "CheckoutService/GetReceipt": lambda c: c.payments.receipt(PAYMENT),
    "PayerService/CreatePayer": lambda c: c.payers.create("ann", locale="zh-CN"),
    "PayerService/GetPayer": lambda c: c.payers.get(PAYER),
    "PayerService/TokenizeInstrument": lambda c: c.payers.tokenize(
        PAYER, Card(number="4242424242424242", expire_month=1, expire_year=2030)
    ),
    "PayerService/ListInstruments": lambda c: c.payers.instruments(PAYER, channel="CARD").first(),
    "PayerService/RemoveInstrument": lambda c: c.payers.remove_instrument(CARD),
    "PayerService/GetBalance": lambda c: c.payers.balance(PAYER),
    "PayerService/TopUp": lambda c: c.payers.top_up(PAYER, amount=CNY, instrument=CARD),
    "PayerService/ListPayerPayments": lambda c: c.payers.payments(PAYER, state="CAPTURED").first(),
    "PaymentService/CreatePayment": lambda c: c.payments.create(DRAFT),
    "PaymentService/GetPayment": lambda c: c.payments.get(PAYMENT),
    "PaymentService/LookupPayment": lambda c: c.payments.lookup("p-1"),
    "PaymentService/ListPayments": lambda c: c.payments.list(state="CAPTURED", channel="CARD").first(),
    "PaymentService/ConfirmPayment": lambda c: c.payments.confirm(PAYMENT, method=PaymentMethod.card(CARD)),
    "PaymentService/CapturePayment": lambda c: c.payments.capture(PAYMENT, amount=CNY, final=True),
    "PaymentService/ReleasePayment": lambda c: c.payments.release(PAYMENT),
    "PaymentService/CancelPayment": lambda c: c.payments.cancel(PAYMENT, reason="changed mind"),
    "PaymentService/SyncPayment": lambda c: c.payments.sync(PAYMENT),
    "PaymentService/PreviewPayment": lambda c: c.payments.preview(DRAFT),
    "PaymentService/WatchPayment": lambda c: c.payments.watch(PAYMENT, after_state_version=3, patience_s=0),
    "RefundService/CreateRefund": lambda c: c.refunds.create(PAYMENT, amount=CNY, merchant_refund_id="r-1"),
    "RefundService/GetRefund": lambda c: c.refunds.get("merchants/cafe/refunds/r"),
    "RefundService/LookupRefund": lambda c: c.refunds.lookup("r-1"),
    "RefundService/ListRefunds": lambda c: c.refunds.list(payment=PAYMENT, lagging=True).first(),
    "RefundService/CancelRefund": lambda c: c.refunds.cancel("merchants/cafe/refunds/r"),
    "RefundService/RerouteRefund": lambda c: c.refunds.reroute("merchants/cafe/refunds/r", instrument=CARD),
    "RailNotificationService/Notify": lambda c: c.rail.notify(notification_pb2.NotifyRequest(bank="icbc")),
    "RailService/GetCapabilities": lambda c: c.rail.capabilities(),
    "RailService/Authorize": lambda c: c.rail.authorize(operation_request_pb2.AuthorizeRequest()),
    "RailService/BatchAuthorize": lambda c: c.rail.batch_authorize(operation_request_pb2.BatchAuthorizeRequest()),
    "RailService/Capture": lambda c: c.rail.capture(operation_request_pb2.CaptureRequest()),
    "RailService/Void": lambda c: c.rail.void(operation_request_pb2.VoidRequest()),
    "RailService/Refund": lambda c: c.rail.refund(operation_request_pb2.RefundRequest()),
    "RailService/Pay": lambda c: c.rail.pay(operation_request_pb2.PayRequest()),
    "RailService/Continue": lambda c: c.rail.continue_operation(operation_request_pb2.ContinueRequest()),
    "RailService/Query": lambda c: c.rail.query(query_request_pb2.QueryRequest()),
    "RailService/BatchQuery": lambda c: c.rail.batch_query(query_request_pb2.BatchQueryRequest()),
    "RailService/StreamStatement": lambda c: c.rail.statement(query_request_pb2.StreamStatementRequest()),
    "ReviewService/ListReviews": lambda c: c.reviews.list(state="OPEN", merchant="merchants/cafe").first(),
    "ReviewService/GetReview": lambda c: c.reviews.get("reviews/r"),
    "ReviewService/DecideReview": lambda c: c.reviews.decide(
        "reviews/r", verdict=enums.Verdict.APPROVE, comment="known"
    ),
    "RiskService/EvaluatePayment": lambda c: c.risk.evaluate(FACTS, latency_budget_ms=50),
    "RiskService/GetDecision": lambda c: c.risk.decision("decisions/d"),
    "RiskService/ListDecisions": lambda c: c.risk.decisions(outcome="REVIEW", degraded=False).first(),
    "RiskService/ReportOutcome": lambda c: c.risk.report_outcome(PAYMENT, label=enums.Label.FRAUD),
    "RuleService/ListEntries": lambda c: c.lists.entries(kind=enums.EntryKind.PAYER).first(),
    "RuleService/UpsertEntries": lambda c: c.lists.upsert([ENTRY]),
    "RuleService/RemoveEntries": lambda c: c.lists.remove(["listEntries/payer-0"], comment="old"),
    "SandboxBankControlService/SetFaults": lambda c: c.sandbox_bank.set_faults(bank_control_pb2.Faults(seed=1)),
    "SandboxBankControlService/SetScenario": lambda c: c.sandbox_bank.set_scenario("reply-lost"),
    "SandboxBankControlService/OrderScenario": lambda c: c.sandbox_bank.order_scenario(
        b"0123456789abcdef", scenario_pb2.Scenario(operation_count=1)
    ),
    "SandboxBankControlService/ListOrders": lambda c: c.sandbox_bank.orders(),
    "SandboxBankControlService/EndOrders": lambda c: c.sandbox_bank.end_orders(),
    "SandboxBankControlService/DecideOperation": lambda c: c.sandbox_bank.decide_operation(
        bank_control_pb2.DecideOperationRequest()
    ),
    "SandboxBankControlService/AdvanceTime": lambda c: c.sandbox_bank.advance_time(timedelta(hours=1), days=1),
    "SandboxBankControlService/PostEntry": lambda c: c.sandbox_bank.post_entry(
        bank_control_pb2.PostEntryRequest(amount_minor=1)
    ),
    "SandboxBankControlService/SetStatementDifference": lambda c: c.sandbox_bank.set_statement_difference(
        bank_control_pb2.SetStatementDifferenceRequest(amount_delta_minor=1)
    ),
    "SandboxBankControlService/ExportStatement": lambda c: c.sandbox_bank.export_statement(
        "2026-05-01", currency_code="CNY"
    ),
    "SandboxService/GetClock": lambda c: c.sandbox.clock(),
    "SandboxService/AdvanceClock": lambda c: c.sandbox.advance_clock(timedelta(days=1)),
    "SandboxService/CreateScenario": lambda c: c.sandbox.create_scenario(
        bank="icbc", behaviour=enums.Behaviour.REPLY_LATE, delay=timedelta(seconds=3)
    ),
    "SandboxService/ListScenarios": lambda c: c.sandbox.scenarios(bank="icbc").first(),
    "SandboxService/TriggerEvent": lambda c: c.sandbox.trigger(PAYMENT, enums.Trigger.LATE_SUCCESS),
    "SandboxService/PostBankEntry": lambda c: c.sandbox.post_entry(
        bank="icbc", kind=enums.RailStatementLineKind.TOP_UP, amount=Money(1, "CNY")
    ),
    "SandboxService/Reset": lambda c: c.sandbox.reset(),
}
WATCHES = (keelpay.AsyncPaymentWatch, keelpay.PaymentWatch, keelpay.AsyncEventStream, keelpay.EventStream)
# RPCs at the end of a ceremony; test_confirm.py makes them.
CEREMONIES = {"PasskeyService/VetoRecovery", "PasskeyService/ResumePasskey", "PayerService/Withdraw"}
# RPCs that a page of ours alone calls: a program decides in the payer's place by a trigger.
OF_PAGES = {"BankPageService/GetChallenge", "BankPageService/AnswerChallenge"}


def test_every_rpc_of_the_contract_has_a_namespace_method():
    assert ROUTES.keys() | CEREMONIES | OF_PAGES == {path.rsplit(".", 1)[-1] for path in METHODS}


def test_every_rpc_of_the_contract_has_a_stub():
    with Client("localhost", credentials=credentials.anonymous(), defaults=Defaults()) as client:
        callables = {name for stub in vars(client.stubs).values() for name in vars(stub)}
        paths = {vars(stub)[name]._method for stub in vars(client.stubs).values() for name in vars(stub)}
    assert {path.rsplit("/", 1)[-1] for path in METHODS} == callables
    assert {path.encode() for path in METHODS} == {each if isinstance(each, bytes) else each.encode() for each in paths}


@pytest.mark.parametrize("rpc", ROUTES)
async def test_both_clients_send_the_same(rpc, server):
    sent = []
    for side in ("async", "sync"):
        driver = Driver(side, server.address, credentials.token("t"))
        await run(driver, ROUTES[rpc])
        await driver.close()
        (call,) = server.called(rpc)[:1]
        sent.append(normal(call))
        server.calls.clear()
    assert sent[0] == sent[1]
    assert sent[0]["authorization"] == "Bearer t"
    assert sent[0]["requests"]


async def run(driver, act):
    """Calls, or reads a stream to its end; a watch whose stream ends has its patience, which is none here."""
    method = act(driver.client)
    if inspect.isawaitable(method):
        await method
    elif isinstance(method, WATCHES):
        with pytest.raises(keelpay.InterruptedCallError, match="the server ended the stream"):
            await driver.collect(lambda _: method)
    elif hasattr(method, "__anext__") or hasattr(method, "__next__"):
        await driver.collect(lambda _: method)


def normal(call):
    """A call without what is made anew each time."""
    requests = [json_format.MessageToJson(each, preserving_proto_field_name=True) for each in call.requests]
    ids = {json.loads(each).get("request_id") for each in requests} - {None}
    ids |= {json.loads(each).get("header", {}).get("request_id") for each in requests} - {None}
    for each in ids:
        requests = [text.replace(each, "ID") for text in requests]
        assert call.metadata["x-request-id"] == each
    return {
        "requests": requests,
        "language": call.metadata["accept-language"],
        "authorization": call.metadata["authorization"],
        "ids": len(ids),
    }
