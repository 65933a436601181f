"""The town the pages live in: a whole installation with an edge, shops that make links, people without a passkey yet.

In: an installation. Out: people with money, links for them. Invariant: links are made by partners' backends, as they
would make them; nothing of the pages is done for them here.
"""

import itertools
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from msgspec import structs

from keelpay import Card, Money, PaymentMethod, Wallet
from keelpay.enums import Label, PasskeyState, PaymentState, ReviewState
from keelpay_server.config import SANDBOX_RAILS
from tests.e2e.installation import CALENDAR, FEES, Person, cny, open_installation

SHOP = "https://shop.example/done"
"""Where the shop takes people back."""
MERCHANT = "merchants/blue-door"
TAKEN = {"card": ("CNY", "USD")}
"""Currencies of the banks here; those of other channels take yuan alone."""
_NUMBERS = itertools.count(1)


@dataclass(slots=True, kw_only=True)
class Town:
    """What tests of pages do at the partner's side, by `settings` of its server; `last` is who came last."""

    made: object
    settings: dict
    last: Person | None = None

    @property
    def partner(self):
        """Whose shops and people these are."""
        return self.made.acme

    @property
    def pages(self):
        """Where the pages are, as a browser on this machine calls it."""
        return self.made.server.settings.pages()

    async def elsewhere(self):
        """Another town like it, for who moves its clock: time goes on for nobody else. It stays as long as this one."""
        folder = self.made.stack.enter_context(TemporaryDirectory())
        return await self.made.stack.enter_async_context(open_town(Path(folder), **self.settings))

    async def open_shop(self):
        """A shop that people come back to, and one whose currency no wallet here takes."""
        await self._shop("blue-door", "Blue Door Café", "CNY")
        await self._shop("dollars", "Dollar Store", "USD")

    async def _shop(self, name, display_name, currency):
        await self.partner.merchants.create(
            name, display_name=display_name, settlement_currency=currency, calendar=CALENDAR, fees=FEES,
            return_origins=["https://shop.example"],
        )  # fmt: skip

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

    async def payment(self, person, amount_minor=1250, *, method=None, merchant=MERCHANT, **draft):
        """A payment that waits for its payer: from the balance, unless another way is given."""
        chosen = replace(method or PaymentMethod.balance(person.name), return_url=SHOP)
        drafted = self.partner.payments.draft(
            merchant=merchant, amount=cny(amount_minor), method=chosen, **{"description": "2 flat whites", **draft}
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

    async def shop_of_fraud(self, phone, person):
        """A shop where this person's wallet and phone were used for a fraud, as an operator has reported.

        It is a new one each time: what is known of a shop grows with each report.
        """
        name = f"watched-{next(_NUMBERS)}"
        await self._shop(name, "Blue Door Café", "CNY")
        method = PaymentMethod.wallet(payer=person.name, instrument=person.wallet)
        payment = await self.payment(person, method=method, merchant=f"merchants/{name}")
        await phone.open(await self.pay_link(payment))
        await phone.press()
        await phone.shows("paid")
        await self.made.ling.risk.report_outcome(payment, label=Label.FRAUD, source="told by the bank")
        return f"merchants/{name}"

    async def suspicious_payment(self, phone, person, amount_minor=20_000_00, **draft):
        """A payment that is large enough for a person to look at it, after what happened at the shop."""
        shop = await self.shop_of_fraud(phone, person)
        method = PaymentMethod.wallet(payer=person.name, instrument=person.wallet)
        return await self.payment(person, amount_minor, method=method, merchant=shop, **draft)

    async def judge(self, payment, verdict):
        """An operator judges what waits for one."""
        async for review in self.made.ling.reviews.list(payment=payment, state=ReviewState.OPEN):
            await self.made.ling.reviews.decide(review, verdict=verdict, comment="asked the payer")

    async def pay_link(self, payment):
        """The link to a payment's page."""
        return (await self.partner.orders.create_checkout_link(payment)).url

    async def state(self, payment):
        """Where a payment stands."""
        return (await self.partner.payments.get(payment)).state

    async def is_in(self, payment, state):
        """Whether a payment stands there."""
        return await self.state(payment) is state

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
    rails = tuple(structs.replace(rail, currencies=TAKEN.get(rail.channel, ("CNY",))) for rail in SANDBOX_RAILS)
    async with open_installation(folder, **{"rails": rails, **settings}) as made:
        town = Town(made=made, settings=settings)
        await town.open_shop()
        yield town


async def enrol(town, phone, person):
    """The person sets up the phone, on the page."""
    assert await phone.open(await town.enrol_link(person)) == "enrol"
    await phone.press()
    await phone.shows("enrolled")


async def suspend(town, phone, person):
    """Somebody tries a copy of the phone's key, twice: it is suspended. The phone is left with the copy."""
    (original,) = await phone.keys()
    payment = await town.payment(person)
    await phone.open(await town.pay_link(payment))
    await phone.press()
    await phone.shows("paid")
    for _ in range(2):
        payment = await town.payment(person)
        await phone.plug_in()
        await phone.take_key({**original, "signCount": 0})
        await phone.open(await town.pay_link(payment))
        await phone.press()
        await phone.page.locator(".alert, main[data-state=paused]").wait_for()
        assert not await town.is_paid(payment)


async def add_second(town, phone, person):
    """The person adds a second key, which then lies in a drawer; returns it."""
    await phone.open(await town.manage_link(person))
    drawer = await phone.another(transport="usb")
    await phone.press()
    await phone.shows("add")
    await phone.page.locator("input").fill("Ann's laptop")
    await phone.press()
    await phone.shows("vouch")
    await phone.press()
    await phone.shows("manage")
    return await phone.unplug(drawer)
