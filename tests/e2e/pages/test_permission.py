"""A permission to pay without asking: spent by one press where the person is known, and by nobody else.

`phone` is where the person confirmed before; whoever opens a link elsewhere holds a link, and nothing more.
"""

from datetime import UTC, datetime, timedelta

import pytest
import pytest_asyncio

from keelpay import PaymentMethod
from keelpay.enums import Authentication, PaymentState
from keelpay_server.edge.settings import EdgeSettings
from tests.e2e.installation import cny
from tests.e2e.pages.phone import hold_phone
from tests.e2e.pages.town import MERCHANT, enrol, open_town

pytestmark = pytest.mark.asyncio(loop_scope="session")
CHOOSE, CONFIRM = "gateway.v1.CheckoutService/ChoosePaymentMethod", "gateway.v1.PaymentService/ConfirmPayment"
REQUEST = "0f2d3c4b-5a69-4788-8796-a5b4c3d2e2f"
LIFE = timedelta(days=120)


async def allow(town, phone, ann):
    """Ann allows the shop, on her phone: up to 50 each, 150 a day, for three months."""
    link = await town.manage_link(ann)
    await phone.open(link.replace("/manage#", f"/manage?mandate={MERCHANT}#"))
    await phone.page.get_by_label("¥50.00").check()
    await phone.page.get_by_label("3 months").check()
    await phone.press("Continue")
    await phone.shows("agree")
    await phone.press()
    await phone.shows("agreed")
    return await town.partner.mandates.list(merchant=MERCHANT, payer=ann.name).first()


@pytest_asyncio.fixture(loop_scope="session")
async def mandate(town, phone, ann):
    """What Ann allowed."""
    return await allow(town, phone, ann)


async def spent(town, ann):
    """What went under the permission, minor units."""
    return (await town.partner.mandates.list(merchant=MERCHANT, payer=ann.name).first()).spent_total.amount_minor


async def paid_by_finger(town, payment):
    """Whether it is paid, once, by a confirmation."""
    now = await town.partner.payments.get(payment)
    return await town.is_paid(payment) and bool(now.confirmation) and len(now.operations) <= 1


async def test_one_press_pays_and_the_page_says_what_is_left(town, phone, ann, mandate):
    before = await phone.signatures()
    for left in ("150.00", "137.50", "125.00"):
        payment = await town.payment(ann)
        await phone.open(await town.pay_link(payment))
        shown = await phone.text()
        assert "No confirmation needed" in shown
        assert f"Left today: ¥{left}" in shown
        await phone.press("Pay ¥12.50")
        await phone.shows("paid")
        paid = await town.partner.payments.get(payment)
        assert (paid.mandate, paid.confirmation) == (mandate.name, "")
        receipt = await town.partner.payments.receipt(payment)
        assert receipt.authentication is Authentication.MANDATE
    assert await phone.signatures() == before
    assert await spent(town, ann) == 3 * 12_50


async def test_what_passes_the_permission_needs_the_finger(town, phone, ann, mandate):
    before = await phone.signatures()
    payment = await town.payment(ann, 50_01)
    await phone.open(await town.pay_link(payment))
    assert "No confirmation needed" not in await phone.text()
    await phone.press("Confirm with fingerprint or face")
    await phone.shows("paid")
    assert await phone.signatures() == before + 1
    assert await spent(town, ann) == 0


async def revoked(town, ann, mandate):
    """It is ended in another tab, or at the provider."""
    await town.partner.mandates.revoke(mandate)
    return "have ended"


async def used_up_today(town, ann, mandate):
    """The shop itself takes the rest of the day's limit, as it may."""
    for _ in range(3):
        method = PaymentMethod.mandate(mandate.name, payer=ann.name)
        drafted = town.partner.payments.draft(merchant=MERCHANT, amount=cny(50_00), method=method, confirm=True)
        taken = await town.partner.payments.create(drafted)
        assert taken.state is PaymentState.CAPTURED, "a partner's own call spends it without anybody's device"
    return "above your limit"


@pytest.mark.parametrize("happens", [revoked, used_up_today])
async def test_a_permission_that_ends_while_the_page_is_open_falls_back_to_the_finger(
    town, phone, ann, mandate, happens
):
    payment = await town.payment(ann)
    await phone.open(await town.pay_link(payment))
    sentence = await happens(town, ann, mandate)
    before, gone = await phone.signatures(), await spent(town, ann)
    await phone.press("Pay ¥12.50")
    assert sentence in await phone.alert()
    assert await phone.signatures() == before, "the screen said that none was needed: it says so before it asks"
    assert not await town.is_paid(payment)
    await phone.press("Confirm with fingerprint or face")
    await phone.shows("paid")
    assert await paid_by_finger(town, payment)
    assert await phone.signatures() == before + 1
    assert await spent(town, ann) == gone, "nothing is taken under it, and nothing twice"


async def test_a_lost_answer_is_looked_up_and_the_permission_spent_once(town, phone, ann, mandate):
    payment = await town.payment(ann)
    await phone.open(await town.pay_link(payment))
    lost = []

    async def lose(route):
        await route.fetch()
        lost.append(route)
        await route.abort("connectionreset")

    await phone.page.route("**/ConfirmPayment", lose, times=1)
    await phone.press("Pay ¥12.50")
    await phone.shows("paid")
    assert lost
    assert await town.is_paid(payment)
    assert await spent(town, ann) == 12_50


async def test_a_removed_passkey_takes_its_devices_along(town, phone, ann, mandate):
    await town.partner.passkeys.revoke((await town.passkeys(ann))[0])
    payment = await town.payment(ann)
    await phone.open(await town.pay_link(payment))
    assert "No confirmation needed" not in await phone.text()
    answer = await phone.call(CONFIRM, {"name": payment.name, "requestId": f"{REQUEST}1"})
    assert answer["payment"]["state"] == "STATE_REQUIRES_ACTION"
    assert await spent(town, ann) == 0


async def test_who_opens_a_stray_link_elsewhere_sees_no_balance_and_spends_no_permission(
    town, phone, ann, mandate, chromium
):
    payment = await town.payment(ann)
    await phone.open(await town.pay_link(payment))
    assert "¥5,000.00" in await phone.text(), "the person's own device shows what is there"
    link = await town.pay_link(payment)
    async with hold_phone(chromium, authenticator=False) as thief:
        await thief.open(link)
        shown = await thief.text()
        assert "5,000" not in shown
        assert "No confirmation needed" not in shown
        assert await thief.page.get_by_role("button", name="Confirm with fingerprint or face").is_visible()
        options = await thief.call("gateway.v1.OrderService/ListPaymentOptions", {"payment": payment.name})
        assert "balance" not in str([sorted(option) for option in options["options"]])
        assert not [option for option in options["options"] if "mandate" in option["method"]]
        # A program of their own, which knows the permission's name and the person's device's id even.
        method = {"channel": "CHANNEL_BALANCE", "mandate": mandate.name}
        chosen = {"name": payment.name, "requestId": f"{REQUEST}2", "paymentMethod": method}
        assert (await thief.call(CHOOSE, chosen))["payment"]["mandate"] == mandate.name
        ids = await phone.page.evaluate("localStorage.getItem('device')")
        asked = {"name": payment.name, "requestId": f"{REQUEST}3", "device": {"deviceId": ids}}
        answer = await thief.call(CONFIRM, asked)
        assert answer["payment"]["state"] == "STATE_REQUIRES_ACTION"
        assert "biometric" in answer["payment"]["nextAction"]
    assert not await town.is_paid(payment)
    assert await spent(town, ann) == 0
    await phone.open(await town.pay_link(payment))
    await phone.press()
    await phone.shows("paid")


async def test_a_new_device_is_known_once_its_owner_confirmed_there(town, phone, ann, mandate, chromium):
    (key,) = await phone.keys()
    async with hold_phone(chromium) as tablet:
        await tablet.take_key({**key, "signCount": key["signCount"] + 10})
        for finger, words in ((1, "Confirm with"), (1, "Pay ¥12.50")):
            payment = await town.payment(ann)
            await tablet.open(await town.pay_link(payment))
            await tablet.press(words)
            await tablet.shows("paid")
            assert await tablet.signatures() == key["signCount"] + 10 + finger
    assert await spent(town, ann) == 12_50


async def test_a_permission_whose_time_is_over_while_the_page_is_open_falls_back_to_the_finger(phone, tmp_path):
    async with open_town(tmp_path, edge=EdgeSettings(listen="127.0.0.1:0"), instrument_icon="") as town:
        ann = await town.person()
        await enrol(town, phone, ann)
        mandate = await allow(town, phone, ann)
        payment = await town.payment(ann, expire_time=datetime.now(UTC) + LIFE)
        await phone.open(await town.pay_link(payment))
        await town.made.ling.sandbox.advance_clock(mandate.expire_time + timedelta(seconds=1))
        await phone.press("Pay ¥12.50")
        assert "have ended" in await phone.alert()
        await phone.press("Confirm with fingerprint or face")
        await phone.shows("paid")
        assert await paid_by_finger(town, payment)
        assert await spent(town, ann) == 0
