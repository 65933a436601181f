"""What the browser is asked to sign and to show is what the page shows, and always with a finger."""

import json

import pytest
import pytest_asyncio

from keelpay.enums import ConfirmationMethod, ConfirmationState
from keelpay_server.edge.settings import EdgeSettings
from tests.e2e.pages.town import enrol, open_town

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town_of_spc(tmp_path_factory):
    """An installation that offers Secure Payment Confirmation."""
    async with open_town(tmp_path_factory.mktemp("town"), edge=EdgeSettings(listen="127.0.0.1:0")) as opened:
        yield opened


async def altering(phone, alter):
    """From now on somebody alters what the browser is asked; returns the names of the confirmations."""
    names = []

    async def tamper(route):
        answer = await route.fetch()
        body = await answer.json()
        names.append(body["confirmation"]["name"])
        options = json.loads(body["confirmation"]["optionsJson"])
        alter(options)
        body["confirmation"]["optionsJson"] = json.dumps(options)
        await route.fulfill(response=answer, json=body)

    await phone.page.route("**/StartConfirmation", tamper)
    return names


async def test_a_passkey_of_another_relying_party_is_not_asked_for(town, phone, ann):
    await phone.open(await town.pay_link(await town.payment(ann)))
    (name,) = await _one_press(phone, lambda options: options.update(rpId="other.example"))
    assert "changed" in await phone.alert()
    assert (await town.partner.confirmations.get(name)).state is ConfirmationState.REJECTED


async def test_without_a_finger_nothing_is_signed_whatever_is_asked(town, phone, ann):
    before = await phone.signatures()
    await phone.open(await town.pay_link(await town.payment(ann)))
    await phone.finger(right=False)
    await _one_press(phone, lambda options: options.update(userVerification="discouraged"))
    assert "Not confirmed" in await phone.alert()
    assert await phone.signatures() == before


@pytest.mark.parametrize(
    "alter",
    [
        lambda options: options.update(payeeOrigin="https://evil.example"),
        lambda options: options["instrument"].update(details="of somebody else"),
        lambda options: options.update(payeeName="Somebody"),
    ],
    ids=["payee's origin", "details", "payee's name"],
)
async def test_the_browser_shows_nothing_that_the_page_does_not(town_of_spc, phone, alter):
    person = await town_of_spc.person()
    await enrol(town_of_spc, phone, person)
    await phone.devtools.send("Page.setSPCTransactionMode", {"mode": "autoAccept"})

    def only_spc(options):
        if "total" in options:
            alter(options)

    await phone.open(await town_of_spc.pay_link(await town_of_spc.payment(person)))
    names = await _one_press(phone, only_spc)
    await phone.shows("paid")
    first, second = [await town_of_spc.partner.confirmations.get(name) for name in names]
    assert (first.method, first.state) == (ConfirmationMethod.SPC, ConfirmationState.REJECTED)
    assert (second.method, second.state) == (ConfirmationMethod.WEBAUTHN, ConfirmationState.CONSUMED)


async def _one_press(phone, alter):
    names = await altering(phone, alter)
    await phone.press()
    await phone.page.locator(".alert, main[data-state=paid]").wait_for()
    return names
