"""Payments that do not go their usual way: looked at by a person, refused, out of time, asked about once more."""

from datetime import UTC, datetime, timedelta

import pytest

from keelpay import PaymentMethod
from keelpay.enums import PaymentState, ReviewState, RiskOutcome, Verdict
from tests.e2e.installation import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
LIFE_S = 4.0
"""Of a payment that runs out of time: long enough to open it, short enough to wait for."""


def soon(life_s):
    """A moment from now."""
    return datetime.now(UTC) + timedelta(seconds=life_s)


async def in_review(town, phone, *, life_s=0.0):
    """A payment that risk control wants a person to look at, and the page that waits for it."""
    draft = {"expire_time": soon(life_s)} if life_s else {}
    payment = await town.suspicious_payment(phone, await town.person(), **draft)
    await phone.open(await town.pay_link(payment))
    await phone.press()
    await phone.shows("review")
    assert await town.state(payment) is PaymentState.IN_REVIEW
    assert "You need do nothing" in await phone.text()
    return payment


async def test_a_payment_that_a_person_approves_goes_on_while_the_page_waits(town, phone):
    payment = await in_review(town, phone)
    await phone.page.reload()
    await phone.shows("review")
    await town.judge(payment, Verdict.APPROVE)
    await phone.shows("paid")
    await until(lambda: town.is_paid(payment), "the approved payment")


async def test_a_payment_that_a_person_rejects_says_so_and_takes_nothing(town, phone):
    payment = await in_review(town, phone)
    await town.judge(payment, Verdict.REJECT)
    await phone.shows("rejected")
    assert "Nothing was taken" in await phone.text()
    assert await phone.page.locator("button.primary").count() == 0
    assert (await town.partner.payments.get(payment)).amount_captured.amount_minor == 0


async def test_a_payer_may_call_off_what_waits_for_a_person(town, phone):
    payment = await in_review(town, phone)
    await phone.press("Cancel payment")
    await phone.page.locator("dialog .danger").click()
    await phone.shows("cancelled")
    assert await town.state(payment) is PaymentState.CANCELLED
    assert [each async for each in town.made.ling.reviews.list(payment=payment, state=ReviewState.OPEN)] == []


async def test_a_review_that_outlasts_its_payment_ends_as_time_run_out(town, phone):
    payment = await in_review(town, phone, life_s=LIFE_S)
    await phone.shows("late")
    assert await town.state(payment) is PaymentState.EXPIRED


async def test_a_payment_whose_time_runs_out_while_somebody_looks_at_it_says_so_by_itself(town, phone, ann):
    payment = await town.payment(ann, expire_time=soon(LIFE_S))
    assert await phone.open(await town.pay_link(payment)) == "look"
    await phone.shows("late")
    assert "Nothing was taken" in await phone.text()
    assert not await town.is_paid(payment)
    await phone.page.reload()
    await phone.shows("late")


async def test_a_signature_that_arrives_too_late_pays_nothing(town, phone, ann):
    payment = await town.payment(ann, expire_time=soon(LIFE_S))

    async def crawl(route):
        await until(lambda: town.is_in(payment, PaymentState.EXPIRED), "the end of the payment's time")
        await route.continue_()

    await phone.page.route("**/ConfirmPayment", crawl)
    await phone.open(await town.pay_link(payment))
    await phone.press()
    await phone.shows("late")
    assert not await town.is_paid(payment)


async def stepped_up(town, payment):
    """Whether risk control asked for a step-up first."""
    decisions = [each async for each in town.made.ling.risk.decisions(merchant="merchants/-", payment=payment)]
    return decisions[-1].outcome is RiskOutcome.STEP_UP


async def test_a_mandate_spares_the_finger_unless_risk_control_asks_for_it(town, phone, ann):
    shop = await town.shop_of_fraud(phone, ann)
    link = await town.manage_link(ann)
    await phone.open(link.replace("/manage#", f"/manage?mandate={shop}#"))
    await phone.press("Continue")
    await phone.shows("agree")
    await phone.press()
    await phone.shows("agreed")
    (mandate,) = [each async for each in town.partner.mandates.list(merchant=shop, payer=ann.name)]
    method = PaymentMethod.mandate(mandate.name, payer=ann.name)
    payment = await town.payment(ann, 40_00, method=method, merchant=shop)
    await phone.open(await town.pay_link(payment))
    assert "No confirmation needed" in await phone.text()

    before = await phone.signatures()
    await phone.press("Pay ¥40.00")
    assert "needs your fingerprint or face" in await phone.alert(), "it says so before it asks"
    assert "For your safety we ask this time" in await phone.text()
    assert await town.state(payment) is PaymentState.REQUIRES_ACTION
    assert await phone.signatures() == before
    await phone.finger(right=False)
    await phone.press("Confirm with fingerprint or face")
    await phone.page.get_by_text("Not confirmed").wait_for()
    await phone.page.reload()
    await phone.shows("look")
    await phone.finger(right=True)
    await phone.press("Confirm with fingerprint or face")
    await phone.shows("paid")
    assert await town.is_paid(payment)
    assert await stepped_up(town, payment)
    now = await town.partner.payments.get(payment)
    assert (await town.partner.confirmations.get(now.confirmation)).evidence
    (mandate,) = [each async for each in town.partner.mandates.list(merchant=shop, payer=ann.name)]
    assert mandate.spent_total.amount_minor == 0, "what the person confirmed is not spent under the mandate"


async def test_a_wallet_of_which_we_keep_nothing_asks_by_itself_whatever_risk_control_thinks(town, phone, ann):
    asked = []
    phone.page.on("request", lambda sent: asked.append(sent.url) if "StartConfirmation" in sent.url else None)
    shop = await town.shop_of_fraud(phone, ann)
    method = PaymentMethod.wallet("sandbox-wallet", payer=ann.name)
    payment = await town.payment(ann, 40_00, method=method, merchant=shop)
    await phone.open(await town.pay_link(payment))
    await phone.press("Continue to")
    await until(lambda: town.is_paid(payment), "the wallet")
    await phone.shows("paid")
    assert await stepped_up(town, payment)
    assert asked == [], "the wallet's own app is the step-up"
