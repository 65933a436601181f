"""Screens of the sandbox's bank, and how a person comes to them: redirected by a payment, in time or not."""

from datetime import timedelta

from tests.e2e.pages.screens_of_payments import bank

EXPIRED = timedelta(minutes=15, seconds=1)


async def challenge(town, phone):
    """The bank asks."""
    await bank(town, phone)
    await phone.page.locator("a.primary").click()
    await phone.shows("challenge")


async def challenge_expired(town, phone):
    """The person came too late."""
    town = await town.elsewhere()
    await bank(town, phone)
    await town.made.ling.sandbox.advance_clock(EXPIRED)
    await phone.page.locator("a.primary").click()
    await phone.shows("expired")


async def challenge_over(town, phone):
    """There is nothing to decide."""
    await phone.page.goto(f"{town.pages}/sandbox-bank#{'A' * 43}")
    await phone.shows("over")


WAYS = {way.__name__: way for way in (challenge, challenge_expired, challenge_over)}
"""Screen to the way there."""
