"""Lost requests, lost replies and late replies of a real bank, one for each kind of operation: each is done once.

In: a bank process whose line is made bad while one operation of every kind is asked for. Out: after the line is mended
nobody helps, and the bank's book and ours tell the same story.
"""

import asyncio
import contextlib
import sqlite3
import sys
import time

import pytest
from google.protobuf.duration_pb2 import Duration

from keelpay import AsyncClient, CaptureMethod, PaymentMethod, credentials, new_request_id
from keelpay.api.gateway.v1 import payer_request_pb2
from keelpay.api.sandbox.v1 import bank_control_pb2
from keelpay.enums import OperationState, PaymentState, RefundState
from keelpay.models.payer import Transfer
from keelpay.payment_draft import to_raw_money
from keelpay.signer import signing_request
from tests.faults.household import cny, move_in, until
from tests.faults.street import LOOPBACK, open_street

pytestmark = [pytest.mark.faults, pytest.mark.slow]

AUTHORIZE, CAPTURE, VOID, REFUND, PAY = range(1, 6)
SUCCEEDED, ALWAYS = 1, 1000
BAD_S = 1.5
"""How long the line is bad: by then everything was sent, and nothing of it came back in order."""
FAULTS = {
    "request lost": bank_control_pb2.Faults(request_lost_permille=ALWAYS),
    "reply lost": bank_control_pb2.Faults(reply_lost_permille=ALWAYS),
    "reply late": bank_control_pb2.Faults(reply_late_permille=ALWAYS, late=Duration(seconds=2)),
}


class Asker:
    """Asks a bank for one operation of every kind, with request ids of its own, so that all of it can be repeated."""

    def __init__(self, acme, person):
        self.acme, self.person = acme, person
        self.ids = {kind: new_request_id() for kind in (CAPTURE, VOID, REFUND, PAY)}

    def draft(self, amount_minor, **more):
        method = PaymentMethod.wallet(payer=self.person.name, instrument=self.person.wallet)
        return self.acme.payments.draft(amount=cny(amount_minor), method=method, confirm=True, **more)

    async def prepare(self, number):
        """Payments to be captured, called off and refunded, a withdrawal that is signed, and one to be made."""
        base = 10_000 + number * 10
        self.new = self.draft(base)
        later = CaptureMethod.MANUAL
        made = [
            await self.acme.payments.create(draft)
            for draft in (self.draft(base + 1, capture_method=later), self.draft(base + 2, capture_method=later),
                          self.draft(base + 3))
        ]  # fmt: skip
        self.held, self.unwanted, self.paid = made

        async def ready():
            now = [await self.acme.payments.get(each) for each in made]
            return [each.state for each in now] == [PaymentState.AUTHORIZED] * 2 + [PaymentState.CAPTURED]

        await until(ready, "the payments")
        amount = cny(base + 4)
        asked = await self.acme.confirmations.start_withdrawal(
            self.person.name, amount=amount, instrument=self.person.wallet
        )
        self.withdrawal = payer_request_pb2.WithdrawRequest(
            parent=self.person.name, request_id=self.ids[PAY], amount=to_raw_money(amount),
            instrument=self.person.wallet, confirmation=asked.name,
            assertion_json=self.person.signer(signing_request(asked, {})),
        )  # fmt: skip

    async def ask(self):
        """Asks for everything at once; asked again it changes nothing and tells how it stands."""

        async def withdraw():
            answer = await self.acme._connection.unary(self.acme.payers._stub.Withdraw, self.withdrawal)
            return Transfer.of(answer.transfer, replayed=answer.replayed)

        return await asyncio.gather(
            self.acme.payments.create(self.new),
            self.acme.payments.capture(self.held, request_id=self.ids[CAPTURE]),
            self.acme.payments.cancel(self.unwanted, request_id=self.ids[VOID]),
            self.acme.refunds.create(self.paid, request_id=self.ids[REFUND]),
            withdraw(),
        )

    async def done(self):
        """Whether everything has come to its good end."""
        good = (
            PaymentState.CAPTURED, PaymentState.CAPTURED, PaymentState.CANCELLED, RefundState.SUCCEEDED,
            OperationState.SUCCEEDED,
        )  # fmt: skip
        told = await self.ask()
        assert all(each.replayed for each in told)
        return tuple(each.state for each in told) == good


def in_banks_book(file, base):
    """What a bank carried out for amounts of one round: (kind, amount), smallest first."""
    with contextlib.closing(sqlite3.connect(file)) as book:
        rows = book.execute(
            "select kind, amount_minor from operation where outcome = ? and kind in (?, ?, ?) and amount_minor between"
            " ? and ? order by kind, amount_minor", (SUCCEEDED, AUTHORIZE, REFUND, PAY, base, base + 9),
        )  # fmt: skip
        return rows.fetchall()


@pytest.mark.parametrize("fault", FAULTS)
async def test_each_kind_of_operation_is_done_once_over_a_bad_line(fault, crash_seconds, tmp_path):
    async with open_street(tmp_path) as street:
        acme, ling = street.client("partners/acme"), street.client("operators/ling")
        levers = AsyncClient(f"{LOOPBACK}:{street.bank.port}", credentials=credentials.local(credentials.anonymous()))
        street.clients.append(levers)
        person = await move_in(acme, "ann")
        end, rounds = time.monotonic() + crash_seconds / 2, 0
        while not rounds or time.monotonic() < end:
            asker = Asker(acme, person)
            await asker.prepare(rounds)
            await levers.sandbox_bank.set_faults(FAULTS[fault])
            asking = asyncio.create_task(asker.ask())
            await asyncio.sleep(BAD_S)
            await levers.sandbox_bank.set_faults()
            assert not any(each.replayed for each in await asking)
            await until(asker.done, f"the end of everything that was asked for with a {fault}")
            rounds += 1
        findings = [each async for each in ling.ledger.verify(full=True)]
        assert {each.invariant: each.ok for each in findings if each.complete} == dict.fromkeys(range(1, 9), True)
        asked = [each async for each in acme.payments.list(page_size=200)]
        assert len(asked) == 4 * rounds
        await street.bank.kill()
        for number in range(rounds):
            base = 10_000 + number * 10
            charged = [(AUTHORIZE, base + at) for at in range(4)]
            assert in_banks_book(street.bank_file, base) == [*charged, (REFUND, base + 3), (PAY, base + 4)]
        sys.stdout.write(f"{rounds} rounds of five operations, each with a {fault}: 0 lost, 0 doubled\n")
