"""Refunds of one payment, in any order and with any answers, beside a model of ten lines.

The model knows only who should have how much; what the product's decisions posted must come to the same.
"""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from keelpay_server.book.bank import Bank
from keelpay_server.book.merchant import Merchant, MerchantState
from keelpay_server.book.payer import Payer, PayerState
from keelpay_server.book.rail import OperationOutcome, OperationResult
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.clearing.window import Window, WindowState
from keelpay_server.gateway.operation import UNRESOLVED, Operation
from keelpay_server.gateway.payment import Payment, PaymentState
from keelpay_server.gateway.refund import Refund, RefundPolicy, RefundState
from keelpay_server.gateway.refund_advance import AdvanceRefund
from keelpay_server.gateway.refund_commands import CancelRefund, CreateRefund, RerouteRefund
from keelpay_server.gateway.result import RecordOperation
from keelpay_server.ledger.account import number as account_number
from keelpay_server.ledger.account import refund_transit
from keelpay_server.ledger.chart import Chart

from .open_world import OpenWorld

CNY, DAY_US = 156, 86_400_000_000
_S = RefundState
UNDER_WAY = {_S.CREATED, _S.RESERVED, _S.SUBMITTED, _S.ABNORMAL}
ANSWERS = {
    "done": (OperationOutcome.SUCCEEDED, ""),
    "closed": (OperationOutcome.DECLINED, "ACCOUNT_CLOSED"),
    "no": (OperationOutcome.DECLINED, "DO_NOT_HONOR"),
    "broken": (OperationOutcome.FAILED, "PROCESSING_ERROR"),
    "hopeless": (OperationOutcome.FAILED, "UNSUPPORTED"),
    "later": (OperationOutcome.PENDING, ""),
}


def blank(entity, **fields):
    """A row with nothing in it but what is told."""
    kinds = entity.__annotations__.items()
    return entity(**{**{name: kind() if kind in (int, str, bool, bytes) else None for name, kind in kinds}, **fields})


def merchant_of(available):
    row = blank(
        Merchant, id="cafe", partner="acme", number=2, state=MerchantState.ACTIVE, currency="CNY",
        calendar="Asia/Shanghai@00:00", window_opened=1,
    )  # fmt: skip
    balances = {row.available(): available, row.unsettled(1): 0, row.owed(): 0}
    return row, balances


class Refunds(RuleBasedStateMachine):
    @initialize(
        captured=st.integers(1, 10_000), fee_share=st.integers(0, 100), from_balance=st.booleans(),
        spare=st.integers(-5_000, 5_000), may_owe=st.booleans(), return_fee=st.booleans(),
    )  # fmt: skip
    def begin(self, captured, fee_share, from_balance, spare, may_owe, return_fee):
        self.captured, self.fee, self.policy = captured, captured * fee_share // 100, RefundPolicy(may_owe, return_fee)
        self.funds = max(0, captured - self.fee + spare)
        self.merchant, balances = merchant_of(self.funds)
        payer = blank(Payer, id="acme/ama", partner="acme", number=3, state=PayerState.ACTIVE, currencies="CNY")
        bank = Bank("card", 1, "CNY", 0, True, 1)
        payment = blank(
            Payment, id=b"p" * 16, merchant="cafe", payer="acme/ama", channel=2 if from_balance else 3,
            bank="" if from_balance else "card", currency="CNY", amount=captured, state=PaymentState.CAPTURED,
            authorized=captured, captured=captured, fee=self.fee, authorization=b"a" * 16, state_version=1,
            history="[]",
        )  # fmt: skip
        window = blank(Window, id=1, calendar=self.merchant.calendar, currency="CNY", state=WindowState.OPEN)
        self.balance, self.payment_id = payer.balance("CNY"), payment.id
        balances |= {self.balance: 0, refund_transit(0, CNY): 0, refund_transit(1, CNY): 0}
        self.world = OpenWorld((self.merchant, payer, bank, payment, window), balances)
        self.asked = 0

    @rule(amount=st.integers(1, 12_000))
    def ask(self, amount):
        self.asked += 1
        left = self.payment.refundable
        command = CreateRefund(
            merchant="cafe", number=str(self.asked), payment=self.payment_id, amount=amount, policy=self.policy
        )
        assert self.refusal_of(command) is (Reason.REFUND_EXCEEDS_CAPTURED if amount > left else None)

    @precondition(lambda self: self.open_operations)
    @rule(data=st.data(), answer=st.sampled_from(sorted(ANSWERS)))
    def hear(self, data, answer):
        operation = data.draw(st.sampled_from(self.open_operations))
        outcome, code = ANSWERS[answer]
        self.world.do(RecordOperation(result=OperationResult(operation.id, outcome, code)))

    @rule(days=st.integers(0, 12))
    def wait(self, days):
        self.world.wait(days * DAY_US + 3_600_000_000)
        for refund in self.refunds:
            self.world.do(AdvanceRefund(refund=refund.id, policy=self.policy))

    @precondition(lambda self: self.refunds)
    @rule(data=st.data())
    def call_off(self, data):
        refund = data.draw(st.sampled_from(self.refunds))
        may = refund.state in (_S.CREATED, _S.RESERVED)
        assert self.refusal_of(CancelRefund(refund=refund.id)) is (None if may else Reason.ILLEGAL_TRANSITION)

    @precondition(lambda self: any(refund.state == _S.ABNORMAL for refund in self.refunds))
    @rule()
    def reroute(self):
        refund = next(refund for refund in self.refunds if refund.state == _S.ABNORMAL)
        self.world.do(RerouteRefund(refund=refund.id))

    @invariant()
    def the_payment_knows_what_is_under_way_and_what_is_done(self):
        assert self.payment.refund_pending == sum(r.amount for r in self.refunds if r.state in UNDER_WAY)
        assert self.payment.refunded == sum(r.amount for r in self.refunds if r.state == _S.SUCCEEDED)
        assert self.payment.refundable >= 0

    @invariant()
    def everybody_has_what_the_model_says(self):
        given = [refund for refund in self.refunds if refund.state in (_S.SUBMITTED, _S.SUCCEEDED, _S.ABNORMAL)]
        fees = sum(refund.from_fee for refund in given)
        merchant = sum(self.world.net(number)[0] for number in self.sources)
        assert -merchant == sum(refund.amount for refund in given) - fees
        assert self.world.net(account_number(Chart.FEE_INCOME, CNY))[0] == -fees
        in_transit = sum(self.world.net(refund_transit(bank, CNY))[0] for bank in (0, 1))
        assert in_transit == sum(refund.in_transit for refund in self.refunds)
        arrived = self.world.net(self.balance)[0]
        assert arrived + in_transit == sum(refund.amount for refund in given)

    @invariant()
    def holds_are_what_is_reserved(self):
        pending = sum(self.world.net(number)[1] for number in self.sources)
        assert -pending == sum(r.amount - r.from_fee for r in self.refunds if r.held)

    @invariant()
    def no_more_fee_goes_back_than_was_taken_nor_than_is_due(self):
        funded = [r for r in self.refunds if r.owner and r.state not in (_S.FAILED, _S.CANCELLED)]
        fees, part = sum(r.from_fee for r in funded), sum(r.amount for r in funded)
        assert 0 <= fees <= self.fee
        if not self.policy.return_fee:
            assert fees == 0
        elif all(r.owner and r.state not in (_S.FAILED, _S.CANCELLED) for r in self.refunds):
            assert fees == self.fee * part // self.captured

    @invariant()
    def the_merchant_owes_only_by_policy(self):
        owed = -self.world.net(self.merchant.owed())[0]
        assert owed >= 0
        assert owed == 0 or self.policy.may_owe
        assert self.world.headroom(self.merchant.available()) >= 0

    def refusal_of(self, command):
        try:
            self.world.do(command)
        except Refused as refusal:
            return refusal.reason
        return None

    @property
    def payment(self):
        return self.world.get(Payment, self.payment_id)

    @property
    def refunds(self):
        return sorted(self.world.of(Refund))

    @property
    def open_operations(self):
        return sorted(row for row in self.world.of(Operation) if row.state in UNRESOLVED)

    @property
    def sources(self):
        return self.merchant.available(), self.merchant.unsettled(1), self.merchant.owed()


TestRefunds = Refunds.TestCase
TestRefunds.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)
