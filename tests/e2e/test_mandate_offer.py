"""What a merchant may be allowed is told by the server, to a person who manages permissions, of own merchants alone."""

import pytest

from keelpay import Reason
from tests.e2e.checkout import opened, refused, stranger, waiting
from tests.e2e.installation import cny

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def managing(made):
    """The client of a person whose manage link was opened."""
    link = await made.acme.tokens.manage_link(made.ann.name)
    return made.as_holder_of((await stranger(made).sessions.open(link.token)).token)


async def test_who_asks_about_a_merchant_is_told_its_name_and_small_amounts_of_its_currency(installation):
    person = await managing(installation)
    assert (await person.sessions.get()).mandate_offer is None
    offer = (await person.sessions.get(merchant=installation.cafe)).mandate_offer
    assert (offer.merchant, offer.merchant_display_name) == (installation.cafe, "Cafe")
    assert offer.payment_max_choices == (cny(20_00), cny(50_00), cny(100_00), cny(200_00))


@pytest.mark.parametrize("merchant", ["merchants/stall", "merchants/nobody"])
async def test_a_merchant_of_another_partner_is_not_there(installation, merchant):
    person = await managing(installation)
    await refused(person.sessions.get(merchant=merchant), Reason.RESOURCE_NOT_FOUND)


async def test_a_payments_page_is_told_nothing_of_it(installation):
    _, _, holder = await opened(installation, await waiting(installation))
    await refused(holder.sessions.get(merchant=installation.cafe), Reason.FIELD_INVALID)
