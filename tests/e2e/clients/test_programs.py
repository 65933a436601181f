import pytest

from keelpay import AsyncClient
from keelpay.api.rail.v1 import statement_pb2
from keelpay.api.sandbox.v1 import bank_control_pb2
from keelpay.credentials import anonymous, local
from keelpay_clients.simulation import Options, run_simulation
from keelpay_clients.story import run_story

STEPS = 13
PAYMENTS = 200


def lines_of(screen):
    return screen.export_text(clear=False).splitlines()


async def test_the_story_ends_with_proven_books(installation, screen):
    assert await run_story(installation, screen)
    lines = lines_of(screen)
    assert max(map(len, lines)) <= 80
    assert [line.split()[0] for line in lines if line[:3].strip().isdigit()] == [str(n + 1) for n in range(STEPS)]
    text = "\n".join(lines)
    for told in ("CAPTURED", "SETTLED", "APPROVED", "PAID", "on the statement", installation.target):
        assert told in text
    assert text.count("✓") == 8
    assert "✗" not in text


@pytest.mark.slow
async def test_two_hundred_payments_come_out_even_after_a_story_on_the_same_books(installation, screen):
    assert await run_story(installation, screen)
    report = await run_simulation(installation, Options(days=2, payments=PAYMENTS, merchants=8), screen)
    assert report.faults == []
    assert len(report.books.payments) == PAYMENTS
    assert report.success.ppm >= 950_000
    assert report.matched.numerator == report.matched.denominator > PAYMENTS
    assert report.on_time.numerator == report.on_time.denominator > 0
    assert report.played.other_ways > 0
    assert report.played.confirmations > report.played.step_ups > 0
    assert report.played.frauds == report.played.frauds_stopped == report.played.reviews == 1
    assert any(payment.under_mandate for payment in report.books.payments)
    assert any(refund.state == "SUCCEEDED" for refund in report.books.refunds)
    assert max(map(len, lines_of(screen))) <= 80
    assert "All green" in lines_of(screen)[-1]


async def test_money_that_nobody_can_explain_makes_a_bad_report(installation, banks, screen):
    wallet = AsyncClient(banks["sandbox-wallet"], credentials=local(anonymous()))
    async with wallet:
        await wallet.sandbox_bank.post_entry(
            bank_control_pb2.PostEntryRequest(
                kind=statement_pb2.STATEMENT_LINE_KIND_CHARGEBACK, amount_minor=777, currency_code="CNY"
            )
        )
    report = await run_simulation(installation, Options(days=1, payments=12, merchants=2), screen)
    assert not report.ok
    assert {fault.split()[0] for fault in report.faults} == {"unexplained", "at"}
    assert "2 things are wrong" in screen.export_text(clear=False)
