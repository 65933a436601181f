"""Every screen of the pages, and how a person comes to it: for whoever looks at them, eyes or programs.

In: a town, a phone. Out: the phone, showing that screen. Invariant: the way there is a real one, on the real server.
"""

from datetime import UTC, datetime, timedelta

from keelpay import PaymentMethod
from keelpay.enums import CaptureMethod, Verdict
from keelpay.testing import SoftPasskey
from tests.e2e.pages.town import MERCHANT, add_second, enrol, suspend

DECLINED, APPROVED_IN_APP = "4000000000000010", "4000000000000135"
LIFE_S = 5.0
"""Of a payment that runs out of time."""
REDIRECTED, SILENT = "4000000000000150", "4000000000000184"


async def _ready(town, phone, *, card="4242424242424242", **payment):
    """Somebody who is set up, on the page of a payment."""
    person = await town.person(card=card)
    await enrol(town, phone, person)
    made = await (town.payment(person, 128_50, **payment) if card.startswith("42") else town.card_payment(person))
    await phone.open(await town.pay_link(made))
    return person, made


async def _paid(town, phone, **payment):
    ready = await _ready(town, phone, **payment)
    await phone.press()
    return ready


async def look(town, phone):
    """The payment, before anything."""
    await _ready(town, phone)


async def finger(town, phone):
    """The finger is awaited."""
    await _ready(town, phone)
    await phone.presence(automatic=False)
    await phone.press()
    await phone.page.locator(".busy").wait_for()
    await phone.page.wait_for_timeout(400)


async def unverified(town, phone):
    """The wrong finger."""
    await _ready(town, phone)
    await phone.finger(right=False)
    await phone.press()
    await phone.alert()


async def declined(town, phone):
    """The card was declined."""
    await _paid(town, phone, card=DECLINED)
    await phone.alert()


async def paid(town, phone):
    """Done."""
    await _paid(town, phone)
    await phone.shows("paid")


async def reserved(town, phone):
    """The shop takes the money later."""
    await _paid(town, phone, capture_method=CaptureMethod.MANUAL)
    await phone.shows("reserved")


async def receipt(town, phone):
    """The receipt, of a payment of which a part went back."""
    _, made = await _paid(town, phone)
    await phone.shows("paid")
    await town.partner.refunds.create(made, amount=type(made.amount)(2000, "CNY"))
    await phone.page.locator(".actions button").first.click()
    await phone.shows("receipt")


async def paid_in_part(town, phone):
    """The shop took a part of what was reserved."""
    _, made = await _paid(town, phone, capture_method=CaptureMethod.MANUAL)
    await phone.shows("reserved")
    await town.partner.payments.capture(made, amount=type(made.amount)(5000, "CNY"))
    await phone.page.reload()
    await phone.shows("paid")


async def receipt_in_part(town, phone):
    """The receipt of that."""
    await paid_in_part(town, phone)
    await phone.page.locator(".actions button").first.click()
    await phone.shows("receipt")


async def returned(town, phone):
    """Back from a bank, in another tab than the one that was left."""
    await phone.open(f"{town.pages}/return")


async def enrolled_from_app(town, phone):
    """Set up, and an app waits."""
    person = await town.person()
    attested = town.partner.attest(person.name, amr=["otp"])
    back = {"merchant": MERCHANT, "return_url": "https://shop.example/account"}
    await phone.open((await town.partner.tokens.enrol_link(person.name, attested, **back)).url)
    await phone.press()
    await phone.shows("enrolled")


async def approve(town, phone):
    """An app asks."""
    await _paid(town, phone, card=APPROVED_IN_APP)
    await phone.shows("approve")


async def bank(town, phone):
    """The bank's own page asks."""
    await _paid(town, phone, card=REDIRECTED)
    await phone.shows("bank")


async def working(town, phone):
    """The bank takes its time."""
    await _paid(town, phone, card=SILENT)
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
    await _ready(town, phone, expire_time=datetime.now(UTC) + timedelta(seconds=LIFE_S))
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
    await _ready(town, phone)
    await phone.page.locator(".actions .quiet").click()
    await phone.page.locator("dialog").wait_for()


async def cancelled(town, phone):
    """It is off."""
    await cancel_asked(town, phone)
    await phone.page.locator("dialog .danger").click()
    await phone.shows("cancelled")


async def set_up_first(town, phone):
    """No passkey, and nothing else to pay with."""
    person = await town.person(wallet=False)
    await phone.open(await town.pay_link(await town.dollar_payment(person)))
    await phone.shows("setUpFirst")


async def paused(town, phone):
    """The passkey may have been copied, and nothing else pays."""
    person = await town.person(card="4242424242424242")
    await enrol(town, phone, person)
    await suspend(town, phone, person)
    await phone.open(await town.pay_link(await town.dollar_payment(person)))
    await phone.shows("paused")


async def link_used(town, phone):
    """Somebody opened it before."""
    await _ready(town, phone)
    await phone.page.evaluate("sessionStorage.clear()")
    person = await town.person()
    link = await town.pay_link(await town.payment(person))
    await phone.open(link)
    await phone.page.evaluate("sessionStorage.clear()")
    await phone.open(link)
    await phone.shows("CHECKOUT_LINK_USED")


async def link_replaced(town, phone):
    """There is a newer one."""
    payment = await town.payment(await town.person())
    older = await town.pay_link(payment)
    await town.pay_link(payment)
    await phone.open(older)
    await phone.shows("CHECKOUT_LINK_REPLACED")


async def link_wrong(town, phone):
    """No such link."""
    await phone.open(f"{town.pages}/pay#{'x' * 43}")


async def no_link(town, phone):
    """The bare address."""
    await phone.open(f"{town.pages}/pay")


async def session_ended(town, phone):
    """Too late."""
    await _ready(town, phone)
    await phone.page.evaluate('sessionStorage.setItem(\'session\', \'{"value": "e30.e30.e30", "refresh": 1e15}\')')
    await phone.page.reload()
    await phone.shows("ended")


async def old_browser(town, phone):
    """A browser without what the page needs."""
    await phone.page.add_init_script("delete globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON")
    person = await town.person()
    await phone.open(await town.pay_link(await town.payment(person)))
    await phone.shows("old")


async def enrolling(town, phone):
    """What it is good for."""
    await phone.open(await town.enrol_link(await town.person()))
    await phone.shows("enrol")


async def enrolled(town, phone):
    """Set up."""
    await enrol(town, phone, await town.person())


async def not_made(town, phone):
    """The wrong finger at set-up."""
    await enrolling(town, phone)
    await phone.finger(right=False)
    await phone.press()
    await phone.alert()


async def recovering(town, phone):
    """A recovery has begun."""
    person = await town.person()
    await enrol(town, phone, person)
    await phone.plug_in()
    await phone.open(await town.recovery_link(person))
    await phone.press()
    await phone.shows("cooling")


async def manage(town, phone):
    """A device, a shop that need not ask, and a stranger who recovers the account."""
    await mandate_agreed(town, phone)
    person = town.last
    attested = town.partner.attest(person.name, amr=["otp"], purpose="recover")
    registration = await town.partner.passkeys.start_recovery(person.name, attested, display_name="Pixel 12")
    token = await town.partner.tokens.enrol(person.name, town.partner.attest(person.name, amr=["otp"]))
    async with town.partner.with_token(token) as stranger:
        made = SoftPasskey(origin="https://localhost").create(registration.options_json)
        await stranger.passkeys.finish_registration(registration, made)
    await phone.open(await town.manage_link(person))
    await phone.shows("manage")


async def manage_paused(town, phone):
    """A device that may have been copied, and another that can speak for it."""
    await enrolled(town, phone)
    person = town.last
    await add_second(town, phone, person)
    await suspend(town, phone, person)
    await phone.open(await town.manage_link(person))
    await phone.shows("manage")


async def manage_alone(town, phone):
    """The only device, and it may have been copied."""
    await enrolled(town, phone)
    person = town.last
    await suspend(town, phone, person)
    await phone.open(await town.manage_link(person))
    await phone.shows("manage")


async def remove_asked(town, phone):
    """Really remove?"""
    await enrolled(town, phone)
    await phone.open(await town.manage_link(town.last))
    await phone.page.locator(".cards button").first.click()
    await phone.page.locator("dialog").wait_for()


async def adding(town, phone):
    """A further device: its name."""
    await enrolled(town, phone)
    await phone.open(await town.manage_link(town.last))
    await phone.press()
    await phone.shows("add")


async def vouching(town, phone):
    """A further device: an old one's finger."""
    await adding(town, phone)
    await phone.another(transport="usb")
    await phone.press()
    await phone.shows("vouch")


async def mandate(town, phone):
    """Limits to choose."""
    await enrolled(town, phone)
    link = await town.manage_link(town.last)
    await phone.open(link.replace("/manage#", f"/manage?mandate={MERCHANT}#"))
    await phone.shows("mandate")


async def mandate_shown(town, phone):
    """All limits, to sign."""
    await mandate(town, phone)
    await phone.press()
    await phone.shows("agree")


async def mandate_agreed(town, phone):
    """Signed."""
    await mandate_shown(town, phone)
    await phone.press()
    await phone.shows("agreed")


WAYS = {
    way.__name__: way
    for way in (
        look, finger, unverified, declined, paid, reserved, paid_in_part, receipt, receipt_in_part, returned, approve,
        bank, working, review, rejected, late, stepped_up, cancel_asked, cancelled, set_up_first, paused, link_used,
        link_replaced, link_wrong, no_link, session_ended, old_browser, enrolling, enrolled, enrolled_from_app,
        not_made, recovering, manage, manage_paused, manage_alone, remove_asked, adding, vouching, mandate,
        mandate_shown, mandate_agreed,
    )
}  # fmt: skip
"""Screen to the way there."""
