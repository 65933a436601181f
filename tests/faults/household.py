"""Somebody who lives on the street: with a wallet, a passkey, a balance, and a mandate for the shop.

In: a client of the person's partner. Out: names. Invariant: everything is set up through the contract.
"""

import asyncio
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from keelpay import Money, Wallet, new_request_id
from keelpay.enums import OperationState
from keelpay.testing import PasskeySigner, SoftPasskey
from tests.faults.street import SHOP

ORIGIN = "https://localhost"
PATIENCE_S = 60.0
RICH_MINOR = 500_000
LIMIT_MINOR = 100_000
"""What a new passkey may sign for."""


@dataclass(frozen=True, slots=True)
class Person:
    """A payer."""

    name: str
    wallet: str
    mandate: str
    signer: PasskeySigner


def cny(amount_minor):
    """An amount in fen."""
    return Money(amount_minor, "CNY")


async def until(read, what):
    """Asks again and again until the answer is true."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := await read()):
        assert time.monotonic() < deadline, f"waited {PATIENCE_S} s for {what}"
        await asyncio.sleep(0.1)
    return found


async def move_in(acme, name):
    """Makes a person of a partner."""
    payer = await acme.payers.create(name, locale="zh-CN", region="CN")
    stored = await acme.payers.tokenize(payer, Wallet(wallet="alipay", wallet_account=f"2088{sum(name.encode()):012}"))
    phone = SoftPasskey(origin=ORIGIN)
    token = await acme.tokens.enrol(payer, acme.attest(payer, amr=["pwd", "otp"]))
    async with acme.with_token(token) as app:
        await app.passkeys.register(payer, phone.create, display_name="Phone")
    signer = PasskeySigner(phone)
    mandate = await acme.mandates.create(
        signer, payer=payer, payment_max=cny(LIMIT_MINOR), day_max=cny(LIMIT_MINOR), total_max=cny(LIMIT_MINOR),
        merchant=SHOP, expire_time=datetime.now(UTC) + timedelta(days=1),
    )  # fmt: skip
    request_id = new_request_id()

    async def paid_in():
        transfer = await acme.payers.top_up(
            payer, amount=cny(RICH_MINOR), instrument=stored.name, request_id=request_id
        )
        return transfer.state is OperationState.SUCCEEDED

    await until(paid_in, "the top-up")
    return Person(payer.name, stored.name, mandate.name, signer)
