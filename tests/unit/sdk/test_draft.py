import json
import uuid
from datetime import UTC, datetime

import pytest

import keelpay
from keelpay import CaptureMethod, Channel, Device, Money, PaymentDraft, PaymentMethod, Region, models, new_request_id
from keelpay.api.gateway.v1 import order_pb2
from keelpay.enums import RegionSource

PAYER = "partners/shop/payers/ann"
CARD = f"{PAYER}/instruments/ins-1"


def draft(**changes):
    values = {
        "merchant": "merchants/cafe",
        "amount": Money.of("12.30", "CNY"),
        "method": PaymentMethod.card(CARD, return_url="https://shop.example/back"),
        "region": "CN-EAST",
    }
    return PaymentDraft.of(**{**values, **changes})


def test_the_request_id_is_made_once_and_survives_being_stored():
    one = draft(
        description="咖啡",
        metadata={"table": "7"},
        device=Device(device_id="d", locale="zh-CN"),
        expire_time=datetime(2026, 5, 1, tzinfo=UTC),
        capture_method=CaptureMethod.MANUAL,
        confirm=True,
    )
    again = PaymentDraft.from_json(one.to_json())
    assert again == one
    assert again.raw.SerializeToString(deterministic=True) == one.raw.SerializeToString(deterministic=True)
    assert again.request_id == one.request_id == one.merchant_payment_id


def test_two_drafts_are_two_payments():
    assert draft().request_id != draft().request_id


def test_a_draft_says_everything_to_the_contract():
    raw = draft(order="merchants/cafe/orders/o", merchant_payment_id="p-1").raw
    payment = raw.payment
    assert (raw.parent, raw.return_url, payment.merchant_payment_id) == (
        "merchants/cafe",
        "https://shop.example/back",
        "p-1",
    )
    assert (payment.channel, payment.instrument, payment.payer) == (Channel.CARD, CARD, PAYER)
    assert (payment.region, payment.region_source) == ("CN-EAST", RegionSource.MERCHANT)
    assert not payment.HasField("expire_time")


@pytest.mark.parametrize(
    ("method", "channel", "payer"),
    [
        (PaymentMethod.balance(PAYER), Channel.BALANCE, PAYER),
        (PaymentMethod.card(CARD), Channel.CARD, PAYER),
        (PaymentMethod.bank(CARD), Channel.BANK, PAYER),
        (PaymentMethod.stablecoin(CARD), Channel.STABLECOIN, PAYER),
        (PaymentMethod.wallet("alipay"), Channel.WALLET, ""),
        (PaymentMethod.wallet("alipay", instrument=CARD), Channel.WALLET, PAYER),
        (PaymentMethod.mandate("merchants/cafe/mandates/m", payer=PAYER), Channel.BALANCE, PAYER),
    ],
)
def test_a_way_of_paying_knows_its_payer(method, channel, payer):
    payment = draft(method=method, region=Region("US-CA", RegionSource.DEVICE)).raw.payment
    assert (payment.channel, payment.payer, payment.region_source) == (channel, payer, RegionSource.DEVICE)


@pytest.mark.parametrize(
    "text", ["", "{}", "[]", "null", '{"kind": "other"}', '{"kind": "keelpay.payment-draft.v1"}', "no json"]
)
def test_a_text_that_is_no_draft_is_refused(text):
    with pytest.raises(ValueError):
        PaymentDraft.from_json(text)


def test_a_stored_draft_with_a_strange_request_is_refused():
    stored = json.loads(draft().to_json())
    for request in ({"surprise": 1}, [], "text", {"payment": 5}):
        with pytest.raises(ValueError):
            PaymentDraft.from_json(json.dumps(stored | {"request": request}))


def test_request_ids_are_uuids_of_version_7_in_order_of_time():
    ids = [new_request_id() for _ in range(200)]
    assert len(set(ids)) == 200
    for each in ids:
        parsed = uuid.UUID(each)
        assert (parsed.version, parsed.variant, str(parsed)) == (7, uuid.RFC_4122, each)
    times = [uuid.UUID(each).int >> 80 for each in ids]
    assert times == sorted(times)


async def test_a_draft_for_an_order_pays_the_merchant_of_the_order():
    clients = keelpay.AsyncClient("127.0.0.1:1", credentials=keelpay.credentials.local(keelpay.credentials.anonymous()))
    method, amount = keelpay.PaymentMethod.wallet(), keelpay.Money(100, "CNY")
    async with clients as client:
        made = client.payments.draft(order="merchants/cafe/orders/o", amount=amount, method=method, region="CN")
        assert made.merchant == "merchants/cafe"
        with pytest.raises(keelpay.errors.ConfigurationError, match="which merchant"):
            client.payments.draft(amount=amount, method=method, region="CN")


async def test_a_draft_for_an_order_of_one_payer_is_for_that_payer():
    clients = keelpay.AsyncClient("127.0.0.1:1", credentials=keelpay.credentials.local(keelpay.credentials.anonymous()))
    ann, ben = "partners/p/payers/ann", "partners/p/payers/ben"
    order = models.Order.of(order_pb2.Order(name="merchants/cafe/orders/o", payer=ann))
    amount = keelpay.Money(100, "CNY")
    async with clients as client:

        def payer_of(order, **method):
            drafted = client.payments.draft(
                order=order, amount=amount, method=keelpay.PaymentMethod.wallet(**method), region="CN"
            )
            return drafted.raw.payment.payer

        assert payer_of(order) == ann
        assert payer_of(order, payer=ben) == ben  # as it was said; the server refuses it in a sentence
        assert payer_of(order.name) == ""
