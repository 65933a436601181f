"""Screens of fingers, faces and permissions: set up, look after, recover, allow."""

from keelpay.testing import SoftPasskey
from tests.e2e.pages.town import MERCHANT, add_second, enrol, suspend


async def enrolling(town, phone):
    """What it is good for."""
    await phone.open(await town.enrol_link(await town.person()))
    await phone.shows("enrol")


async def enrolled(town, phone):
    """Set up."""
    await enrol(town, phone, await town.person())


async def enrolled_from_app(town, phone):
    """Set up, and an app waits."""
    person = await town.person()
    attested = town.partner.attest(person.name, amr=["otp"])
    back = {"merchant": MERCHANT, "return_url": "https://shop.example/account"}
    await phone.open((await town.partner.tokens.enrol_link(person.name, attested, **back)).url)
    await phone.press()
    await phone.shows("enrolled")


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
        enrolling, enrolled, enrolled_from_app, not_made, recovering, manage, manage_paused, manage_alone,
        remove_asked, adding, vouching, mandate, mandate_shown, mandate_agreed,
    )
}  # fmt: skip
"""Screen to the way there."""
