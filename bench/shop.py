"""A shop on a server of its own: one customer with money, and links for them.

In: an embedded server. Out: links, payments, and whether they are paid. Invariant: what a page calls paid is looked up.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

from keelpay import AsyncClient, Defaults, Money, PaymentMethod, Wallet, credentials
from keelpay.enums import OperationState, PaymentState
from keelpay.signing_key import SigningPrivateKey
from keelpay_server.app.local import Embedded

BALANCE_MINOR: Final = 1_000_000
AMOUNT_MINOR: Final = 1_250
PATIENCE_S: Final = 20.0


class Shop:
    """The partner's side: a person with money, and links for them."""

    def __init__(self, client: AsyncClient, merchant: str, payer: str) -> None:
        self._client, self._merchant, self.payer = client, merchant, payer

    async def enrol_link(self) -> str:
        """Returns a link to set up a passkey."""
        attested = self._client.attest(self.payer, amr=["pwd", "otp"])
        return (await self._client.tokens.enrol_link(self.payer, attested)).url

    async def payment(self) -> tuple[str, str]:
        """Returns a payment's name and its link."""
        method, amount = PaymentMethod.balance(self.payer), Money(AMOUNT_MINOR, "CNY")
        draft = self._client.payments.draft(merchant=self._merchant, amount=amount, method=method)
        made = await self._client.payments.create(draft)
        return made.name, (await self._client.orders.create_checkout_link(made)).url

    async def require_paid(self, payment: str) -> None:
        """Fails where a payment that the page calls paid is not."""
        state = (await self._client.payments.get(payment)).state
        if state is not PaymentState.CAPTURED:
            raise AssertionError(f"{payment} is shown as paid and is {state.name}")


@asynccontextmanager
async def open_shop(server: Embedded) -> AsyncIterator[Shop]:
    """A shop with one customer."""
    pem = server.private_key
    key = SigningPrivateKey.from_pem(pem, holder=server.partner, key_id=server.key_id)
    caller = credentials.local(credentials.signed(key, audience=server.audience))
    async with AsyncClient(
        server.target, credentials=caller, defaults=Defaults(partner=server.partner, region="CN")
    ) as client:
        payer = await client.payers.create("ann", locale="en", region="CN")
        wallet = await client.payers.tokenize(payer, Wallet(wallet="alipay", wallet_account="20880000000001"))
        async with asyncio.timeout(PATIENCE_S):
            transfer = await client.payers.top_up(payer, amount=Money(BALANCE_MINOR, "CNY"), instrument=wallet)
            while transfer.state is not OperationState.SUCCEEDED:
                await asyncio.sleep(0.1)
                (balance,) = await client.payers.balance(payer)
                if balance.available.amount_minor:
                    break
        yield Shop(client, server.merchant, payer.name)
