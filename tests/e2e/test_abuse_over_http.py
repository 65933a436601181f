"""What an attacker reaches who comes through the edge, as browsers and partners' backends do (A2, A5, A11)."""

import base64
import json
import struct

import pytest
import pytest_asyncio
from google.protobuf.json_format import MessageToDict

from keelpay import Card, PaymentMethod
from keelpay.enums import ConfirmationState, PasskeyState, PaymentState
from keelpay.request_id import new_request_id
from keelpay.testing import SoftPasskey
from keelpay_server.edge.settings import EdgeSettings
from tests.e2e.belongings import absent
from tests.e2e.checkout import number, waiting
from tests.e2e.installation import ORIGIN, Person, open_installation
from tests.infrastructure.http import ask

pytestmark = pytest.mark.asyncio(loop_scope="module")
GATEWAY, AUTH = "gateway.v1.", "auth.v1."
EVIL = "https://evil.example"


class House:
    """An installation as its edge shows it."""

    def __init__(self, made):
        self.made = made

    async def post(self, method, body, token="", *, wire="application/json", **headers):
        """Calls an RPC as a page does; Connect's streams are put into an envelope."""
        raw = json.dumps(body).encode()
        if wire.startswith("application/connect"):
            raw = struct.pack(">BI", 0, len(raw)) + raw
        credential = {"authorization": f"Bearer {token}"} if token else {}
        url = f"{self.made.server.edge_url}/keelpay.api.{method}"
        return await ask(url, raw, headers={"content-type": wire, **credential, **headers})

    async def page(self, payment):
        """The token of the page that opened a payment's link."""
        link = await self.made.acme.orders.create_checkout_link(payment)
        opening = {"token": link.token, "requestId": new_request_id()}
        return (await self.post(f"{GATEWAY}CheckoutService/OpenSession", opening)).json()["token"]["value"]

    async def asked(self, payer, payment, token, method="WEBAUTHN"):
        """A confirmation of a payment: what is to be signed."""
        body = {"parent": payer, "requestId": new_request_id(), "payment": payment.name,
                "method": f"CONFIRMATION_METHOD_{method}"}  # fmt: skip
        return (await self.post(f"{AUTH}ConfirmationService/StartConfirmation", body, token)).json()["confirmation"]

    async def confirm(self, payment, asked, assertion_json, token):
        """Spends a signature; returns what came of it."""
        body = {"name": payment.name, "requestId": new_request_id(), "confirmation": asked["name"],
                "assertionJson": assertion_json}  # fmt: skip
        return await self.post(f"{GATEWAY}PaymentService/ConfirmPayment", body, token)

    async def state(self, payment):
        """Where a payment stands."""
        return (await self.made.acme.payments.get(payment)).state


def reason_of(answer):
    """Why it was refused; empty where it was not."""
    details = answer.json().get("details", ())
    return next((each["debug"]["reason"] for each in details if each["type"].endswith("ErrorInfo")), "")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def house(tmp_path_factory):
    edge = EdgeSettings(listen="127.0.0.1:0")
    async with open_installation(tmp_path_factory.mktemp("house"), edge=edge) as made:
        yield House(made)


@pytest_asyncio.fixture(loop_scope="module")
async def zoe(house):
    """Somebody who comes with every test anew, with a passkey for Secure Payment Confirmation, and a card."""
    acme = house.made.acme
    payer = await acme.payers.create(f"zoe-{number()}", locale="en", region="CN")
    person = Person(name=payer.name, partner=acme)
    card = Card(number="4242424242424242", expire_month=12, expire_year=2035)
    person.card = (await acme.payers.tokenize(payer, card)).name
    async with acme.with_token(await acme.tokens.enrol(payer, acme.attest(payer, amr=["otp"]))) as app:
        await app.passkeys.register(payer, person.passkey.create, display_name="Phone", spc=True)
    return person


# --- A2: what is another's ---

NAMED = {
    f"{GATEWAY}PaymentService/GetPayment": ("application/json", "name"),
    f"{GATEWAY}PaymentService/WatchPayment": ("application/connect+json", "name"),
    f"{GATEWAY}PaymentService/CancelPayment": ("application/json", "name"),
    f"{GATEWAY}PaymentService/ConfirmPayment": ("application/json", "name"),
    f"{GATEWAY}CheckoutService/GetReceipt": ("application/json", "payment"),
}


@pytest.mark.parametrize("method", NAMED)
async def test_of_anothers_payment_a_page_hears_byte_for_byte_what_it_hears_of_none(house, method):
    made, (wire, field) = house.made, NAMED[method]
    token = await house.page(await waiting(made))
    other = await waiting(made, made.ben)
    change = {"requestId": new_request_id()} if "Cancel" in method or "Confirm" in method else {}

    async def heard(name):
        headers = {"x-request-id": "the-same-0001", "accept-language": "zh"}
        answer = await house.post(method, {field: name, **change}, token, wire=wire, **headers)
        told = answer.body.replace(name.encode(), b"(it)")  # it hears back what it asked for, and as many bytes more
        bare = told[5:] if wire.startswith("application/connect") else told
        return answer.status, bare, {**answer.headers, "date": "", "content-length": ""}

    real = await heard(other.name)
    assert real == await heard(absent(other.name)) == await heard(other.name.replace("cafe", "stall"))
    assert b"RESOURCE_NOT_FOUND" in real[1]
    assert real[2]["cache-control"] == "no-store"
    assert await house.state(other) is PaymentState.REQUIRES_CONFIRMATION


async def test_a_filter_and_a_page_token_of_anothers_list_tell_nothing(house):
    made = house.made
    rival, method = await made.token(made.rival), f"{GATEWAY}PaymentService/ListPayments"
    for _ in range(2):
        await waiting(made)
    first = await house.post(method, {"parent": made.cafe, "pageSize": 1}, await made.token(made.acme))
    stolen = first.json()["nextPageToken"]
    told = [
        reason_of(await house.post(method, {"parent": made.stall, "pageSize": 1, "pageToken": each}, rival))
        for each in (stolen, stolen[:-2] + "AA", "x" * 40)
    ]
    assert told == ["PAGE_TOKEN_INVALID"] * 3
    for payer in (made.ann.name, absent(made.ann.name)):
        found = await house.post(method, {"parent": made.stall, "filter": f'payer = "{payer}"'}, rival)
        assert (found.status, found.json()) == (200, {})


# --- A5: what was signed, and by whom ---

CEREMONIES = {
    "another origin": {"origin": EVIL},
    "a frame of a stranger": {"cross_origin": True, "top_origin": EVIL},
    "a frame that hides its page": {"cross_origin": True},
    "no finger": {"user_verified": False},
    "nobody there": {"user_present": False},
    "a passkey that was never synced and is": {"backup_eligible": True, "backup_state": True},
    "a counter that went back": {"counter_step": -1},
}
EXPECTED = {"a counter that went back": "PASSKEY_COUNTER_REGRESSED"}


@pytest.mark.parametrize("case", CEREMONIES)
async def test_a_signature_of_another_ceremony_pays_nothing_and_spends_its_confirmation(house, zoe, case):
    paid, payment = [await waiting(house.made, zoe, method=PaymentMethod.card(zoe.card)) for _ in range(2)]
    await house.made.acme.payments.confirm(paid, zoe.signer)
    token = await house.page(payment)
    asked = await house.asked(zoe.name, payment, token)
    for name, value in CEREMONIES[case].items():
        setattr(zoe.passkey, name, value)
    refused = await house.confirm(payment, asked, zoe.passkey.get(asked["optionsJson"]), token)
    assert reason_of(refused) == EXPECTED.get(case, "CONFIRMATION_SIGNATURE_INVALID"), refused.body
    assert await house.state(payment) is PaymentState.REQUIRES_CONFIRMATION
    spent = await house.made.acme.confirmations.get(asked["name"])
    assert spent.state is ConfirmationState.CONSUMED


async def test_a_signature_pays_once_and_for_nothing_else(house, zoe):
    payment, other = [await waiting(house.made, zoe, method=PaymentMethod.card(zoe.card)) for _ in range(2)]
    token, thief = await house.page(payment), await house.page(other)
    asked, elsewhere = await house.asked(zoe.name, payment, token), await house.asked(zoe.name, other, thief)
    signed = zoe.passkey.get(asked["optionsJson"])
    assert (await house.confirm(payment, asked, signed, token)).status == 200
    again = await house.asked(zoe.name, other, thief)
    for confirmation in (elsewhere, again, asked):
        refused = await house.confirm(other, confirmation, signed, thief)
        assert reason_of(refused).startswith("CONFIRMATION_"), refused.body
    assert await house.state(payment) is PaymentState.CAPTURED
    assert await house.state(other) is PaymentState.REQUIRES_CONFIRMATION


SHOWN = {
    "payeeName": "Evil Cafe", "payeeOrigin": EVIL, "rpId": "evil.example", "rp": "evil.example", "topOrigin": EVIL,
    "total.value": "0.01", "total.currency": "USD", "instrument.displayName": "Another card",
    "instrument.icon": f"{EVIL}/icon.png", "instrument.details": "small print",
}  # fmt: skip


@pytest.mark.parametrize("member", SHOWN)
async def test_what_the_browser_showed_differently_was_not_agreed_to(house, zoe, member):
    payment = await waiting(house.made, zoe, method=PaymentMethod.card(zoe.card))
    token = await house.page(payment)
    asked = await house.asked(zoe.name, payment, token, "SPC")
    request = json.loads(asked["optionsJson"])
    names = ("rpId", "payeeName", "payeeOrigin", "total", "instrument")
    shown = {name: request[name] for name in names if name in request} | {"topOrigin": zoe.passkey.origin}
    above, _, below = member.rpartition(".")
    (shown[above] if above else shown)[below] = SHOWN[member]
    options = {"rpId": request["rpId"], "challenge": request["challenge"]}
    signed = zoe.passkey.get(json.dumps(options), shown)
    assert reason_of(await house.confirm(payment, asked, signed, token)) == "CONFIRMATION_MISMATCH"
    assert await house.state(payment) is PaymentState.REQUIRES_CONFIRMATION


async def test_bytes_around_a_signature_that_were_touched_pay_nothing(house, zoe):
    payment = await waiting(house.made, zoe, method=PaymentMethod.card(zoe.card))
    token = await house.page(payment)
    for part in ("clientDataJSON", "authenticatorData", "signature", "userHandle"):
        asked = await house.asked(zoe.name, payment, token)
        signed = json.loads(zoe.passkey.get(asked["optionsJson"]))
        text = signed["response"][part]
        raw = bytearray(base64.urlsafe_b64decode(text + "=="))
        raw[-1] ^= 1
        signed["response"][part] = base64.urlsafe_b64encode(raw).rstrip(b"=").decode()
        refused = await house.confirm(payment, asked, json.dumps(signed), token)
        assert reason_of(refused) == "CONFIRMATION_SIGNATURE_INVALID", part
    assert await house.state(payment) is PaymentState.REQUIRES_CONFIRMATION


# --- A11: a stolen partner key ---


async def test_a_stolen_partner_key_moves_no_balance(house):
    made = house.made
    key, ann = await made.token(made.acme), made.ann
    before = await made.acme.payers.balance(ann.name)
    payment = await waiting(made)
    asked = await house.asked(ann.name, payment, key)
    own = SoftPasskey(origin=ORIGIN)
    own.credentials = {each: made.ben.passkey.credentials[each] for each in made.ben.passkey.credentials}
    forged = own.get(json.dumps({**json.loads(asked["optionsJson"]), "allowCredentials": []}))
    money = {"currencyCode": "CNY", "amountMinor": "100"}
    attempts = (
        (f"{GATEWAY}PaymentService/ConfirmPayment", {"name": payment.name}),
        (f"{GATEWAY}PaymentService/ConfirmPayment",
         {"name": payment.name, "confirmation": asked["name"], "assertionJson": forged}),
        (f"{GATEWAY}PayerService/Withdraw",
         {"parent": ann.name, "amount": money, "instrument": ann.account, "confirmation": asked["name"],
          "assertionJson": forged}),
    )  # fmt: skip
    for method, body in attempts:
        await house.post(method, {**body, "requestId": new_request_id()}, key)
    await made.still()
    assert await made.acme.payers.balance(ann.name) == before
    assert await house.state(payment) in {PaymentState.REQUIRES_CONFIRMATION, PaymentState.REQUIRES_ACTION}


async def test_a_stolen_partner_key_finds_no_door_of_operators_banks_and_the_sandbox(house):
    key = await house.made.token(house.made.acme)
    for method in (
        "sandbox.v1.SandboxService/AdvanceClock", "auth.v1.ApprovalService/ListProposals",
        "risk.v1.RuleService/ListRules", "clearing.v1.LedgerService/ListAccounts",
        "auth.v1.PartnerService/SuspendPartner", "gateway.v1.PaymentService/BatchCreatePayments",
    ):  # fmt: skip
        assert (await house.post(method, {}, key)).status == 404


async def test_a_stolen_partner_key_enrols_nobody_beside_a_passkey_and_what_it_recovers_has_to_wait(house, zoe):
    acme, key = house.made.acme, await house.made.token(house.made.acme)
    thief = SoftPasskey(origin=ORIGIN)
    manage = {"parent": zoe.name, "requestId": new_request_id(), "kind": "PAYER_TOKEN_KIND_MANAGE"}
    app = (await house.post(f"{AUTH}PartnerService/IssuePayerToken", manage, key)).json()["token"]["value"]
    start = {"parent": zoe.name, "requestId": new_request_id(), "displayName": "Thief"}
    started = await house.post(f"{AUTH}PasskeyService/StartRegistration", start, app)

    async def finish(registration, token):
        body = {"name": registration["name"], "requestId": new_request_id(),
                "credentialJson": thief.create(registration["optionsJson"])}  # fmt: skip
        return await house.post(f"{AUTH}PasskeyService/FinishRegistration", body, token)

    assert reason_of(await finish(started.json()["registration"], app)) == "CONFIRMATION_REQUIRED"
    word = MessageToDict(acme.attest(zoe.name, amr=["otp"], purpose="recover"))
    recover = {**start, "requestId": new_request_id(), "attestation": word}
    recovery = await house.post(f"{AUTH}PasskeyService/StartRecovery", recover, key)
    enrol = (await acme.tokens.enrol(zoe.name, acme.attest(zoe.name, amr=["otp"]))).value
    assert (await finish(recovery.json()["registration"], enrol)).status == 200
    states = {each.display_name: each.state async for each in acme.passkeys.list(zoe.name)}
    assert states == {"Phone": PasskeyState.ACTIVE, "Thief": PasskeyState.COOLING}
    payment = await waiting(house.made, zoe, method=PaymentMethod.card(zoe.card))
    asked = await house.asked(zoe.name, payment, key)
    options = {**json.loads(asked["optionsJson"]), "allowCredentials": []}
    paid = await house.confirm(payment, asked, thief.get(json.dumps(options)), key)
    assert reason_of(paid).startswith(("CONFIRMATION_", "PASSKEY_")), paid.body
    assert await house.state(payment) is PaymentState.REQUIRES_CONFIRMATION
