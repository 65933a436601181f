"""Screens of a payment, and how a person comes to them: to look, choose, confirm, wait, and see what came of it."""

from datetime import UTC, datetime, timedelta

from keelpay import PaymentMethod
from keelpay.enums import CaptureMethod, Verdict
from tests.e2e.pages.screens_of_keys import mandate_agreed
from tests.e2e.pages.town import MERCHANT, enrol, suspend

DECLINED, APPROVED_IN_APP = "4000000000000010", "4000000000000135"
LIFE_S = 5.0
"""Of a payment that runs out of time."""
REDIRECTED, SILENT = "4000000000000150", "4000000000000184"


async def ready(town, phone, *, card="4242424242424242", **payment):
    """Somebody who is set up, on the page of a payment."""
    person = await town.person(card=card)
    await enrol(town, phone, person)
    made = await (town.payment(person, 128_50, **payment) if card.startswith("42") else town.card_payment(person))
    await phone.open(await town.pay_link(made))
    return person, made


async def pay_at_once(town, phone, **payment):
    opened = await ready(town, phone, **payment)
    await phone.press()
    return opened


async def look(town, phone):
    """The payment, before anything."""
    await ready(town, phone)


async def finger(town, phone):
    """The finger is awaited."""
    await ready(town, phone)
    await phone.presence(automatic=False)
    await phone.press()
    await phone.page.locator(".busy").wait_for()
    await phone.page.wait_for_timeout(400)


async def unverified(town, phone):
    """The wrong finger."""
    await ready(town, phone)
    await phone.finger(right=False)
    await phone.press()
    await phone.alert()


async def declined(town, phone):
    """The card was declined."""
    await pay_at_once(town, phone, card=DECLINED)
    await phone.alert()


async def paid(town, phone):
    """Done."""
    await pay_at_once(town, phone)
    await phone.shows("paid")


async def reserved(town, phone):
    """The shop takes the money later."""
    await pay_at_once(town, phone, capture_method=CaptureMethod.MANUAL)
    await phone.shows("reserved")


async def receipt(town, phone):
    """The receipt, of a payment of which a part went back."""
    _, made = await pay_at_once(town, phone)
    await phone.shows("paid")
    await town.partner.refunds.create(made, amount=type(made.amount)(2000, "CNY"))
    await phone.page.locator(".actions button").first.click()
    await phone.shows("receipt")


async def paid_in_part(town, phone):
    """The shop took a part of what was reserved."""
    _, made = await pay_at_once(town, phone, capture_method=CaptureMethod.MANUAL)
    await phone.shows("reserved")
    await town.partner.payments.capture(made, amount=type(made.amount)(5000, "CNY"))
    await phone.page.reload()
    await phone.shows("paid")


async def receipt_in_part(town, phone):
    """The receipt of that."""
    await paid_in_part(town, phone)
    await phone.page.locator(".actions button").first.click()
    await phone.shows("receipt")


async def approve(town, phone):
    """An app asks."""
    await pay_at_once(town, phone, card=APPROVED_IN_APP)
    await phone.shows("approve")


async def bank(town, phone):
    """The bank's own page asks."""
    await pay_at_once(town, phone, card=REDIRECTED)
    await phone.shows("bank")


async def working(town, phone):
    """The bank takes its time."""
    await pay_at_once(town, phone, card=SILENT)
    await phone.shows("working")


async def review(town, phone):
    """A person looks at it."""
    person = await town.person()
    payment = await town.suspicious_payment(phone, person)
    await phone.open(await town.pay_link(payment))
    await phone.press()
    await phone.shows("review")
    return payment


async def rejected(town, phone):
    """The person who looked at it said no."""
    await town.judge(await review(town, phone), Verdict.REJECT)
    await phone.shows("rejected")


async def late(town, phone):
    """Its time ran out while somebody looked at it."""
    person = await town.person()
    await enrol(town, phone, person)
    payment = await town.payment(person, 128_50, expire_time=datetime.now(UTC) + timedelta(seconds=LIFE_S))
    await phone.open(await town.pay_link(payment))
    await phone.shows("late")


async def stepped_up(town, phone):
    """Risk control asks for a finger where none was needed."""
    person = await town.person()
    await enrol(town, phone, person)
    shop = await town.shop_of_fraud(phone, person)
    link = await town.manage_link(person)
    await phone.open(link.replace("/manage#", f"/manage?mandate={shop}#"))
    await phone.press()
    await phone.shows("agree")
    await phone.press()
    await phone.shows("agreed")
    given = await town.partner.mandates.list(merchant=shop, payer=person.name).first()
    method = PaymentMethod.mandate(given.name, payer=person.name)
    payment = await town.payment(person, 40_00, method=method, merchant=shop)
    await phone.open(await town.pay_link(payment))
    await phone.press()
    await phone.alert()


async def cancel_asked(town, phone):
    """Really cancel?"""
    await ready(town, phone)
    await phone.page.locator(".actions .quiet").click()
    await phone.page.locator("dialog").wait_for()


async def cancelled(town, phone):
    """It is off."""
    await cancel_asked(town, phone)
    await phone.page.locator("dialog .danger").click()
    await phone.shows("cancelled")


async def set_up_first(town, phone):
    """No passkey, and nothing else to pay with."""
    person = await town.person(wallet=False, card="4242424242424242")
    await phone.open(await town.pay_link(await town.dollar_payment(person)))
    await phone.shows("setUpFirst")


async def no_way(town, phone):
    """Nothing to pay with, finger or not."""
    person = await town.person(wallet=False)
    await enrol(town, phone, person)
    await phone.open(await town.pay_link(await town.dollar_payment(person)))
    await phone.shows("noWay")


async def without_asking(town, phone):
    """A permission spares the finger."""
    await mandate_agreed(town, phone)
    await phone.open(await town.pay_link(await town.payment(town.last)))
    await phone.page.get_by_text("No confirmation needed").or_(phone.page.get_by_text("免密支付")).wait_for()


async def long(town, phone):
    """A long name, many words, the largest amount."""
    await town.partner.merchants.update(
        MERCHANT, display_name="Worshipful Company of Long-Winded Purveyors of Coffee, Tea & Co"
    )
    try:
        person = await town.person()
        words = "Flat whites for a whole town, delivered one by one over the next four hundred years"
        await phone.open(await town.pay_link(await town.payment(person, 999_999_999_99, description=words)))
        await phone.shows("look")
    finally:
        await town.partner.merchants.update(MERCHANT, display_name="Blue Door Café")


async def paused(town, phone):
    """The passkey may have been copied, and nothing else pays."""
    person = await town.person(card="4242424242424242")
    await enrol(town, phone, person)
    await suspend(town, phone, person)
    await phone.open(await town.pay_link(await town.dollar_payment(person)))
    await phone.shows("paused")


WAYS = {
    way.__name__: way
    for way in (
        look, finger, unverified, declined, paid, reserved, paid_in_part, receipt, receipt_in_part, approve, bank,
        working, review, rejected, late, stepped_up, cancel_asked, cancelled, set_up_first, no_way, paused,
        without_asking, long,
    )
}  # fmt: skip
"""Screen to the way there."""
