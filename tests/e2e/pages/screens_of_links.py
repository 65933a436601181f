"""Screens of links that lead nowhere any more, and of browsers that cannot go on."""

from tests.e2e.pages.screens_of_payments import ready


async def returned(town, phone):
    """Back from a bank, in another tab than the one that was left."""
    await phone.open(f"{town.pages}/return")


async def link_used(town, phone):
    """Somebody opened it before."""
    await ready(town, phone)
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
    await ready(town, phone)
    await phone.page.evaluate('sessionStorage.setItem(\'session\', \'{"value": "e30.e30.e30", "refresh": 1e15}\')')
    await phone.page.reload()
    await phone.shows("ended")


async def old_browser(town, phone):
    """A browser without what the page needs."""
    await phone.page.add_init_script("delete globalThis.PublicKeyCredential?.parseRequestOptionsFromJSON")
    person = await town.person()
    await phone.open(await town.pay_link(await town.payment(person)))
    await phone.shows("old")


WAYS = {
    way.__name__: way
    for way in (
        returned, link_used, link_replaced, link_wrong, no_link, session_ended, old_browser,
    )
}  # fmt: skip
"""Screen to the way there."""
