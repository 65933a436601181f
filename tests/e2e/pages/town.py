"""The town the pages live in: a whole installation with an edge, shops that make links, people without a passkey yet.

In: an installation. Out: people with money, links for them. Invariant: links are made by partners' backends, as they
would make them; nothing of the pages is done for them here.
"""

import itertools
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace

from keelpay import Card, Money, PaymentMethod, Wallet
from keelpay.enums import PasskeyState, PaymentState
from tests.e2e.installation import CALENDAR, FEES, Person, cny, open_installation

SHOP = "https://shop.example/done"
"""Where the shop takes people back."""
MERCHANT = "merchants/blue-door"
_NUMBERS = itertools.count(1)


@dataclass(slots=True, kw_only=True)
class Town:
    """What tests of pages do at the partner's side; `last` is who came last."""

    made: object
    last: Person | None = None

    @property
    def partner(self):
        """Whose shops and people these are."""
        return self.made.acme

    @property
    def pages(self):
        """Where the pages are, as a browser on this machine calls it."""
        return self.made.server.settings.pages()

    async def open_shop(self):
        """A shop that people come back to, and one whose currency no wallet here takes."""
        await self.partner.merchants.create(
            "blue-door", display_name="Blue Door Café", settlement_currency="CNY", calendar=CALENDAR, fees=FEES,
            return_origins=["https://shop.example"],
        )  # fmt: skip
        await self.partner.merchants.create(
            "dollars", display_name="Dollar Store", settlement_currency="USD", calendar=CALENDAR, fees=FEES
        )

    async def person(self, *, balance_minor=500_000, card="", wallet=True, locale="en"):
        """Somebody with a wallet and a balance, perhaps a card of the sandbox bank's table, and no passkey."""
        payer = await self.partner.payers.create(f"p{next(_NUMBERS)}", locale=locale, region="CN")
        person = Person(name=payer.name, partner=self.partner)
        if wallet:
            details = Wallet(wallet="alipay", wallet_account=f"2088{next(_NUMBERS):012}")
            person.wallet = (await self.partner.payers.tokenize(payer, details)).name
        if card:
            details = Card(number=card, expire_month=12, expire_year=2035)
            person.card = (await self.partner.payers.tokenize(payer, details)).name
        if wallet and balance_minor:
            await self.made.top_up(person, balance_minor)
        self.last = person
        return person

    async def enrol_link(self, person):
        """A link to set up a first passkey."""
        attested = self.partner.attest(person.name, amr=["pwd", "otp"])
        return (await self.partner.tokens.enrol_link(person.name, attested)).url

    async def recovery_link(self, person):
        """A link to set up a passkey after all others are lost, on the partner's word."""
        attested = self.partner.attest(person.name, amr=["otp"], purpose="recover")
        await self.partner.passkeys.start_recovery(person.name, attested, display_name="New phone")
        return await self.enrol_link(person)

    async def manage_link(self, person):
        """A link to look after passkeys and mandates."""
        return (await self.partner.tokens.manage_link(person.name)).url

    async def payment(self, person, amount_minor=1250, *, method=None, **draft):
        """A payment that waits for its payer: from the balance, unless another way is given."""
        chosen = replace(method or PaymentMethod.balance(person.name), return_url=SHOP)
        drafted = self.partner.payments.draft(
            merchant=MERCHANT, amount=cny(amount_minor), method=chosen, description="2 flat whites", **draft
        )
        return await self.partner.payments.create(drafted)

    async def card_payment(self, person, **draft):
        """The same, from the person's card."""
        return await self.payment(person, method=PaymentMethod.card(person.card), **draft)

    async def dollar_payment(self, person):
        """A payment that only a balance could pay."""
        drafted = self.partner.payments.draft(
            merchant="merchants/dollars", amount=Money(1250, "USD"), method=PaymentMethod.balance(person.name)
        )
        return await self.partner.payments.create(drafted)

    async def pay_link(self, payment):
        """The link to a payment's page."""
        return (await self.partner.orders.create_checkout_link(payment)).url

    async def state(self, payment):
        """Where a payment stands."""
        return (await self.partner.payments.get(payment)).state

    async def is_paid(self, payment):
        """Whether the money is taken, and exactly that much."""
        now = await self.partner.payments.get(payment)
        return now.state is PaymentState.CAPTURED and now.amount_captured == payment.amount

    async def passkeys(self, person, state=PasskeyState.ACTIVE):
        """A person's passkeys in a state, newest first."""
        return [key async for key in self.partner.passkeys.list(person.name) if key.state is state]


@asynccontextmanager
async def open_town(folder, **settings):
    """A town in a folder, with settings of its server."""
    async with open_installation(folder, **settings) as made:
        town = Town(made=made)
        await town.open_shop()
        yield town


async def enrol(town, phone, person):
    """The person sets up the phone, on the page."""
    assert await phone.open(await town.enrol_link(person)) == "enrol"
    await phone.press()
    await phone.shows("enrolled")
