"""Kill -9 between the commit and the answer: the client's retry of the same request id hears what was done, once."""

import asyncio
import contextlib
import sys
import time

import pytest

from keelpay import (
    AsyncClient,
    DeadlineError,
    Defaults,
    InterruptedCallError,
    NotFoundError,
    PaymentMethod,
    UnavailableError,
    credentials,
    new_request_id,
)
from keelpay.api.gateway.v1 import payment_request_pb2
from keelpay.enums import PaymentState
from keelpay.models.payment import Payment
from keelpay.signer import signing_request
from tests.faults.household import RICH_MINOR, cny, move_in, until
from tests.faults.mute_line import mute_line
from tests.faults.street import SHOP, open_street

pytestmark = [pytest.mark.faults, pytest.mark.slow]

ACME = "partners/acme"
CALL_S = 40.0
PRICE_MINOR = 1_250


class Shopper:
    """Pays by a line that may fall mute; `eyes` look by another one."""

    def __init__(self, hands, eyes, person):
        self.hands, self.eyes, self.person = hands, eyes, person

    def draft(self, method, *, confirm=False):
        return self.hands.payments.draft(amount=cny(PRICE_MINOR), method=method, confirm=confirm)

    async def by_mandate(self):
        """A payment in one call, that a mandate covers: its number, and the call, to be made twice."""
        draft = self.draft(PaymentMethod.mandate(self.person.mandate, payer=self.person.name), confirm=True)
        return draft.merchant_payment_id, lambda: self.hands.payments.create(draft, timeout_s=CALL_S)

    async def by_finger(self):
        """A payment that a finger confirms: the assertion is spent by the commit whose answer is lost."""
        draft = self.draft(PaymentMethod.balance(self.person.name))
        payment = await self.hands.payments.create(draft)
        confirmation = await self.hands.confirmations.start(self.person.name, payment=payment)
        request = payment_request_pb2.ConfirmPaymentRequest(
            name=payment.name, request_id=new_request_id(), confirmation=confirmation.name,
            assertion_json=self.person.signer(signing_request(confirmation, {})),
        )  # fmt: skip

        async def confirm():
            method = self.hands.payments._stub.ConfirmPayment
            answer = await self.hands._connection.unary(method, request, timeout_s=CALL_S)
            return Payment.of(answer.payment, replayed=answer.replayed)

        return draft.merchant_payment_id, confirm

    async def committed(self, number):
        """Whether the payment is on disk as paid."""
        with contextlib.suppress(NotFoundError):
            return (await self.eyes.payments.lookup(number)).state is PaymentState.CAPTURED
        return False

    async def balance(self):
        (held,) = await self.eyes.payers.balance(self.person.name)
        return held.available.amount_minor


async def insist(call):
    """Makes the same call until a server answers it."""
    deadline = time.monotonic() + CALL_S
    while True:
        try:
            return await call()
        except (UnavailableError, InterruptedCallError, DeadlineError):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)


@pytest.mark.parametrize("way", ["by_mandate", "by_finger"])
async def test_a_kill_between_commit_and_answer_of_a_balance_payment_pays_once(way, crash_seconds, tmp_path):
    async with open_street(tmp_path) as street, mute_line(street.servers[0].port) as line:
        eyes = street.client(ACME)
        caller = credentials.local(credentials.signed(street.keys[ACME], audience=street.audience))
        hands = AsyncClient(
            line.address, credentials=caller, defaults=Defaults(partner=ACME, merchant=SHOP, region="CN")
        )
        street.clients.append(hands)
        shopper = Shopper(hands, eyes, await move_in(eyes, "ann"))
        end, paid = time.monotonic() + crash_seconds / 2, 0
        while not paid or time.monotonic() < end:
            number, call = await getattr(shopper, way)()
            await hands.payers.get(shopper.person.name)  # connected, and with a token in hand
            line.fall_mute()
            calling = asyncio.create_task(insist(call))
            await until(lambda number=number: shopper.committed(number), "the commit")
            assert not calling.done()
            await street.servers[0].kill()
            line.mend()
            await street.servers[0].start()
            heard, again = await calling, await call()
            paid += 1
            assert (heard.replayed, again.replayed) == (True, True)
            assert heard.name == again.name
            assert heard.state is again.state is PaymentState.CAPTURED
            assert await shopper.balance() == RICH_MINOR - paid * PRICE_MINOR
        everything = [each async for each in eyes.payments.list(page_size=200)]
        assert len(everything) == paid
        findings = [each async for each in street.client("operators/ling").ledger.verify(full=True)]
        assert {each.invariant: each.ok for each in findings if each.complete} == dict.fromkeys(range(1, 9), True)
        sys.stdout.write(f"{street.servers[0].kills} kills after the commit, {paid} payments, 0 lost, 0 doubled\n")
