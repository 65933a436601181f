"""Whole processes killed under load: what was acknowledged exists once, and nobody is charged twice."""

import asyncio
import contextlib
import sys
import time

import pytest

from keelpay import KeelpayError, Money, PaymentDraft, PaymentMethod
from keelpay.enums import PaymentState
from tests.faults.street import SHOP, open_street

pytestmark = [pytest.mark.faults, pytest.mark.slow]

WORKERS = 6
UNREST_S = (0.3, 1.0)
PATIENCE_S = 60.0
TRY_S = 4.0
BANK_S = 0.3
"""By then the bank has taken the money; its answer comes later, or never."""
PASSING = {"", "STORAGE_UNAVAILABLE", "DRAINING", "OVERLOADED", "CONFLICT"}
"""Reasons of errors after which the same request is sent again."""
UNDER_WAY = {PaymentState.PROCESSING, PaymentState.REQUIRES_CONFIRMATION}
SILENT = ("--reply-lost", 1000)
MISBEHAVING = ("--reply-lost", 40, "--reply-late", 60, "--doubled", 40, "--late", 0.3, "--seed", 7)


class Journal:
    """What a shop has written down: each draft before it was sent, and the name once it was told."""

    def __init__(self):
        self.drafts = []
        self.told = {}
        self.tries = 0

    def write(self, draft):
        """Keeps a draft as text, as an app that may be killed does."""
        self.drafts.append(draft.to_json())
        return PaymentDraft.from_json(self.drafts[-1])


async def insist(journal, client, draft):
    """Sends a draft until there is an answer."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        journal.tries += 1
        try:
            payment = await client.payments.create(draft, timeout_s=TRY_S)
        except KeelpayError as error:
            if error.reason not in PASSING or time.monotonic() > deadline:
                raise
            await asyncio.sleep(0.1)
        else:
            before = journal.told.setdefault(draft.request_id, payment.name)
            assert before == payment.name, "one request, two payments"
            return payment


async def shopping(journal, client, worker, stop):
    """Pays again and again, amounts that are all different."""
    number = 0
    while not stop.is_set():
        number += 1
        amount = Money(1_000 + number * WORKERS + worker, "CNY")
        draft = journal.write(client.payments.draft(amount=amount, method=PaymentMethod.wallet(), confirm=True))
        await insist(journal, client, draft)


async def unrest(street, dice, seconds):
    """Kills somebody, again and again, and starts them anew."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        await asyncio.sleep(dice.uniform(*UNREST_S))
        victim = dice.choice([*street.servers, *street.servers, street.bank])
        await victim.kill()
        await victim.start()


async def come_to_rest(client, names):
    """Waits until no payment is on its way to the bank; nobody but the servers does anything."""
    deadline = time.monotonic() + PATIENCE_S
    while True:
        with contextlib.suppress(KeelpayError):
            found = {each.name: each async for each in client.payments.list(merchant=SHOP, page_size=200)}
            open_ones = [each.name for each in found.values() if each.state in UNDER_WAY]
            if not open_ones and names <= found.keys():
                return found
            assert time.monotonic() < deadline, f"{len(open_ones)} payments never came to rest: {open_ones[:3]}"
        assert time.monotonic() < deadline
        await asyncio.sleep(0.3)


async def at_the_bank(client, draft):
    """Whether the payment is committed as sent to the bank, and no answer recorded."""
    with contextlib.suppress(KeelpayError):
        return (await client.payments.lookup(draft.merchant_payment_id)).state is PaymentState.PROCESSING
    return False


async def prove(street, journal):
    """Everything that must hold after any fault."""
    acme = street.client("partners/acme")
    payments = await come_to_rest(acme, set(journal.told.values()))
    for text in journal.drafts:  # every retry gives the one answer
        draft = PaymentDraft.from_json(text)
        again = await insist(journal, acme, draft)
        assert again.replayed or draft.request_id in journal.told
    payments = await come_to_rest(acme, set(journal.told.values()))
    numbers = [each.merchant_payment_id for each in payments.values()]
    assert len(numbers) == len(set(numbers)) == len(journal.drafts)
    assert set(payments) == set(journal.told.values())
    taken = sorted(each.amount_captured.amount_minor for each in payments.values() if each.amount_captured.amount_minor)
    ling = street.client("operators/ling")
    findings = [each async for each in ling.ledger.verify(full=True)]
    assert {each.invariant: each.ok for each in findings if each.complete} == dict.fromkeys(range(1, 9), True)
    assert taken == await street.charges(), "the bank's book and ours tell different stories"
    return payments


@pytest.mark.parametrize("servers", [1, 2])
async def test_whatever_is_killed_under_load_no_payment_is_lost_or_doubled(
    servers, crash_seconds, crash_dice, tmp_path, request
):
    database = request.getfixturevalue("migrated_dsn") if servers > 1 else ""
    async with open_street(tmp_path, database, servers=servers, faults=MISBEHAVING) as street:
        journal, stop = Journal(), asyncio.Event()
        acme = street.client("partners/acme")
        crowd = [asyncio.create_task(shopping(journal, acme, worker, stop)) for worker in range(WORKERS)]
        await unrest(street, crash_dice, crash_seconds)
        stop.set()
        await asyncio.gather(*crowd)
        payments = await prove(street, journal)
        kills = sum(each.kills for each in (*street.servers, street.bank))
        assert kills > 0
        captured = sum(each.state is PaymentState.CAPTURED for each in payments.values())
        assert captured > 0
        figures = f"{kills} kills, {len(journal.drafts)} payments, {captured} captured, {journal.tries} tries, 0 lost"
        sys.stdout.write(f"{figures}\n")


@pytest.mark.parametrize("victim", ["server", "bank", "both"])
async def test_a_kill_between_the_banks_answer_and_its_recording_charges_once(victim, tmp_path):
    async with open_street(tmp_path, faults=SILENT) as street:
        journal, acme = Journal(), street.client("partners/acme")
        amount = Money(4_200, "CNY")
        draft = journal.write(acme.payments.draft(amount=amount, method=PaymentMethod.wallet(), confirm=True))
        asking = asyncio.create_task(insist(journal, acme, draft))
        # The commit is done and its answer is not: the caller waits for a bank that has taken the money and is silent.
        deadline = time.monotonic() + PATIENCE_S
        while not await at_the_bank(acme, draft):
            assert time.monotonic() < deadline
            await asyncio.sleep(0.01)
        await asyncio.sleep(BANK_S)
        if victim != "bank":
            await street.servers[0].kill()
        if victim != "server":
            await street.bank.kill()
            street.bank.arguments = street.bank.arguments[: -len(SILENT)]
            await street.bank.start()
        if victim != "bank":
            await street.servers[0].start()
        await asking
        if victim == "server":  # the bank finds its voice again
            await street.bank.kill()
            street.bank.arguments = street.bank.arguments[: -len(SILENT)]
            await street.bank.start()
        (payment,) = (await prove(street, journal)).values()
        assert payment.amount_captured == amount
