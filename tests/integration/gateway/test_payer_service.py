"""PayerService as a caller meets it: payers, instruments, balances; a card number rests nowhere in clear."""

import secrets
import uuid

import pytest

from keelpay.api.gateway.v1 import instrument_pb2, payer_pb2, payer_request_pb2, payer_service_pb2
from keelpay.api.type.v1.money_pb2 import Money
from keelpay_server.auth.relying_party import RelyingParty
from keelpay_server.auth.settings import AuthSettings
from keelpay_server.book.call import Call, set_current
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.paging import Pager
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.request import RequestRow, request_of
from keelpay_server.gateway.instrument import Instrument, InstrumentState
from keelpay_server.gateway.instrument_commands import RemoveInstrument
from keelpay_server.gateway.payer_service import PayerService
from keelpay_server.gateway.routes import Route, Routes
from keelpay_server.gateway.tokenizer import InstrumentDesk
from keelpay_server.gateway.vault import Sealed, Vault
from keelpay_server.gateway.vault_rotation import reseal_all
from keelpay_server.rails.sandbox.tokenizer import SandboxTokenizer, account_of, card_of

from .shop import ACME, AMA

NAME = "partners/acme/payers/ama"
CARD_NUMBER = "4242424242424242"
PAYER = Caller(CallerKind.PAYER, "acme", AMA, purpose="manage")
STRANGER = Caller(CallerKind.PARTNER, "other", "other")
KEYS = {"k1": bytes(32), "k2": b"2" * 32}
SETTINGS = AuthSettings(
    party=RelyingParty(rp_id="pay.example.com", origins=frozenset({"https://pay.example.com"})),
    issuer="https://pay.example.com", audience="test",
)  # fmt: skip
ROUTES = Routes((Route("sandbox-card", 3), Route("sandbox-wallet", 1), Route("alipay", 1)))


class Door:
    """The service, called as somebody."""

    def __init__(self, shop):
        self.shop, self.vault = shop, Vault(KEYS, "k1", b"d" * 32)
        desk = InstrumentDesk(self.vault, SandboxTokenizer(), ROUTES, secrets.token_bytes)
        pager = Pager(b"a secret for page tokens")
        self.service = PayerService(shop.engine, pager, SETTINGS, desk, secrets.token_bytes)

    async def call(self, name, request, caller=ACME):
        method = f"/keelpay.api.gateway.v1.PayerService/{name}"
        set_current(Call("test", caller, method, 0))
        return await getattr(self.service, name)(request, None)

    async def tokenize(self, number=CARD_NUMBER, *, request_id="", year=2040, caller=ACME):
        card = instrument_pb2.CardDetails(number=number, expire_month=12, expire_year=year, holder_name="Ama")
        request = payer_request_pb2.TokenizeInstrumentRequest(
            parent=NAME, request_id=request_id or str(uuid.uuid4()), card=card
        )
        return await self.call("TokenizeInstrument", request, caller)


@pytest.fixture
def door(shop):
    return Door(shop)


async def refused(run, reason):
    with pytest.raises(Refused) as refusal:
        await run
    assert refusal.value.reason is reason


async def test_a_payer_is_created_once_and_read_by_its_own(door):
    draft = payer_pb2.Payer(locale="zh-CN", region="CN-EAST", metadata={"tier": "gold"})
    request = payer_request_pb2.CreatePayerRequest(
        parent="partners/acme", request_id=str(uuid.uuid4()), payer_id="ben", payer=draft
    )
    made = await door.call("CreatePayer", request)
    assert (made.payer.name, made.payer.region, made.replayed) == ("partners/acme/payers/ben", "CN-EAST", False)
    assert (await door.call("CreatePayer", request)).replayed
    other = payer_request_pb2.CreatePayerRequest(parent="partners/acme", request_id=str(uuid.uuid4()), payer_id="ben")
    await refused(door.call("CreatePayer", other), Reason.RESOURCE_ALREADY_EXISTS)
    get = payer_service_pb2.GetPayerRequest(name=made.payer.name)
    assert (await door.call("GetPayer", get)).payer == made.payer
    await refused(door.call("GetPayer", get, STRANGER), Reason.NOT_OWNER)
    await refused(door.call("GetPayer", get, PAYER), Reason.NOT_OWNER)
    await refused(door.call("CreatePayer", request, STRANGER), Reason.NOT_OWNER)


async def test_a_card_number_rests_nowhere_in_clear(door, database_url, tmp_path):
    answer = await door.tokenize()
    shown = answer.instrument
    assert (shown.display, shown.brand, shown.last_four, shown.channel) == ("Visa •••• 4242", "visa", "4242", 3)
    assert CARD_NUMBER not in str(answer)
    (row,) = await door.shop.reader.find(Instrument, {"payer": AMA, "key_id": "k1"})
    assert CARD_NUMBER not in repr(row)
    assert CARD_NUMBER.encode() not in row.sealed
    assert door.vault.open(Sealed(row.sealed, row.key_id), AMA) == CARD_NUMBER
    for batch in await door.shop.reader.journal(0, 1000):
        assert CARD_NUMBER.encode() not in batch.body
    for path in tmp_path.glob("book.sqlite*"):
        assert CARD_NUMBER.encode() not in path.read_bytes()


async def test_the_digest_of_a_request_with_a_card_number_is_keyed(door):
    request_id = str(uuid.uuid4())
    await door.tokenize(request_id=request_id)
    rows = await door.shop.reader.find(RequestRow, {"create_time__gt": 0})
    row = next(row for row in rows if row.id[:16] == uuid.UUID(request_id).bytes)
    card = instrument_pb2.CardDetails(number=CARD_NUMBER, expire_month=12, expire_year=2040, holder_name="Ama")
    body = payer_request_pb2.TokenizeInstrumentRequest(parent=NAME, request_id=request_id, card=card)
    guessed = request_of("", "", "", uuid.UUID(request_id).bytes, body.SerializeToString(deterministic=True))
    assert row.body_hash != guessed.body_hash


async def test_a_repeated_tokenising_answers_with_the_same_instrument_and_another_card_is_refused(door):
    request_id = str(uuid.uuid4())
    first = await door.tokenize(request_id=request_id)
    again = await door.tokenize(request_id=request_id)
    assert (again.instrument, again.replayed) == (first.instrument, True)
    await refused(door.tokenize("4111111111111111", request_id=request_id), Reason.IDEMPOTENCY_MISMATCH)


async def test_a_card_that_cannot_be_right_is_refused(door):
    await refused(door.tokenize("4242424242424241"), Reason.CARD_INVALID)
    await refused(door.tokenize(year=2020), Reason.CARD_INVALID)
    empty = payer_request_pb2.TokenizeInstrumentRequest(parent=NAME, request_id=str(uuid.uuid4()))
    await refused(door.call("TokenizeInstrument", empty), Reason.FIELD_INVALID)
    await refused(door.tokenize(caller=STRANGER), Reason.NOT_OWNER)


async def test_test_numbers_ask_the_sandbox_for_their_stories(door):
    await door.tokenize(card_of("insufficient-funds"), caller=PAYER)
    wallet = instrument_pb2.WalletDetails(wallet="alipay", wallet_account=account_of("app-approval"))
    answer = await door.call(
        "TokenizeInstrument",
        payer_request_pb2.TokenizeInstrumentRequest(parent=NAME, request_id=str(uuid.uuid4()), wallet=wallet),
    )
    assert (answer.instrument.display, answer.instrument.last_four) == ("Alipay", "")
    rows = await door.shop.reader.find(Instrument, {"payer": AMA})
    assert {"tok-insufficient-funds", "tok-app-approval"} <= {row.token for row in rows}
    assert "alipay" in {row.bank for row in rows}
    chain = instrument_pb2.ChainAddressDetails(network="ethereum", address="0x" + "a" * 40)
    unserved = payer_request_pb2.TokenizeInstrumentRequest(
        parent=NAME, request_id=str(uuid.uuid4()), chain_address=chain
    )
    await refused(door.call("TokenizeInstrument", unserved), Reason.UNSUPPORTED_BY_RAIL)


async def test_removing_an_instrument_destroys_its_number(door):
    made = (await door.tokenize()).instrument
    request = payer_request_pb2.RemoveInstrumentRequest(name=made.name, request_id=str(uuid.uuid4()))
    await refused(door.call("RemoveInstrument", request, STRANGER), Reason.NOT_OWNER)
    removed = await door.call("RemoveInstrument", request)
    assert removed.instrument.state == InstrumentState.REMOVED
    (row,) = await door.shop.reader.find(Instrument, {"payer": AMA, "state": int(InstrumentState.REMOVED)})
    assert (row.sealed, row.key_id) == (b"", "")
    again = payer_request_pb2.RemoveInstrumentRequest(name=made.name, request_id=str(uuid.uuid4()))
    await refused(door.call("RemoveInstrument", again), Reason.ILLEGAL_TRANSITION)


async def test_a_rotation_reseals_every_number_and_the_old_key_can_go(door):
    await door.shop.engine.execute(RemoveInstrument(instrument=door.shop.card.id))
    for _ in range(3):
        await door.tokenize()
    newer = Vault(KEYS, "k2", b"d" * 32)
    assert await reseal_all(door.shop.engine, newer, secrets.token_bytes) == 3
    assert await reseal_all(door.shop.engine, newer, secrets.token_bytes) == 0
    alone = Vault({"k2": KEYS["k2"]}, "k2", b"d" * 32)
    rows = await door.shop.reader.find(Instrument, {"payer": AMA, "state": int(InstrumentState.ACTIVE)})
    assert {alone.open(Sealed(row.sealed, row.key_id), AMA) for row in rows} == {CARD_NUMBER}
    assert len({row.fingerprint for row in rows}) == 1


async def test_balances_are_told_by_currency_with_what_is_held(door):
    get = payer_service_pb2.GetBalanceRequest(name=NAME)
    assert list((await door.call("GetBalance", get)).balances) == []
    card = (await door.tokenize()).instrument.name
    request = payer_request_pb2.TopUpRequest(
        parent=NAME, request_id=str(uuid.uuid4()), amount=Money(currency_code="CNY", amount_minor=700), instrument=card
    )
    transfer = (await door.call("TopUp", request)).transfer
    assert (transfer.state, transfer.kind, transfer.instrument) == (2, 1, card)
    assert (await door.call("TopUp", request)).replayed
    (balance,) = (await door.call("GetBalance", get, PAYER)).balances
    assert (balance.available.amount_minor, balance.held.amount_minor, balance.frozen.amount_minor) == (700, 0, 0)
    await refused(door.call("GetBalance", get, STRANGER), Reason.NOT_OWNER)


async def test_lists_are_filtered_and_paged(door):
    for _ in range(3):
        await door.tokenize()
    request = payer_service_pb2.ListInstrumentsRequest(parent=NAME, page_size=2, filter="state = ACTIVE")
    first = await door.call("ListInstruments", request)
    request.page_token = first.next_page_token
    second = await door.call("ListInstruments", request)
    seen = [row.name for page in (first, second) for row in page.instruments]
    assert (len(seen), len(set(seen))) == (4, 4)
    payment = await door.shop.pay(500)
    await door.shop.pay(700, instrument=await door.shop.instrument("tok-insufficient-funds"))
    listed = payer_service_pb2.ListPayerPaymentsRequest(parent=NAME, filter="state = CAPTURED")
    answer = await door.call("ListPayerPayments", listed, PAYER)
    assert [row.merchant_payment_id for row in answer.payments] == [payment.number]
