"""What nobody may do, as a table: each act with the reason it is refused by.

In: a stage with money in every state. Out: a refusal. Invariant: every act is well formed; it is refused for what it
means, not for how it is written.
"""

import base64
import json
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

from keelpay import CaptureMethod, Money, PaymentMethod, new_request_id
from keelpay.api.gateway.v1 import payer_request_pb2, payment_request_pb2
from keelpay.enums import PaymentState, StatementFormat
from keelpay.payment_draft import to_raw_money
from keelpay.signer import signing_request
from keelpay_server.book.rail import Statement
from keelpay_server.book.statement_file import render_statement
from tests.e2e.installation import Installation, cny, until

PAID_MINOR, HELD_MINOR, ORDER_MINOR, ASKED_MINOR = 10_000, 8_000, 3_000, 2_000
USD = Money(1_000, "USD")


@dataclass(slots=True, kw_only=True)
class Stage:
    """An installation with a payment in every state that the acts need."""

    made: Installation
    paid: Any
    held: Any
    order: Any
    paid_order: Any
    asked: Any
    other_order: Any
    other_paid: Any
    spent: tuple[str, str]
    known_draft: Any
    order_id: str
    capture_id: str
    refund_id: str
    top_up_id: str

    def draft(self, *, amount=None, method=None, merchant=None, **more):
        """A payment to the café by Ann's card."""
        return self.made.acme.payments.draft(
            merchant=merchant or self.made.cafe, amount=amount or cny(1_000),
            method=method or PaymentMethod.card(self.made.ann.card), **more,
        )  # fmt: skip


async def signed(payment, person):
    """A fresh confirmation of a payment, and what the passkey signed for it."""
    confirmation = await person.partner.confirmations.start(person.name, payment=payment)
    return confirmation.name, person.signer(signing_request(confirmation, {}))


async def spend(client, payment, confirmation, assertion_json):
    """ConfirmPayment with a confirmation, as it is."""
    request = payment_request_pb2.ConfirmPaymentRequest(
        name=payment.name, request_id=new_request_id(), confirmation=confirmation, assertion_json=assertion_json
    )
    return await client._connection.unary(client.payments._stub.ConfirmPayment, request)


async def set_stage(made):
    """Brings every kind of payment about."""
    card = PaymentMethod.card(made.ann.card)

    async def pay(amount, merchant=made.cafe, **more):
        draft = made.acme.payments.draft(merchant=merchant, amount=cny(amount), method=card, **more)
        payment = await made.acme.payments.create(draft)
        await made.acme.payments.confirm(payment)

        async def resting():
            now = await made.acme.payments.get(payment)
            return now if now.state in {PaymentState.CAPTURED, PaymentState.AUTHORIZED} else None

        return await until(resting, payment.name)

    async def order(number, merchant=made.cafe, request_id=""):
        return await made.acme.orders.create(
            amount=cny(ORDER_MINOR), merchant_order_id=number, merchant=merchant, request_id=request_id
        )

    def by_ben(amount):
        balance = PaymentMethod.balance(made.ben.name)
        return made.acme.payments.draft(merchant=made.cafe, amount=cny(amount), method=balance)

    order_id, capture_id, refund_id, top_up_id = (new_request_id() for _ in range(4))
    paid_order, draft = await order("paid"), by_ben(ASKED_MINOR)
    stage = Stage(
        made=made, paid=await pay(PAID_MINOR), held=await pay(HELD_MINOR, capture_method=CaptureMethod.MANUAL),
        order=await order("open", request_id=order_id), paid_order=paid_order,
        asked=await made.acme.payments.create(draft), other_order=await order("other", made.bakery),
        other_paid=await pay(PAID_MINOR, made.bakery), spent=("", ""), known_draft=draft, order_id=order_id,
        capture_id=capture_id, refund_id=refund_id, top_up_id=top_up_id,
    )  # fmt: skip
    await pay(ORDER_MINOR, order=paid_order)
    await made.acme.payments.capture(stage.held, amount=cny(1), request_id=capture_id)
    await made.acme.refunds.create(stage.paid, amount=cny(1), request_id=refund_id)
    await made.acme.payers.top_up(made.ann.name, amount=cny(1), instrument=made.ann.wallet, request_id=top_up_id)
    bought = await made.acme.payments.create(by_ben(ASKED_MINOR))
    stage.spent = await signed(bought, made.ben)
    await spend(stage.made.acme, bought, *stage.spent)
    return stage


def _changed(draft, **fields):
    """The same draft with another body."""
    raw = type(draft.raw)()
    raw.CopyFrom(draft.raw)
    for name, value in fields.items():
        setattr(raw.payment, name, value)
    return replace(draft, raw=raw)


async def _altered(stage, change):
    confirmation, assertion = await signed(stage.asked, stage.made.ben)
    told = json.loads(assertion)
    change(told["response"])
    return await spend(stage.made.acme, stage.asked, confirmation, json.dumps(told))


def _flip(name):
    """Turns one bit of a part of the assertion."""

    def change(response):
        raw = bytearray(base64.urlsafe_b64decode(response[name] + "=="))
        raw[-1] ^= 1
        response[name] = base64.urlsafe_b64encode(bytes(raw)).decode().rstrip("=")

    return change


def _other_origin(response):
    data = json.loads(base64.urlsafe_b64decode(response["clientDataJSON"] + "=="))
    data["origin"] = "https://evil.example"
    raw = json.dumps(data, separators=(",", ":")).encode()
    response["clientDataJSON"] = base64.urlsafe_b64encode(raw).decode().rstrip("=")


async def _for_another_payment(stage):
    other = await stage.made.acme.payments.create(stage.draft(method=PaymentMethod.balance(stage.made.ben.name)))
    confirmation, assertion = await signed(other, stage.made.ben)
    return await spend(stage.made.acme, stage.asked, confirmation, assertion)


async def _of_another_person(stage):
    ann = stage.made.ann
    other = await stage.made.acme.payments.create(stage.draft(method=PaymentMethod.balance(ann.name)))
    confirmation, assertion = await signed(other, ann)
    return await spend(stage.made.acme, stage.asked, confirmation, assertion)


async def _superseded(stage):
    confirmation, assertion = await signed(stage.asked, stage.made.ben)
    await signed(stage.asked, stage.made.ben)
    return await spend(stage.made.acme, stage.asked, confirmation, assertion)


async def _withdraw_by_payment(stage):
    return await _withdraw(stage, *await signed(stage.asked, stage.made.ben))


async def _withdraw(stage, confirmation, assertion):
    ben, acme = stage.made.ben, stage.made.acme
    request = payer_request_pb2.WithdrawRequest(
        parent=ben.name, request_id=new_request_id(), amount=to_raw_money(cny(100)), instrument=ben.account,
        confirmation=confirmation, assertion_json=assertion,
    )  # fmt: skip
    return await acme._connection.unary(acme.payers._stub.Withdraw, request)


async def _enrol_by_payment_link(stage):
    token = await stage.made.acme.tokens.pay(stage.made.ben.name, stage.asked)
    app = stage.made.as_holder_of(token)
    return await app.passkeys.start_registration(stage.made.ben.name, display_name="A thief's phone")


def _mandate(stage, person=None, limit=None):
    limit = limit or cny(1_000)
    return stage.made.acme.mandates.start(
        payer=(person or stage.made.ann).name, payment_max=limit, day_max=limit, merchant=stage.made.cafe,
        expire_time=datetime.now(UTC) + timedelta(days=30),
    )  # fmt: skip


def statement(*, bank="sandbox-card", currency="CNY", cut=0, extra=b""):
    """A statement file of the sandbox's own format, with no lines."""
    content = render_statement(Statement(bank, 1, date(2026, 1, 2), currency, 0, 0, ()))
    return content[: len(content) - cut] + extra


def _import(stage, content, *, bank="sandbox-card", currency="CNY", number="1", who=None, form=None):
    return (who or stage.made.ling).reconciliation.import_statement(
        content, bank=bank, currency_code=currency, statement_number=number,
        format=form or StatementFormat.RAIL_JSON_LINES,
    )  # fmt: skip


NOBODY = "ord-00000000000000000000000000"
# What is tried: (its reason, the act). An act whose name begins with `!` spends a confirmation, and moves no money.
ACTS = {
    # wrong currency
    "an order in another currency": ("CURRENCY_MISMATCH", lambda s: s.made.acme.orders.create(
        amount=USD, merchant_order_id="usd", merchant=s.made.cafe)),
    "a payment in another currency": ("CURRENCY_MISMATCH", lambda s: s.made.acme.payments.create(s.draft(amount=USD))),
    "a preview in another currency": ("CURRENCY_MISMATCH", lambda s: s.made.acme.payments.preview(s.draft(amount=USD))),
    "a capture in another currency": ("CURRENCY_MISMATCH", lambda s: s.made.acme.payments.capture(s.held, amount=USD)),
    "a refund in another currency": ("CURRENCY_MISMATCH", lambda s: s.made.acme.refunds.create(s.paid, amount=USD)),
    "a payout in another currency": ("CURRENCY_MISMATCH", lambda s: s.made.ling.payouts.create(
        amount=USD, merchant=s.made.cafe)),
    "a mandate in another currency": ("CURRENCY_MISMATCH", lambda s: _mandate(s, limit=USD)),
    "a currency that does not exist": ("CURRENCY_UNKNOWN", lambda s: _mandate(s, limit=Money(100, "XQZ"))),
    "a payment of a part of its order": ("AMOUNT_OUT_OF_RANGE", lambda s: s.made.acme.payments.create(
        s.draft(order=s.order, amount=cny(ORDER_MINOR - 1)))),
    # unknown and others' resources
    "an unknown order": ("RESOURCE_NOT_FOUND", lambda s: s.made.acme.orders.get(f"{s.made.cafe}/orders/{NOBODY}")),
    "a payment of an unknown order": ("RESOURCE_NOT_FOUND", lambda s: s.made.acme.payments.create(
        s.draft(order=f"{s.made.cafe}/orders/{NOBODY}"))),
    "an unknown merchant": ("RESOURCE_NOT_FOUND", lambda s: s.made.acme.payments.create(
        s.draft(merchant="merchants/nobody"))),
    "a payment by an unknown card": ("RESOURCE_NOT_FOUND", lambda s: s.made.acme.payments.create(
        s.draft(method=PaymentMethod.card(f"{s.made.ann.name}/instruments/ins-00000000000000000000000000")))),
    "a refund of an unknown payment": ("RESOURCE_NOT_FOUND", lambda s: s.made.acme.refunds.create(
        f"{s.made.cafe}/payments/pay-00000000000000000000000000")),
    "a payment under an unknown mandate": ("RESOURCE_NOT_FOUND", lambda s: s.made.acme.payments.create(
        s.draft(method=PaymentMethod.mandate(
            f"{s.made.cafe}/mandates/man-00000000000000000000000000", payer=s.made.ann.name)))),
    "another merchant's order": ("RESOURCE_NOT_FOUND", lambda s: s.made.acme.payments.create(
        s.draft(order=s.other_order, amount=cny(ORDER_MINOR)))),
    "another merchant's payment by its id": ("RESOURCE_NOT_FOUND", lambda s: s.made.acme.payments.get(
        s.other_paid.name.replace("bakery", "cafe"))),
    "a capture of another merchant's payment": ("RESOURCE_NOT_FOUND", lambda s: s.made.acme.payments.capture(
        s.held.name.replace("cafe", "bakery"))),
    "a stranger's refund": ("RESOURCE_NOT_FOUND", lambda s: s.made.rival.refunds.create(s.paid)),
    "a stranger's capture": ("RESOURCE_NOT_FOUND", lambda s: s.made.rival.payments.capture(s.held)),
    "a stranger's payout": ("RESOURCE_NOT_FOUND", lambda s: s.made.rival.payouts.create(
        amount=cny(1), merchant=s.made.cafe)),
    # one id, another body
    "an order's id again with another amount": ("IDEMPOTENCY_MISMATCH", lambda s: s.made.acme.orders.create(
        amount=cny(ORDER_MINOR + 1), merchant_order_id="open", merchant=s.made.cafe, request_id=s.order_id)),
    "a payment's draft again with another text": ("IDEMPOTENCY_MISMATCH", lambda s: s.made.acme.payments.create(
        _changed(s.known_draft, description="something else"))),
    "a capture's id again with another amount": ("IDEMPOTENCY_MISMATCH", lambda s: s.made.acme.payments.capture(
        s.held, amount=cny(2), request_id=s.capture_id)),
    "a refund's id again with another amount": ("IDEMPOTENCY_MISMATCH", lambda s: s.made.acme.refunds.create(
        s.paid, amount=cny(2), request_id=s.refund_id)),
    "a top-up's id again with another amount": ("IDEMPOTENCY_MISMATCH", lambda s: s.made.acme.payers.top_up(
        s.made.ann.name, amount=cny(2), instrument=s.made.ann.wallet, request_id=s.top_up_id)),
    "a merchant's own number again": ("MERCHANT_NUMBER_TAKEN", lambda s: s.made.acme.orders.create(
        amount=cny(ORDER_MINOR), merchant_order_id="open", merchant=s.made.cafe)),
    # confirmations
    "!an assertion with an altered signature": ("CONFIRMATION_SIGNATURE_INVALID",
                                                lambda s: _altered(s, _flip("signature"))),
    "!an assertion with altered authenticator data": ("CONFIRMATION_SIGNATURE_INVALID",
                                                      lambda s: _altered(s, _flip("authenticatorData"))),
    "!an assertion for another origin": ("CONFIRMATION_SIGNATURE_INVALID", lambda s: _altered(s, _other_origin)),
    "!a confirmation of another payment": ("CONFIRMATION_REPLAYED", _for_another_payment),
    "!a confirmation of another person": ("RESOURCE_NOT_FOUND", _of_another_person),
    "!a confirmation spent twice": ("CONFIRMATION_REUSED", lambda s: spend(s.made.acme, s.asked, *s.spent)),
    "!a confirmation that a newer one replaced": ("CONFIRMATION_SUPERSEDED", _superseded),
    # a balance without its payer
    "a payment from nobody's balance": ("BALANCE_NEEDS_PAYER", lambda s: s.made.acme.payments.create(
        s.draft(method=PaymentMethod.balance("")))),
    "!a withdrawal by a finger that was for something else": ("CONFIRMATION_REPLAYED", _withdraw_by_payment),
    "a withdrawal by a finger that is spent": ("CONFIRMATION_REUSED", lambda s: _withdraw(s, *s.spent)),
    # another partner's payer
    "another partner's payer's balance": ("RESOURCE_NOT_FOUND", lambda s: s.made.acme.payments.create(
        s.draft(method=PaymentMethod.balance(s.made.eve.name)))),
    "another partner's payer's card": ("RESOURCE_NOT_FOUND", lambda s: s.made.acme.payments.create(
        s.draft(method=PaymentMethod.card(s.made.eve.card)))),
    "a top-up of another partner's payer": ("RESOURCE_NOT_FOUND", lambda s: s.made.acme.payers.top_up(
        s.made.eve.name, amount=cny(1), instrument=s.made.eve.wallet)),
    "a top-up from another person's wallet": ("RESOURCE_NOT_FOUND", lambda s: s.made.acme.payers.top_up(
        s.made.ben.name, amount=cny(1), instrument=s.made.ann.wallet)),
    "a token for another partner's payer": ("RESOURCE_NOT_FOUND", lambda s: s.made.acme.tokens.manage(s.made.eve.name)),
    "a mandate of another partner's payer": ("RESOURCE_NOT_FOUND", lambda s: _mandate(s, s.made.eve)),
    "a confirmation for another partner's payer": ("RESOURCE_NOT_FOUND", lambda s: s.made.acme.confirmations.start(
        s.made.eve.name, payment=s.asked)),
    # a payment link
    "a payment link used to enrol": ("SCOPE_MISSING", _enrol_by_payment_link),
    "an enrolment on a word about another person": ("SIGNATURE_INVALID", lambda s: s.made.acme.tokens.enrol(
        s.made.ben.name, s.made.acme.attest(s.made.ann.name, amr=["pwd"]))),
    "an enrolment on another partner's word": ("SIGNATURE_INVALID", lambda s: s.made.acme.tokens.enrol(
        s.made.ben.name, s.made.rival.attest(s.made.ben.name, amr=["pwd"]))),
    # more than there is
    "a refund beyond what was captured": ("REFUND_EXCEEDS_CAPTURED", lambda s: s.made.acme.refunds.create(
        s.paid, amount=cny(PAID_MINOR + 1))),
    "a refund of what was not captured": ("REFUND_EXCEEDS_CAPTURED", lambda s: s.made.acme.refunds.create(
        s.held, amount=cny(HELD_MINOR))),
    "a capture beyond the hold": ("HOLD_EXCEEDED", lambda s: s.made.acme.payments.capture(
        s.held, amount=cny(HELD_MINOR + 1))),
    "a capture of what is captured": ("ILLEGAL_TRANSITION", lambda s: s.made.acme.payments.capture(s.paid)),
    "a cancel of what is captured": ("ILLEGAL_TRANSITION", lambda s: s.made.acme.payments.cancel(s.paid)),
    "a second payment of a paid order": ("ORDER_PAID", lambda s: s.made.acme.payments.create(
        s.draft(order=s.paid_order, amount=cny(ORDER_MINOR)))),
    "a payout beyond what is available": ("INSUFFICIENT_FUNDS", lambda s: s.made.acme.payouts.create(
        amount=cny(10_000_000), merchant=s.made.cafe)),
    # statement files
    "a statement that is cut": ("STATEMENT_INVALID", lambda s: _import(s, statement(cut=10))),
    "a statement without its last line": ("STATEMENT_INVALID", lambda s: _import(s, statement(cut=1))),
    "a statement with more behind its end": ("STATEMENT_INVALID", lambda s: _import(s, statement(extra=b"{}\n"))),
    "a file that is no statement": ("STATEMENT_INVALID", lambda s: _import(s, b"hello\n")),
    "XML that is no statement": ("STATEMENT_INVALID", lambda s: _import(
        s, b"<a/>", form=StatementFormat.CAMT_053)),
    "a statement of another bank": ("STATEMENT_INVALID", lambda s: _import(s, statement(bank="sandbox-bank"))),
    "a statement in another currency": ("STATEMENT_INVALID", lambda s: _import(s, statement(), currency="USD")),
    "a statement with another number": ("STATEMENT_INVALID", lambda s: _import(s, statement(), number="2")),
    "a statement in a currency that its bank does not take": ("CURRENCY_MISMATCH", lambda s: _import(
        s, statement(currency="USD"), currency="USD")),
    "a statement of a bank that we do not know": ("RESOURCE_NOT_FOUND", lambda s: _import(
        s, statement(bank="nobody"), bank="nobody")),
    "a statement told by another bank": ("RESOURCE_NOT_FOUND", lambda s: _import(s, statement(), who=s.made.bank)),
}  # fmt: skip
