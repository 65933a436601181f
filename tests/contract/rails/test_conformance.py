"""The suite passes the sandbox bank and sees every bug it has a case for."""

import time

import grpc
import pytest

from keelpay_server.rails.conformance import ConformanceOptions, Verdict, render_report, run
from keelpay_server.rails.conformance.case import CASES
from keelpay_server.rails.sandbox.behaviour import BankProfile, Behaviour
from keelpay_server.rails.sandbox.server import serve
from tests.contract.rails.faulty_bank import Bug, StatementBug, serve_faulty

# A bank decides `pending-success` after 2 s of its clock; a clock that runs faster spares the suite the wait.
HASTE = 5
QUICK = ConformanceOptions(silence_s=0.1, decide_s=1.0, settle_s_max=0.3)


def hasty_clock():
    begin = time.time_ns() // 1000
    return lambda: begin + (time.time_ns() // 1000 - begin) * HASTE


@pytest.mark.parametrize("behaviour", list(Behaviour))
async def test_the_sandbox_bank_conforms_whatever_kind_it_is(behaviour, tmp_path):
    profile = BankProfile(bank=f"sandbox-{behaviour.value}", behaviour=behaviour)
    options = QUICK._replace(decide_s=2.0)
    async with await serve("127.0.0.1", 0, profile=profile, path=tmp_path / "bank.sqlite", clock=hasty_clock()) as bank:
        report = await run(bank.address, options)
    assert report.passed, render_report(report)
    assert report.bank == profile.bank
    skipped = {row.detail for row in report.cases if row.verdict is Verdict.SKIPPED}
    assert skipped <= {"the bank declares no separate capture"}
    assert bool(skipped) is (behaviour is Behaviour.ACCOUNT)


@pytest.mark.parametrize("bug", [*Bug, *StatementBug])
async def test_the_suite_sees_the_bug(bug):
    number = bug.value if isinstance(bug, Bug) else 91
    async with serve_faulty(bug, hasty_clock()) as address:
        report = await run(address, QUICK, only={number})
    (row,) = report.cases
    assert row.verdict is Verdict.FAILED, render_report(report)
    assert row.detail


async def test_without_a_bug_the_same_bank_passes_every_case():
    async with serve_faulty(None, hasty_clock()) as address:
        report = await run(address, QUICK._replace(decide_s=2.0))
    assert report.passed, render_report(report)
    assert report.count(Verdict.SKIPPED) == 0


def test_every_case_but_the_first_two_has_a_bank_that_breaks_it():
    assert {bug.value for bug in Bug} == CASES.keys() - {1, 2}


async def test_a_bank_that_is_not_there_fails_every_case_and_does_not_hang():
    server = grpc.aio.server()
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    try:
        report = await run(f"127.0.0.1:{port}", QUICK)
    finally:
        await server.stop(0)
    assert not report.passed
    assert {row.verdict for row in report.cases} == {Verdict.FAILED}
    assert "UNIMPLEMENTED" in report.cases[0].detail


async def test_a_case_that_lacks_its_instrument_is_skipped_and_says_so():
    async with serve_faulty(None, hasty_clock()) as address:
        options = QUICK._replace(declined_instrument="", pending_instrument="", silent_instrument="")
        report = await run(address, options, only={8, 20, 23, 24})
    verdicts = {row.case.number: row.verdict for row in report.cases}
    assert {n for n, verdict in verdicts.items() if verdict is Verdict.SKIPPED} >= {8, 23, 24}
    assert verdicts[20] is not Verdict.FAILED


async def test_the_report_names_every_case_and_the_verdict():
    async with serve_faulty(Bug.OVER_CAPTURES, hasty_clock()) as address:
        text = render_report(await run(address, QUICK, only={1, 30}))
    assert "  1  passed   capabilities are complete" in text
    assert " 30  FAILED   a capture beyond the authorization is refused" in text
    assert "a capture of 1001 of 1000 was answered SUCCEEDED" in text
    assert "does NOT conform: 1 passed, 1 failed, 0 skipped" in text
