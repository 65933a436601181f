"""PreviewPayment: it looks at whose things a draft names exactly as CreatePayment does, and stores nothing."""

import secrets
import uuid

import pytest

from keelpay.api.gateway.v1 import payment_pb2, payment_request_pb2, payment_service_pb2
from keelpay.api.type.v1.money_pb2 import Money
from keelpay_server.auth.mandate import Mandate, MandateState
from keelpay_server.book.call import Call, set_current
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.paging import Pager
from keelpay_server.book.payer import Payer
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.gateway import names
from keelpay_server.gateway.instrument import InstrumentState
from keelpay_server.gateway.order_commands import CreateOrder
from keelpay_server.gateway.payment_service import PaymentService
from keelpay_server.gateway.routes import Route, Routes

from .shop import ACME, AMA, BALANCE, CAFE, CARD, Put

LING = Caller(CallerKind.OPERATOR, "", "ling")
BEN, CY, SIDE = "acme/ben", "rival/cy", "side"
UNBORN = bytes(16)


class Street:
    """A shop with neighbours: another payer, another merchant of the partner, another partner's payer."""

    def __init__(self, shop):
        self.shop = shop
        routes = Routes((Route("sandbox-card", CARD),))
        self.service = PaymentService(shop.engine, Pager(b"a secret for page tokens"), routes, None, None)
        self.things = {}

    async def open(self):
        shop = self.shop
        ama, cafe = await shop.get(Payer, AMA), await shop.get(Merchant, CAFE)
        await shop.run(Put(rows=(
            ama._replace(id=BEN, number=900, handle=secrets.token_bytes(32)),
            ama._replace(id=CY, partner="rival", number=901, handle=secrets.token_bytes(32)),
            cafe._replace(id=SIDE, number=902),
        )))  # fmt: skip
        for owner in (AMA, BEN, CY):
            card = await shop.instrument(payer=owner)
            self.things[f"card of {owner}"] = names.instrument_name(owner, card.id)
        removed = await shop.instrument(state=InstrumentState.REMOVED)
        self.things["removed card"] = names.instrument_name(AMA, removed.id)
        self.things["no card"] = names.instrument_name(AMA, UNBORN)
        self.things["ben's card as ama's"] = self.things[f"card of {BEN}"].replace("payers/ben", "payers/ama")
        for payer, merchant in ((AMA, CAFE), (BEN, CAFE), (AMA, SIDE)):
            mandate = await self.mandate(payer, merchant)
            self.things[f"mandate of {payer} to {merchant}"] = names.mandate_name(merchant, mandate.id)
            self.things[f"mandate of {payer} to {merchant}, as to cafe"] = names.mandate_name(CAFE, mandate.id)
        self.things["no mandate"] = names.mandate_name(CAFE, UNBORN)
        for payer, merchant in (("", CAFE), (AMA, CAFE), (BEN, CAFE), ("", SIDE)):
            order = await self.order(payer, merchant)
            self.things[f"order for {payer or 'anybody'} at {merchant}"] = names.order_name(merchant, order.id)
        self.things["no order"] = names.order_name(CAFE, UNBORN)
        return self

    async def mandate(self, payer, merchant):
        row = Mandate(
            id=secrets.token_bytes(16), merchant=merchant, payer=payer, instrument=None, currency="CNY",
            payment_max=10**9, day_max=10**9, total_max=0, day_zone="Asia/Shanghai", state=MandateState.ACTIVE,
            state_version=1, day=0, spent_day=0, spent_total=0, confirmation=bytes(16), expire_time=1 << 60,
            create_time=1, update_time=1,
        )  # fmt: skip
        await self.shop.run(Put(rows=(row,)))
        return row

    async def order(self, payer, merchant):
        return await self.shop.run(
            CreateOrder(
                caller=ACME, merchant=merchant, number=str(uuid.uuid4()), payer=payer, currency="CNY", amount=1_000,
                description="tea", descriptor="", metadata="", expire_time=0,
            )
        )  # fmt: skip

    def draft(self, payer, channel, things):
        named = {field: self.things[thing] for field, thing in things.items()}
        return payment_pb2.Payment(
            merchant_payment_id=str(uuid.uuid4()), amount=Money(currency_code="CNY", amount_minor=1_000),
            channel=channel, region="CN", region_source=1, payer=names.payer_name(payer) if payer else "", **named,
        )  # fmt: skip

    async def ask(self, name, draft, caller):
        """What a caller is told: nothing, or a reason and its facts."""
        set_current(Call("test", caller, f"/keelpay.api.gateway.v1.PaymentService/{name}", 0))
        if name == "PreviewPayment":
            request = payment_service_pb2.PreviewPaymentRequest(parent="merchants/cafe", payment=draft)
        else:
            request = payment_request_pb2.CreatePaymentRequest(
                parent="merchants/cafe", request_id=str(uuid.uuid4()), payment=draft
            )
        try:
            await getattr(self.service, name)(request, None)
        except Refused as refusal:
            return refusal.reason, refusal.message, refusal.metadata
        return None


@pytest.fixture
async def street(shop):
    return await Street(shop).open()


OWN = {
    "a balance": (AMA, BALANCE, {}),
    "a balance under a mandate": (AMA, BALANCE, {"mandate": f"mandate of {AMA} to {CAFE}"}),
    "a card": (AMA, CARD, {"instrument": f"card of {AMA}"}),
    "an order for anybody": (AMA, BALANCE, {"order": f"order for anybody at {CAFE}"}),
    "an order for this payer": (AMA, BALANCE, {"order": f"order for {AMA} at {CAFE}"}),
    "nobody's card": ("", CARD, {}),
}
OTHERS = {
    "another partner's payer": (CY, BALANCE, {}),
    "no such payer": ("acme/nobody", BALANCE, {}),
    "another payer's card": (AMA, CARD, {"instrument": f"card of {BEN}"}),
    "another payer's card as one's own": (AMA, CARD, {"instrument": "ben's card as ama's"}),
    "another partner's payer's card": (AMA, CARD, {"instrument": f"card of {CY}"}),
    "no such card": (AMA, CARD, {"instrument": "no card"}),
    "a card without its payer": ("", CARD, {"instrument": f"card of {AMA}"}),
    "another payer's mandate": (AMA, BALANCE, {"mandate": f"mandate of {BEN} to {CAFE}"}),
    "another merchant's mandate as this one's": (AMA, BALANCE, {"mandate": f"mandate of {AMA} to {SIDE}, as to cafe"}),
    "no such mandate": (AMA, BALANCE, {"mandate": "no mandate"}),
    "another merchant's order": (AMA, BALANCE, {"order": f"order for anybody at {SIDE}"}),
    "no such order": (AMA, BALANCE, {"order": "no order"}),
}  # fmt: skip
REFUSED = {
    "a mandate to another merchant": (AMA, BALANCE, {"mandate": f"mandate of {AMA} to {SIDE}"}),
    "a balance without a payer": ("", BALANCE, {}),
    "an order for another payer": (AMA, BALANCE, {"order": f"order for {BEN} at {CAFE}"}),
    "a card that was removed": (AMA, CARD, {"instrument": "removed card"}),
}


@pytest.mark.parametrize("caller", [ACME, LING], ids=["partner", "operator"])
async def test_what_belongs_together_is_previewed(street, caller):
    for row, facts in OWN.items():
        assert await street.ask("PreviewPayment", street.draft(*facts), caller) is None, row
        assert await street.ask("CreatePayment", street.draft(*facts), caller) is None, row


@pytest.mark.parametrize("caller", [ACME, LING], ids=["partner", "operator"])
async def test_what_is_anothers_is_not_found_as_creation_does_not_find_it(street, caller):
    for row, facts in OTHERS.items():
        told = await street.ask("PreviewPayment", street.draft(*facts), caller)
        assert told is not None, row
        assert told[0] in {Reason.RESOURCE_NOT_FOUND, Reason.NOT_OWNER}, row  # told to strangers as not found, too
        assert told == await street.ask("CreatePayment", street.draft(*facts), caller), row


async def test_what_cannot_be_paid_is_refused_as_creation_refuses_it(street):
    for row, facts in REFUSED.items():
        told = await street.ask("PreviewPayment", street.draft(*facts), ACME)
        assert told is not None, row
        assert told == await street.ask("CreatePayment", street.draft(*facts), ACME), row


async def test_a_preview_stores_nothing(street):
    before = await street.shop.events()
    for facts in OWN.values():
        await street.ask("PreviewPayment", street.draft(*facts), ACME)
    assert await street.shop.events() == before
