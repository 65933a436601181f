"""Secure Payment Confirmation: the browser shows shop and amount itself; where that fails, the page goes on without."""

import json

import pytest
import pytest_asyncio

from keelpay.enums import ConfirmationMethod, ConfirmationState
from keelpay_server.auth.evidence_report import verify_evidence
from keelpay_server.config import LogoSettings
from keelpay_server.edge.settings import EdgeSettings
from tests.e2e.pages.town import enrol, open_town

pytestmark = pytest.mark.asyncio(loop_scope="session")


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town(tmp_path_factory):
    """An installation that offers it."""
    async with open_town(tmp_path_factory.mktemp("town"), edge=EdgeSettings(listen="127.0.0.1:0")) as opened:
        yield opened


@pytest_asyncio.fixture(scope="module", loop_scope="session")
async def town_of_logos(tmp_path_factory):
    """The same, with the marks of a bank and of a network that has taken its picture away."""
    logos = (LogoSettings(url="/instrument.png", label="Harbour Bank"), LogoSettings(url="/gone.png", label="Harpoon"))
    settings = {"edge": EdgeSettings(listen="127.0.0.1:0"), "logos": logos}
    async with open_town(tmp_path_factory.mktemp("town"), **settings) as opened:
        yield opened


async def paid(town, phone, person, mode):
    """Pays while the browser's own dialog is answered in a way; returns the confirmations that were started."""
    names = []

    async def note(route):
        answer = await route.fetch()
        names.append((await answer.json())["confirmation"]["name"])
        await route.fulfill(response=answer)

    await phone.page.route("**/StartConfirmation", note)
    await phone.devtools.send("Page.setSPCTransactionMode", {"mode": mode})
    payment = await town.payment(person)
    await phone.open(await town.pay_link(payment))
    await phone.press()
    await phone.shows("paid")
    assert await town.is_paid(payment)
    return [await town.partner.confirmations.get(name) for name in names]


async def test_accepted_the_browser_signed_what_it_showed(town, phone, ann):
    (confirmation,) = await paid(town, phone, ann, "autoAccept")
    assert confirmation.method is ConfirmationMethod.SPC
    assert confirmation.state is ConfirmationState.CONSUMED
    client = json.loads(confirmation.evidence.client_data_json)
    assert client["type"] == "payment.get"
    assert client["payment"]["total"] == {"currency": "CNY", "value": "12.50"}
    assert client["payment"]["payeeName"] == "Blue Door Café"


async def test_the_marks_of_bank_and_network_are_shown_and_signed_with_it(town_of_logos, phone):
    person = await town_of_logos.person()
    await enrol(town_of_logos, phone, person)
    (confirmation,) = await paid(town_of_logos, phone, person, "autoAccept")
    assert confirmation.method is ConfirmationMethod.SPC
    client = json.loads(confirmation.evidence.client_data_json)
    bank, network = client["payment"]["paymentEntitiesLogos"]
    assert bank == {"url": f"{town_of_logos.pages}/instrument.png", "label": "Harbour Bank"}
    assert network == {"url": "", "label": "Harpoon"}, "a picture that does not come does not stand in the way"
    assert verify_evidence(confirmation.evidence.document_json).proven


@pytest.mark.parametrize("mode", ["autoReject", "autoOptOut", "autoChooseToAuthAnotherWay"])
async def test_otherwise_a_new_confirmation_is_started_without_it(town, phone, ann, mode):
    first, second = await paid(town, phone, ann, mode)
    assert (first.method, first.state) == (ConfirmationMethod.SPC, ConfirmationState.REJECTED)
    assert (second.method, second.state) == (ConfirmationMethod.WEBAUTHN, ConfirmationState.CONSUMED)
