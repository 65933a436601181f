"""The walk of docs/native.md: an app without our library enrols and pays, over HTTP and JSON alone; each step recorded.

In: a running installation with an edge. Out: the recorded steps as they stand in the document, between its markers.
Invariant: what changes from run to run (ids, times, keys, signatures) is written the same in every run, and what is
long is cut; everything else is what went over the wire.

`python -m tests.e2e.docs.native_walk` writes them into the document anew.
"""

import asyncio
import base64
import hashlib
import http.client
import json
import re
import tempfile
import uuid
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlsplit

from keelpay import Card, PaymentMethod
from keelpay.testing import SoftPasskey
from keelpay_server.auth.relying_party import android_origin
from keelpay_server.edge.settings import AndroidApp, EdgeSettings
from tests.e2e.installation import cny, open_installation
from tests.infrastructure.sources import ROOT

DOCUMENT = ROOT / "docs/native.md"
FINGERPRINT = ":".join(["A1", "B2", "C3", "D4"] * 8)
EDGE = EdgeSettings(listen="127.0.0.1:0", android=(AndroidApp(package="com.example.pay", fingerprints=(FINGERPRINT,)),))
CUT = ("transitions", "operations", "risk", "systemMs", "bankMs", "humanMs", "scopes")
"""Members of answers that the walk does not need: the document says that it leaves some out."""
ID = re.compile(r"\b(ord|pay|psk|reg|cnf|ins|dec|lnk)-[0-9a-z]{26}\b")
SHAPES = (
    (re.compile(r"eyJ[\w-]+\.[\w-]+\.[\w-]+"), "eyJhbGciOi..."),
    (re.compile(r"\b[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\b"), "5f1d7a6e-..."),
    (re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"), "2026-11-22T14:00:00Z"),
    (re.compile(r'("expiresAt": )"\d+"'), r'\1"1795356120"'),
    (re.compile(r'(?<=": ")[\w+/=-]{40,}(?=")'), "q8Zk1vPqm0uG..."),
    (re.compile(r'(?<=:\\")[\w-]{22,}(?=\\")'), "q8Zk1vPqm0uG..."),
    (re.compile(r'(?<=: \\")[\w-]{22,}(?=\\")'), "q8Zk1vPqm0uG..."),
    (re.compile(r'("request_id": )"[0-9a-f-]+"'), r'\1"de64c781..."'),
    (re.compile(r'("railReference": )"\w+"'), r'\1"A4F6C87B..."'),
    (re.compile(r"\blocalhost\b"), "pay.example.com"),
)


class Step(NamedTuple):
    """One request and its answer: the name in the document, path, headers and bodies."""

    name: str
    path: str
    token: bool
    asked: dict[str, Any]
    status: int
    answered: dict[str, Any]


class Phone:
    """An app that speaks HTTP and JSON, and nothing else of ours."""

    def __init__(self, address: str) -> None:
        self.address, self.token, self.steps = urlsplit(address), "", []
        self.device, self.device_id = SoftPasskey(origin=android_origin(FINGERPRINT)), _id()

    async def call(self, step: str, method: str, /, **members: Any) -> dict[str, Any]:
        """Posts JSON to a method and records both sides."""
        status, answer = await asyncio.to_thread(self._post, f"/keelpay.api.{method}", members)
        self.steps.append(Step(step, f"/keelpay.api.{method}", bool(self.token), members, status, answer))
        return answer

    def _post(self, path: str, members: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        connection = http.client.HTTPConnection(self.address.hostname or "", self.address.port, timeout=10)
        headers = {"content-type": "application/json", "accept-language": "en"}
        if self.token:
            headers["authorization"] = f"Bearer {self.token}"
        try:
            connection.request("POST", path, json.dumps(members), headers)
            answer = connection.getresponse()
            return answer.status, json.loads(answer.read())
        finally:
            connection.close()


async def walk(made: Any) -> list[Step]:
    """Enrols a person and lets the person pay; returns the recorded steps."""
    phone = Phone(made.server.edge_url)
    payer = await made.acme.payers.create("kai", locale="en", region="CN")
    enrol = await made.acme.tokens.enrol_link(payer, made.acme.attest(payer, amr=["otp"]))
    opened = await phone.call(
        "open-enrol", "gateway.v1.CheckoutService/OpenSession", token=enrol.token, requestId=_id(),
        deviceId=phone.device_id,
    )  # fmt: skip
    phone.token = opened["token"]["value"]
    started = await phone.call(
        "start-registration", "auth.v1.PasskeyService/StartRegistration", parent=opened["session"]["payer"],
        requestId=_id(), displayName="Kai's phone",
    )  # fmt: skip
    registration = started["registration"]
    made_key = phone.device.create(registration["optionsJson"])
    await phone.call(
        "finish-registration", "auth.v1.PasskeyService/FinishRegistration", name=registration["name"], requestId=_id(),
        credentialJson=made_key,
    )  # fmt: skip

    card = await made.acme.payers.tokenize(payer, Card(number="4242424242424242", expire_month=12, expire_year=2035))
    draft = made.acme.payments.draft(
        merchant=made.cafe, amount=cny(1_250), method=PaymentMethod.wallet("sandbox-wallet", payer=payer.name),
        merchant_payment_id="native-1", description="Two coffees",
    )  # fmt: skip
    payment = await made.acme.payments.create(draft)
    link = await made.acme.orders.create_checkout_link(payment)
    phone.token = ""
    opened = await phone.call(
        "open-pay", "gateway.v1.CheckoutService/OpenSession", token=link.token, requestId=_id(),
        deviceId=phone.device_id,
    )  # fmt: skip
    phone.token = opened["token"]["value"]
    session = opened["session"]
    name = session["checkout"]["payment"]["name"]
    option = next(each for each in session["checkout"]["options"] if each["method"].get("instrument") == card.name)
    await phone.call(
        "choose", "gateway.v1.CheckoutService/ChoosePaymentMethod", name=name, requestId=_id(),
        paymentMethod=option["method"],
    )  # fmt: skip
    started = await phone.call(
        "start-confirmation", "auth.v1.ConfirmationService/StartConfirmation", parent=session["payer"],
        requestId=_id(), payment=name, method="CONFIRMATION_METHOD_WEBAUTHN",
    )  # fmt: skip
    confirmation = started["confirmation"]
    assert challenge_of(confirmation["payment"]) == base64.b64decode(confirmation["challenge"])
    await phone.call(
        "confirm", "gateway.v1.PaymentService/ConfirmPayment", name=name, requestId=_id(),
        confirmation=confirmation["name"], assertionJson=phone.device.get(confirmation["optionsJson"]),
    )  # fmt: skip
    await phone.call("receipt", "gateway.v1.CheckoutService/GetReceipt", payment=name)
    await phone.call("refresh", "gateway.v1.CheckoutService/RefreshSession")
    phone.token = ""
    await phone.call(
        "open-again", "gateway.v1.CheckoutService/OpenSession", token=link.token, requestId=_id(),
        deviceId=phone.device_id,
    )  # fmt: skip
    return phone.steps


def challenge_of(terms: dict[str, str]) -> bytes:
    """The challenge as any language makes it: sorted members, no white space, UTF-8, SHA-256."""
    text = json.dumps(terms, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(text.encode()).digest()


def render(step: Step) -> str:
    """A step as the document shows it."""
    head = [f"POST {step.path} HTTP/1.1", "host: pay.example.com", "content-type: application/json"]
    if step.token:
        head.append("authorization: Bearer eyJhbGciOi...")
    words = {200: "OK", 400: "Bad Request"}[step.status]
    asked, answered = (json.dumps(brief(each), indent=2, ensure_ascii=False) for each in (step.asked, step.answered))
    text = "\n".join(
        ["```http", *head, "", asked, "```", "", "```http", f"HTTP/1.1 {step.status} {words}",
         "content-type: application/json", "", answered, "```"]
    )  # fmt: skip
    return steady(text)


def brief(value: Any) -> Any:
    """A body without what the walk does not need."""
    if isinstance(value, dict):
        kept = {name: brief(each) for name, each in value.items() if name not in CUT}
        return kept | ({"...": "..."} if len(kept) < len(value) else {})
    return [brief(each) for each in value] if isinstance(value, list) else value


def steady(text: str) -> str:
    """The text with everything that changes from run to run written the same, and what is long cut."""
    text = ID.sub(lambda found: f"{found[1]}-01kazb...", text)
    for shape, instead in SHAPES:
        text = shape.sub(instead, text)
    return text


def with_steps(document: str, steps: list[Step]) -> str:
    """The document with its recorded blocks written anew.

    Raises:
        ValueError: A step has no place in the document, or a place no step.
    """
    places = re.findall(r"<!-- recorded: ([\w-]+) -->", document)
    if sorted(places) != sorted(step.name for step in steps):
        raise ValueError(f"the document shows {places}, the walk has {[step.name for step in steps]}")
    for step in steps:
        begin = f"<!-- recorded: {step.name} -->"
        before, _, rest = document.partition(begin)
        document = f"{before}{begin}\n{render(step)}\n<!-- end -->{rest.partition('<!-- end -->')[2]}"
    return document


def _id() -> str:
    return str(uuid.uuid4())


async def _write() -> None:
    with tempfile.TemporaryDirectory() as folder:
        async with open_installation(Path(folder), edge=EDGE) as made:
            steps = await walk(made)
    DOCUMENT.write_text(with_steps(DOCUMENT.read_text(encoding="utf-8"), steps), encoding="utf-8")


if __name__ == "__main__":
    asyncio.run(_write())
