"""Every sum is the one that is meant, to its currency: what was taken, and what was only reserved."""

import pytest

from keelpay.enums import CaptureMethod
from tests.e2e.installation import cny

pytestmark = pytest.mark.asyncio(loop_scope="session")
CARD = "4242424242424242"
BIG = "#screen .amount"


async def reserved(town, phone, person):
    """Somebody confirms fifty yuan, which the shop takes later."""
    payment = await town.payment(person, 50_00, capture_method=CaptureMethod.MANUAL)
    await phone.open(await town.pay_link(payment))
    await phone.press()
    await phone.shows("reserved")
    return await town.partner.payments.get(payment)


async def big(phone):
    """The sum that the screen is about."""
    return (await phone.page.locator(BIG).inner_text()).replace("\xa0", " ")


async def receipt(phone):
    """Opens the receipt; returns its words."""
    await phone.press("Receipt")
    await phone.shows("receipt")
    return (await phone.text()).replace("\xa0", " ")


async def test_of_a_sum_taken_in_part_the_part_is_called_paid(town, phone, ann):
    payment = await reserved(town, phone, ann)
    await town.partner.payments.capture(payment, amount=cny(30_00))
    await phone.page.reload()
    await phone.shows("paid")
    assert await big(phone) == "¥30.00 CNY"
    assert "part of the ¥50.00 CNY" in (await phone.text()).replace("\xa0", " ")
    shown = await receipt(phone)
    assert await big(phone) == "¥30.00 CNY"
    assert "Reserved at first\n¥50.00 CNY" in shown


async def test_a_receipt_of_money_that_is_only_reserved_says_so(town, phone, ann):
    await reserved(town, phone, ann)
    shown = await receipt(phone)
    assert shown.startswith("Reserved\n")
    assert await big(phone) == "¥50.00 CNY"
    assert "Paid" not in shown


async def test_a_receipt_of_what_was_let_go_again_says_that_nothing_was_taken(town, phone, ann):
    payment = await reserved(town, phone, ann)
    await town.partner.payments.cancel(payment)
    shown = await receipt(phone)
    assert shown.startswith("Payment cancelled\n")
    assert await big(phone) == "¥0.00 CNY"
    assert "Reserved at first\n¥50.00 CNY" in shown


def in_currency(code, minor):
    """Lets a session tell a payment of another amount."""

    async def alter(route):
        answer = await route.fetch()
        body = await answer.json()
        body["session"]["checkout"]["payment"]["amount"] = {"currencyCode": code, "amountMinor": str(minor)}
        await route.fulfill(response=answer, json=body)

    return alter


async def test_yen_and_yuan_do_not_look_alike_in_either_language(town, phone):
    person = await town.person(card=CARD)
    for code, minor, shown in (("CNY", 1250_00, "¥1,250.00 CNY"), ("JPY", 1250, "¥1,250 JPY")):
        await phone.page.route("**/OpenSession", in_currency(code, minor))
        await phone.open(await town.pay_link(await town.card_payment(person)))
        await phone.page.unroute("**/OpenSession")
        for _ in ("en", "zh"):
            assert await big(phone) == shown
            async with phone.page.expect_response("**/words/*"):
                await phone.page.locator("#language").click()
