"""Story: one payment from a finger on a phone to the merchant's bank account, every step with its state and its legs.

In: a connection to a running test installation. Out: the story on a console, and whether the books are proven at its
end. Invariant: nothing is shown that the server did not say; the person signs what the SDK has checked.
"""

import secrets
from collections.abc import Iterable
from typing import Final

from rich.console import Console

from keelpay import Money, Payment, PaymentMethod, PayoutDestination
from keelpay.challenge import DisplayedPayment
from keelpay.enums import PaymentState, PayoutState, SettlementLineKind
from keelpay.models import Leg, Payout, Settlement
from keelpay.signer import SigningRequest

from .cast import CALENDAR, FEES, enrol, top_up
from .connection import CURRENCY, Callers, Connection, open_callers
from .leg_titles import LegTitles, ShownLeg
from .mixture import Way
from .patience import until
from .person import Person
from .reading import read_findings
from .report import money
from .report_table import INVARIANTS
from .story_screen import StoryScreen
from .timeline import Timeline
from .treasury import FETCHED_AFTER, Treasury

PRICE: Final = Money(1280, CURRENCY)
TOP_UP: Final = Money(10_000, CURRENCY)
OWN_FUNDS_MINOR: Final = 100_000
CHALLENGE_SHOWN: Final = 24


async def run_story(connection: Connection, out: Console) -> bool:
    """Plays and tells one payment.

    Args:
        connection: A running test installation.
        out: Where it is told.

    Returns:
        Whether all eight invariants hold at the end.

    Raises:
        KeelpayError: A step is refused.
        RunError: The server does not get on.
    """
    async with open_callers(connection) as callers:
        return await _Story(callers, StoryScreen(out)).tell()


class _Story:
    """The scenes, in order."""

    def __init__(self, callers: Callers, screen: StoryScreen) -> None:
        self._callers, self._screen = callers, screen
        self._treasury = Treasury(callers)
        self._suffix = secrets.token_hex(3)
        self._titles = LegTitles(callers, self._suffix)

    async def tell(self) -> bool:
        """Tells all of it."""
        self._screen.title(
            "One payment, from a finger to the bank",
            f"a server at {self._callers.connection.target} and its sandbox banks, asked by the client library",
        )
        await self._open_shop()
        await self._enrol_mei()
        await self._fill_balance()
        payment = await self._ask_for_payment()
        payment = await self._confirm(payment)
        await self._show_captured(payment)
        timeline = await Timeline.begin(self._callers)
        await self._settle(timeline)
        await self._pay_out(timeline)
        proven = await self._prove()
        self._screen.end(self._callers.connection.addresses.items())
        return proven

    async def _open_shop(self) -> None:
        self._screen.step("A tea house opens", "the partner's backend")
        await self._treasury.deposit(OWN_FUNDS_MINOR)
        merchant = await self._callers.partner.merchants.create(
            f"teahouse-{self._suffix}", display_name="Tea House", settlement_currency=CURRENCY, calendar=CALENDAR,
            fees=FEES,
        )  # fmt: skip
        self._merchant = merchant.name
        self._screen.fact("merchant", merchant.name)
        self._screen.fact("settled", f"every midnight in {CALENDAR.time_zone}, paid out a day later (T+1)")

    async def _enrol_mei(self) -> None:
        self._screen.step("Mei enrols a passkey", "the partner's word, then her phone")
        payer = await self._callers.partner.payers.create(f"mei-{self._suffix}", locale="en", region="CN-EAST")
        self._mei = Person(name=payer.name, token=f"mei-{self._suffix}", region="CN-EAST")
        self._mei.instruments[Way.WALLET] = (
            await self._callers.partner.payers.tokenize(payer.name, self._mei.details(Way.WALLET))
        ).name
        self._mei.passkey = await enrol(self._callers, self._mei)
        async for passkey in self._callers.partner.passkeys.list(payer.name):
            self._screen.fact("passkey", passkey.name.rpartition("/")[2])
            if passkey.amount_limit is not None:
                self._screen.fact("while new", f"confirms at most {_read(passkey.amount_limit)} at a time")
        self._screen.fact("evidence", "the partner has signed how it knows her")

    async def _fill_balance(self) -> None:
        self._screen.step("She tops up her balance", "Alipay, by the sandbox wallet")
        await top_up(self._callers, self._mei, TOP_UP)
        (balance,) = await self._callers.partner.payers.balance(self._mei.name)
        self._screen.fact("balance", _read(balance.available))
        accounts = self._callers.maker.ledger.accounts(owner=self._mei.name)
        async for account in accounts:
            await self._show([leg async for leg in self._callers.maker.ledger.legs(account=account)])

    async def _ask_for_payment(self) -> Payment:
        payments = self._callers.partner.payments
        self._screen.step("She orders a pot of tea", "the partner's backend")
        order = await self._callers.partner.orders.create(
            amount=PRICE, merchant_order_id=f"tea-{self._suffix}", merchant=self._merchant, description="Pot of tea"
        )
        self._screen.fact("order", order.name.rpartition("/")[2])
        self._screen.state(order.state.name, f"{_read(PRICE)}; the amount is kept on the server")
        draft = payments.draft(
            merchant=self._merchant, amount=PRICE, method=PaymentMethod.balance(self._mei.name), region="CN-EAST",
            order=order, description="Pot of tea", device=self._mei.device(), confirm=True,
        )  # fmt: skip
        self._screen.step("What would it do to the books?", "preview: nothing is stored")
        preview = await payments.preview(draft)
        name = self._titles.short
        self._screen.legs(
            ShownLeg(name(leg.debit_account), name(leg.credit_account), leg.amount.amount, leg.event)
            for leg in preview.legs
        )
        self._screen.fact("fee", f"{_read(preview.fee)}, so the tea house gets {_read(preview.merchant_amount)}")
        self._screen.step("The payment is created", "the partner's backend")
        payment = await payments.create(draft)
        self._screen.fact("payment", payment.name.rpartition("/")[2])
        self._screen.state(payment.state.name, "her balance moves by her finger alone")
        return payment

    async def _confirm(self, payment: Payment) -> Payment:
        self._screen.step("Mei looks, and puts her finger on the sensor", "her phone")
        token = await self._callers.partner.tokens.pay(self._mei.name, payment)

        def look_and_sign(request: SigningRequest) -> str:
            self._show_terms(request)
            return self._mei.sign(request)

        async with self._callers.connection.as_holder_of_token(token.value) as phone:
            confirmed = await phone.payments.confirm(payment, look_and_sign)
        while confirmed.state is PaymentState.PROCESSING:
            confirmed = await self._callers.partner.payments.get(confirmed)
        return confirmed

    def _show_terms(self, request: SigningRequest) -> None:
        terms = request.displayed
        assert isinstance(terms, DisplayedPayment), "a payment is confirmed"
        amount = _read(Money(terms.amount_minor, terms.currency))
        source = terms.instrument_display or "your balance"
        self._screen.card("Mei's phone", [("Pay", terms.payee_name), ("Amount", amount), ("From", source)])
        self._screen.fact("challenge", f"{request.confirmation.challenge.hex()[:CHALLENGE_SHOWN]}…")
        self._screen.fact("", "SHA-256 of these terms, made again from what is shown")
        self._screen.fact("signed", "by the passkey, Mei verified; good once, for two minutes")

    async def _show_captured(self, payment: Payment) -> None:
        self._screen.step("Paid", "one commit: the signature is spent, the money moves")
        whole = await self._callers.partner.payments.get(payment)
        path = " → ".join(step.state.name for step in whole.transitions)
        self._screen.state(whole.state.name)
        self._screen.fact("on the way", path)
        self._screen.fact("time", f"{whole.system_ms} ms here, {whole.bank_ms} ms at banks, {whole.human_ms} ms Mei")
        if whole.risk is not None:
            factors = ", ".join(factor.name.lower() for factor in whole.risk.factors) or "nothing stands out"
            self._screen.fact("risk", f"{whole.risk.outcome.name} ({factors})")
        await self._show([leg async for leg in self._callers.maker.ledger.legs(resource=whole)])

    async def _settle(self, timeline: Timeline) -> None:
        self._screen.step("Midnight: the window closes and is settled", "the business clock is moved")
        midnight = timeline.midnight(0)
        await timeline.go_to(midnight)
        await self._treasury.settled(midnight)

        async def first() -> Settlement | None:
            return await self._callers.maker.settlements.list(merchant=self._merchant).first()

        settlement = await until(first, "the settlement")
        window = await self._callers.maker.settlements.window(settlement.window)
        events = f"events {window.first_sequence} to {window.last_sequence}"
        self._screen.state(window.state.name, f"window {window.number}, {events}")
        for line in settlement.lines:
            self._screen.fact(_line_name(line.kind), f"{money(line.amount.amount_minor, CURRENCY):>14}")
        self._screen.fact("available", f"{_read(settlement.net):>14}", style="bold")
        await self._show([leg async for leg in self._callers.maker.ledger.legs(resource=settlement)])

    async def _pay_out(self, timeline: Timeline) -> None:
        maker, checker = self._callers.maker, self._callers.checker
        first, second = (key.holder.rpartition("/")[2].title() for key in self._callers.connection.operators)
        self._screen.step("Where the money goes is agreed by two", f"the partner proposes, {first} approves")
        change = await self._callers.partner.merchants.update(
            self._merchant,
            payout_account=PayoutDestination(
                bank_code="ICBKCNBJ", account_holder="Tea House", account_number="6222000000004242"
            ),
        )
        assert change.proposal is not None, "a payout account waits for a second person"
        approved = await maker.approvals.approve(change.proposal, comment="The account was checked")
        self._screen.state(approved.state.name, "payout account ending 4242")
        self._screen.step("The payout", f"{first} asks for it, {second} approves")
        (balance,) = await maker.ledger.balance(self._merchant)
        payout = await maker.payouts.create(amount=balance.available, merchant=self._merchant)
        self._screen.state(payout.state.name, f"{_read(payout.amount)}, waits for {second}")
        await checker.approvals.approve(payout.proposal, comment="As settled")

        async def paid() -> bool | None:
            return (await maker.payouts.get(payout)).state is PayoutState.PAID or None

        await until(paid, payout.name)
        self._screen.state(PayoutState.PAID.name, "says the bank; its statement has to prove it")
        midnight = timeline.midnight(1)
        await timeline.go_to(midnight + FETCHED_AFTER)
        await self._treasury.settled(midnight)
        statements = await self._treasury.matched(midnight)
        self._screen.step("The banks' statements are matched", "line by line, without hands")
        for statement in sorted(statements, key=lambda each: each.bank):
            lines = f"{statement.matched_count} of {statement.line_count} lines"
            closing = money(statement.closing_balance.amount_minor, CURRENCY)
            self._screen.fact(statement.bank, f"{lines}, closing balance {closing}")
        reconciled = (await maker.payouts.get(payout)).reconciled
        self._screen.fact("payout", "on the statement" if reconciled else "not on the statement")
        await self._show(await self._payout_legs(payout))

    async def _payout_legs(self, payout: Payout) -> list[Leg]:
        """Returns what the payout posted when it was sent, and what its line on the statement posted."""
        ledger = self._callers.maker.ledger
        sent = [leg async for leg in ledger.legs(resource=payout)]
        transit = sent[-1].credit_account
        return sent + [leg async for leg in ledger.legs(account=transit) if leg.debit_account == transit]

    async def _prove(self) -> bool:
        self._screen.step("The books are proven", "VerifyLedger, from the first event")
        findings = await read_findings(self._callers)
        self._screen.verdict(findings)
        return {each.invariant for each in findings if each.ok} == INVARIANTS.keys()

    async def _show(self, legs: Iterable[Leg]) -> None:
        self._screen.legs(await self._titles.shown(legs))


def _read(amount: Money) -> str:
    return money(amount.amount_minor, amount.currency_code)


def _line_name(kind: SettlementLineKind) -> str:
    return kind.name.lower().replace("_", " ")
