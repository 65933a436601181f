"""The main job, from an order to the merchant's bank account, through the client library and over sockets alone."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

from keelpay import PaymentMethod
from keelpay.enums import (
    OperationState,
    OrderState,
    PaymentState,
    PayoutState,
    RefundState,
    RiskOutcome,
    WindowState,
)
from tests.e2e.installation import BALANCE_MINOR, cny, until

PRICE_MINOR = 12_000
FEE_MINOR = 120
TIP_MINOR = 5_000
OWN_FUNDS_MINOR = 100_000
STATEMENT_AFTER = timedelta(minutes=6)
INVARIANTS = set(range(1, 9))


async def pay_by_card(made, order):
    """Ann pays an order by card, with her finger on the phone of her own."""
    draft = made.acme.payments.draft(
        merchant=made.cafe, amount=order.amount, method=PaymentMethod.card(made.ann.card), order=order
    )
    preview = await made.acme.payments.preview(draft)
    payment = await made.acme.payments.create(draft)
    assert payment.state is PaymentState.REQUIRES_CONFIRMATION
    token = await made.acme.tokens.pay(made.ann.name, payment)
    signer = made.ann.signer
    async with made.as_holder_of(token) as phone:
        await phone.payments.confirm(payment, signer)
    (shown,) = signer.shown
    assert (shown.payee_name, shown.amount_minor, shown.currency) == ("Cafe", PRICE_MINOR, "CNY")

    async def captured():
        now = await made.acme.payments.get(payment)
        return now if now.state is PaymentState.CAPTURED else None

    return preview, await until(captured, "the capture")


async def findings(operator):
    """What VerifyLedger says over the wire, from the first event on: (invariant, ok)."""
    told = [each async for each in operator.ledger.verify(full=True)]
    return {each.invariant: each.ok for each in told if each.complete}


def midnight_after(moment):
    """The next cut-off of the merchants' calendar."""
    day = moment.astimezone(ZoneInfo("Asia/Shanghai")).date() + timedelta(days=1)
    return datetime(day.year, day.month, day.day, tzinfo=ZoneInfo("Asia/Shanghai")).astimezone(UTC)


async def test_one_payment_goes_all_the_way_and_every_cent_is_explained(own_installation):
    made = own_installation
    await made.deposit(OWN_FUNDS_MINOR)
    order = await made.acme.orders.create(amount=cny(PRICE_MINOR), merchant_order_id="o-1", merchant=made.cafe)
    preview, payment = await pay_by_card(made, order)

    # The finger, risk, the bank, the books: each has left its trace on the payment.
    assert [step.state for step in payment.transitions][-1] is PaymentState.CAPTURED
    assert payment.risk.outcome is RiskOutcome.APPROVE
    (charge,) = payment.operations
    assert charge.state is OperationState.SUCCEEDED
    assert (payment.amount_captured, payment.fee) == (cny(PRICE_MINOR), cny(FEE_MINOR)) == (order.amount, preview.fee)
    assert (await made.acme.orders.get(order)).state is OrderState.PAID
    legs = [(leg.kind, leg.amount) async for leg in made.ling.ledger.legs(resource=payment)]
    assert {cny(PRICE_MINOR), cny(FEE_MINOR)} <= {amount for _, amount in legs}

    # Ben leaves a tip from his balance, and gets a part of it back.
    draft = made.acme.payments.draft(
        merchant=made.cafe, amount=cny(TIP_MINOR), method=PaymentMethod.balance(made.ben.name)
    )
    tip = await made.acme.payments.confirm(await made.acme.payments.create(draft), made.ben.signer)
    assert tip.state is PaymentState.CAPTURED
    refund = await made.acme.refunds.create(tip, amount=cny(1_000))
    assert refund.state is RefundState.SUCCEEDED
    (balance,) = await made.acme.payers.balance(made.ben.name)
    assert balance.available.amount_minor == BALANCE_MINOR - TIP_MINOR + 1_000

    # Midnight: the window closes, and T+1 it is settled and paid out without hands.
    clock = await made.ling.sandbox.clock()
    midnight = midnight_after(clock.business_time)
    await made.advance_to(midnight)

    async def settled():
        return await made.acme.settlements.list(merchant=made.cafe).first()

    settlement = await until(settled, "the settlement")
    tip_fee = TIP_MINOR // 100 - 1_000 // 100
    assert settlement.net.amount_minor == PRICE_MINOR - FEE_MINOR + TIP_MINOR - 1_000 - tip_fee
    window = await made.acme.settlements.window(settlement.window)

    async def closed():
        return (await made.acme.settlements.window(window)).state is WindowState.SETTLED

    await until(closed, "the window")

    async def paid():
        payout = await made.acme.payouts.list(merchant=made.cafe).first()
        return payout if payout is not None and payout.state is PayoutState.PAID else None

    payout = await until(paid, "the payout")
    assert payout.amount == settlement.net

    # A day later the banks' statements are here, and each line of them is matched.
    await made.advance_to(midnight + timedelta(days=1) + STATEMENT_AFTER)

    async def reconciled():
        return (await made.acme.payouts.get(payout)).reconciled

    await until(reconciled, "the payout's line")

    async def all_matched():
        found = [each async for each in made.ling.reconciliation.statements()]
        return found if len(found) >= len(made.levers) and all(each.reconcile_time for each in found) else None

    statements = await until(all_matched, "the statements")
    assert {each.bank for each in statements} == set(made.levers)
    assert all(each.matched_count == each.line_count for each in statements)
    assert [each async for each in made.ling.reconciliation.breaks()] == []
    assert await findings(made.omar) == dict.fromkeys(INVARIANTS, True)
