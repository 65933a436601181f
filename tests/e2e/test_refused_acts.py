"""Every act that is well written and not allowed gets its reason, and changes nothing."""

from dataclasses import replace
from functools import partial

import pytest
import pytest_asyncio

import keelpay
from keelpay import PaymentMethod
from keelpay.enums import PaymentState
from keelpay_server.app import serving
from tests.e2e.acts import ACTS, set_stage, signed, spend
from tests.e2e.installation import cny, open_installation

CONFIRMATION_LIFE_US = 120_000_000

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stage(installation):
    return await set_stage(installation)


async def money(made):
    """All accounts, as they are."""
    return [replace(account, sequence=0) async for account in made.omar.ledger.accounts(page_size=200)]


@pytest.mark.parametrize("name", ACTS)
async def test_what_is_not_allowed_gets_its_reason_and_changes_nothing(stage, name):
    made, (reason, act) = stage.made, ACTS[name]
    before, accounts = await made.still(), await money(made)
    with pytest.raises(keelpay.KeelpayError) as refused:
        await act(stage)
    assert refused.value.reason == reason, refused.value
    assert refused.value.localized
    assert await made.still() == before or name.startswith("!")
    assert await money(made) == accounts


@pytest.mark.parametrize("at_once", [False, True])
async def test_a_balance_waits_for_its_payers_finger_whatever_its_partner_says(stage, at_once):
    made = stage.made
    accounts = await money(made)
    draft = made.acme.payments.draft(
        merchant=made.cafe, amount=cny(1_000), method=PaymentMethod.balance(made.ben.name), confirm=at_once
    )
    payment = await made.acme.payments.create(draft)
    asked = await made.acme.payments.confirm(payment)
    assert asked.state is PaymentState.REQUIRES_ACTION
    assert asked.next_action.biometric is not None
    assert await money(made) == accounts


class LeapingClock:
    """The real clock, and as much later as a test says."""

    def __init__(self, real):
        self.real, self.ahead_us = real, 0

    def __call__(self):
        return self.real() + self.ahead_us


async def test_a_confirmation_that_expired_between_finger_and_spending_moves_nothing(monkeypatch, tmp_path):
    clock = LeapingClock(serving.wall_us)
    monkeypatch.setattr(serving, "wall_us", clock)
    monkeypatch.setattr(serving, "RpcServer", partial(serving.RpcServer, wall_clock=clock))
    async with open_installation(tmp_path) as made:
        balance = PaymentMethod.balance(made.ben.name)
        draft = made.acme.payments.draft(merchant=made.cafe, amount=cny(1_000), method=balance)
        payment = await made.acme.payments.create(draft)
        confirmed = await signed(payment, made.ben)
        accounts = await money(made)
        clock.ahead_us = CONFIRMATION_LIFE_US + 1_000_000
        with pytest.raises(keelpay.KeelpayError) as refused:
            await spend(made.acme, payment, *confirmed)
        assert refused.value.reason == "CONFIRMATION_EXPIRED"
        assert await money(made) == accounts
        clock.ahead_us = 0
        with pytest.raises(keelpay.KeelpayError) as again:
            await spend(made.acme, payment, *confirmed)
        assert again.value.reason == "CONFIRMATION_EXPIRED", "a leap back revives nothing"
