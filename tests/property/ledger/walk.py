"""A random walk over every posting of one book: whatever may happen to payments, refunds, payouts and banks."""

from dataclasses import dataclass, field
from random import Random

from keelpay_server.ledger.account import (
    OWN_BANK,
    bank_clearing,
    merchant_available,
    merchant_owed,
    merchant_unsettled,
)
from keelpay_server.ledger.fact import Authority
from keelpay_server.ledger.money import Rounding, prorated, share_bp
from keelpay_server.ledger.posting import bank, payment, payout, refund, settlement
from tests.property.ledger.entities import Break, Payment, Payout, Refund
from tests.property.ledger.model_book import ModelBook, Short

CNY = 156
MERCHANTS, PAYERS, BANKS = (1, 2, 3), (11, 12, 13), (21, 22)
FEE_BP = {1: 60, 2: 0, 3: 10_000}
"""The last one is a fee of the whole payment: the hardest case for captures and refunds."""


@dataclass
class Walk:
    random: Random
    book: ModelBook = field(default_factory=lambda: ModelBook(batch_size=3))
    window: int = 1
    settled: set[int] = field(default_factory=set)
    payments: list[Payment] = field(default_factory=list)
    refunds: list[Refund] = field(default_factory=list)
    payouts: list[Payout] = field(default_factory=list)
    breaks: list[Break] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def __post_init__(self):
        self.book.apply(bank.capital(bank=BANKS[0], currency=CNY, amount=1_000_000))
        self.steps = (
            3
            * [self.pay, self.authorize, self.authorize, self.capture, self.capture, self.open_refund, self.move_refund]
            + [self.top_up, self.receive, self.open_payout, self.withdraw, self.move_payout, self.move_payout]
            + [self.open_break, self.move_break, self.release, self.close_window, self.settle_window]
        )

    def step(self):
        """One thing happens, or is refused without a trace."""
        action = self.random.choice(self.steps)
        try:
            action()
        except (Short, refund.FundingError) as refusal:
            self.seen.add(type(refusal).__name__)

    # ---- payments

    def pay(self):
        merchant, payer, amount = self._merchant(), self.random.choice(PAYERS), self._amount()
        discount = self._discount()
        fee = self._fee_of(merchant, amount + discount, 0, amount)
        hold = payment.hold_balance(payer=payer, merchant=merchant, window=self.window, currency=CNY, amount=amount)
        posting = payment.pay(
            payer=payer, merchant=merchant, window=self.window, currency=CNY, amount=amount, fee=fee, discount=discount
        )
        self.book.apply(posting, Authority(hold.debit, amount, spent=True))
        done = hold.capture(amount)
        self.payments.append(
            Payment(merchant, OWN_BANK, payer, amount, discount, done, amount, fee, discounted=discount)
        )

    def authorize(self):
        merchant, payer, amount = self._merchant(), self.random.choice(PAYERS), self._amount()
        parts = {"merchant": merchant, "window": self.window, "currency": CNY, "amount": amount}
        if self.random.random() < 0.5:
            where, hold = OWN_BANK, payment.hold_balance(payer=payer, **parts)
            agreed = (Authority(hold.debit, amount, spent=True),)
        else:
            where = self.random.choice(BANKS)
            hold, agreed = payment.hold_bank(bank=where, **parts), ()
        self.book.apply(payment.authorize(hold), *agreed)
        self.payments.append(Payment(merchant, where, payer, amount, self._discount(), hold))

    def capture(self):
        one = self._pick(p for p in self.payments if p.hold.rest)
        amount = self.random.choice((one.hold.rest, self.random.randint(1, one.hold.rest)))
        after = one.hold.capture(amount, final=self.random.random() < 0.3)
        discount = prorated(one.discount, one.captured + amount, one.authorized, one.discounted)
        total = one.captured + amount + one.discounted + discount
        fee = self._fee_of(one.merchant, total, one.fee, amount)
        cost = share_bp(amount, 20, Rounding.HALF_UP) if one.bank else 0
        self.book.apply(payment.capture(one.hold, after, window=self.window, fee=fee, cost=cost, discount=discount))
        one.hold, one.captured = after, one.captured + amount
        one.fee, one.discounted = one.fee + fee, one.discounted + discount

    def release(self):
        one = self._pick(p for p in self.payments if p.hold.rest)
        after = one.hold.release()
        self.book.apply(payment.release(one.hold, after))
        one.hold = after

    # ---- refunds

    def open_refund(self):
        one = self._pick(p for p in self.payments if p.captured - p.refunded - p.refund_pending)
        left = one.captured - one.refunded - one.refund_pending
        amount = self.random.choice((left, self.random.randint(1, left)))
        part = one.captured - left + amount
        fee = min(amount, prorated(one.fee, part, one.captured, one.fee_back)) if self.random.random() < 0.7 else 0
        promotion = prorated(one.discounted, part, one.captured, one.promotion_back)
        funding = refund.fund(
            merchant=one.merchant,
            currency=CNY,
            window=self.window,
            amount=amount,
            available_room=self.book.room(merchant_available(one.merchant, CNY)),
            unsettled_room=self.book.room(merchant_unsettled(one.merchant, CNY, self.window)),
            may_owe=self.random.random() < 0.3,
            fee=fee,
            promotion=promotion,
        )
        assert funding.amount == amount
        self.book.apply(refund.reserve(funding, one.bank))
        one.refund_pending += amount
        one.fee_back, one.promotion_back = one.fee_back + fee, one.promotion_back + promotion
        self.refunds.append(Refund(one, funding, one.bank))
        self.seen |= {name for name in ("available", "unsettled", "owed") if getattr(funding, name)}

    def move_refund(self):
        one = self._pick(r for r in self.refunds if r.state in {"RESERVED", "SUBMITTED", "ABNORMAL"})
        moves = {"RESERVED": ("submit", "submit", "cancel"), "ABNORMAL": ("reroute", "credit", "fail")}
        arrive = ("sent", "netted", "abnormal", "fail") if one.bank else ("credit", "fail")
        self.refund_to(one, self.random.choice(moves.get(one.state, arrive)))

    def refund_to(self, one, move):
        """Moves a refund; every name is one thing a bank, a merchant or an operator may do."""
        funding, amount = one.funding, one.funding.amount
        at = {"bank": one.bank, "currency": CNY, "amount": amount}
        owed = -self.book.balance(merchant_owed(funding.merchant, CNY))
        late = {"settled": funding.window in self.settled, "owed": owed}
        if move == "netted" and self.book.balance(bank_clearing(one.bank, CNY)) > -amount:
            return
        match move:
            case "submit":
                posting, one_state = refund.submit(funding, one.bank), "SUBMITTED"
            case "cancel":
                posting, one_state = refund.cancel(funding, one.bank, **late), "CANCELLED"
            case "sent":
                posting, one_state = refund.sent(**at), "SUCCEEDED"
            case "netted":
                posting, one_state = refund.netted(**at), "SUCCEEDED"
            case "credit":
                posting, one_state = refund.credit_balance(payer=one.payment.payer, **at), "SUCCEEDED"
            case "reroute":
                target = self.random.choice(BANKS)
                posting = refund.reroute(currency=CNY, amount=amount, from_bank=one.bank, to_bank=target)
                one_state, one.bank = "SUBMITTED", target
            case "fail":
                posting, one_state = refund.fail(funding, one.bank, **late), "FAILED"
            case _:
                one.state = "ABNORMAL"
                return
        self.book.apply(posting)
        self.seen.add(f"refund {move}")
        if move in {"cancel", "fail"} and late["settled"] and funding.unsettled:
            self.seen.add("late settlement")
        if move == "fail" and funding.owed > owed:
            self.seen.add("debt repaid before the refund failed")
        one.state = one_state
        self._close_refund(one)

    def _close_refund(self, one):
        if one.state in {"SUCCEEDED", "CANCELLED", "FAILED"}:
            one.payment.refund_pending -= one.funding.amount
            if one.state == "SUCCEEDED":
                one.payment.refunded += one.funding.amount
            else:
                one.payment.fee_back -= one.funding.fee
                one.payment.promotion_back -= one.funding.promotion

    # ---- money out

    def open_payout(self):
        merchant = self._merchant()
        room = self.book.room(merchant_available(merchant, CNY))
        self.payout_of(merchant, self.random.choice((room, self._amount())))

    def payout_of(self, merchant, amount):
        if not amount:
            return
        hold = payout.hold_payout(merchant=merchant, bank=self.random.choice(BANKS), currency=CNY, amount=amount)
        self.book.apply(payout.reserve(hold))
        self.payouts.append(Payout(hold))

    def withdraw(self):
        self.withdraw_of(self.random.choice(PAYERS), self._amount())

    def withdraw_of(self, payer, amount):
        if not amount:
            return
        hold = payout.hold_withdrawal(payer=payer, bank=self.random.choice(BANKS), currency=CNY, amount=amount)
        self.book.apply(payout.reserve(hold), Authority(hold.debit, amount, spent=True))
        self.payouts.append(Payout(hold))

    def move_payout(self):
        one = self._pick(p for p in self.payouts if p.state in {"RESERVED", "SUBMITTED", "PAID"})
        moves = {"RESERVED": ("submit", "submit", "cancel"), "SUBMITTED": ("sent", "sent", "returned_unsent")}
        self.payout_to(one, self.random.choice(moves.get(one.state, ("returned_sent", "stay", "stay"))))

    def payout_to(self, one, move):
        states = {"submit": "SUBMITTED", "cancel": "CANCELLED", "sent": "PAID", "stay": "GONE"}
        if move != "stay":
            self.book.apply(getattr(payout, move)(one.hold))
        one.state = states.get(move, "RETURNED")
        self.seen.add(f"payout {move}")

    # ---- banks and windows

    def top_up(self):
        payer, amount = self.random.choice(PAYERS), 3 * self._amount()
        self.book.apply(bank.top_up(bank=self.random.choice(BANKS), payer=payer, currency=CNY, amount=amount))

    def receive(self):
        where = self.random.choice(BANKS)
        due = -self.book.balance(bank_clearing(where, CNY))
        if due > 0:
            amount = self.random.choice((due, self.random.randint(1, due)))
            self.book.apply(bank.receive(bank=where, currency=CNY, amount=amount))

    def open_break(self):
        where, amount = self.random.choice(BANKS), self._amount()
        at = {"bank": where, "currency": CNY, "amount": amount}
        kind = self.random.choice(("surplus", "late_success", "deficit"))
        if kind == "deficit" and -self.book.balance(bank_clearing(where, CNY)) < amount:
            return
        self.book.apply(getattr(bank, kind)(**at))
        self.breaks.append(Break(where, -amount if kind == "deficit" else amount))
        self.seen.add(f"break {kind}")

    def move_break(self):
        self.break_to(self._pick(b for b in self.breaks if b.state in {"OPEN", "REFUNDING"}))

    def break_to(self, one):
        at = {"bank": one.bank, "currency": CNY, "amount": abs(one.amount)}
        if one.state == "REFUNDING":
            failed = self.random.random() < 0.3
            refused = bank.refund_suspense_failed(bank=one.bank, to_bank=one.via, currency=CNY, amount=one.amount)
            self.book.apply(refused if failed else refund.sent(bank=one.via, currency=CNY, amount=one.amount))
            one.state = "OPEN" if failed else "RESOLVED"
        elif one.amount < 0:
            self.book.apply(bank.write_off(**at) if self.random.random() < 0.5 else bank.surplus(**at))
            one.state = "RESOLVED"
        elif self.random.random() < 0.5:
            self.book.apply(bank.assign_surplus(merchant=self._merchant(), window=self.window, **at))
            one.state = "RESOLVED"
        else:
            self.book.apply(bank.refund_suspense(**at))
            one.state, one.via = "REFUNDING", one.bank

    def close_window(self):
        if self.random.random() < 0.3:
            self.window += 1

    def settle_window(self):
        closed = [w for w in range(1, self.window) if w not in self.settled]
        if not closed:
            return
        for merchant in MERCHANTS:
            free = self.book.room(merchant_unsettled(merchant, CNY, closed[0]))
            owed = -self.book.balance(merchant_owed(merchant, CNY))
            self.book.apply(settlement.settle(merchant=merchant, window=closed[0], currency=CNY, free=free, owed=owed))
        self.settled.add(closed[0])

    # ---- draws

    def _merchant(self):
        return self.random.choice(MERCHANTS)

    def _amount(self):
        return self.random.choice((1, 2, 7, self.random.randint(1, 10_000)))

    def _discount(self):
        return self.random.choice((0, 0, 1, 333))

    def _fee_of(self, merchant, total, taken, captured_now):
        return payment.fee_due(share_bp(total, FEE_BP[merchant], Rounding.HALF_UP), taken, captured_now)

    def _pick(self, candidates):
        found = list(candidates)
        if not found:
            raise Short
        return self.random.choice(found)
