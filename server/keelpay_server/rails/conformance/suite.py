"""Runs the conformance cases against one bank.

In: an address. Out: a report. Invariant: a case that breaks in a way nobody foresaw is FAILED, and the rest still runs.
"""

import time
from collections.abc import Collection

import grpc

from . import amount_cases, batch_cases, key_cases, silence_cases
from .case import CASES, BrokenRuleError, Case, NotTriedError, Verdict
from .grpc_subject import ConformanceOptions, Subject, connect
from .report import CaseReport, ConformanceReport

CASE_MODULES = (key_cases, silence_cases, amount_cases, batch_cases)


async def run(
    address: str, options: ConformanceOptions | None = None, *, only: Collection[int] = ()
) -> ConformanceReport:
    """Tries a bank.

    Args:
        address: HOST:PORT of its RailService.
        options: Its test instruments; the sandbox bank's where none are given.
        only: Numbers of the cases to run; all of them where empty.
    """
    subject = connect(address, options or ConformanceOptions())
    chosen = [CASES[number] for number in sorted(CASES) if not only or number in only]
    try:
        try:
            await subject.learn()
        except grpc.RpcError as error:
            detail = f"GetCapabilities was not answered: {error}"
            return ConformanceReport(address, "", tuple(CaseReport(c, Verdict.FAILED, detail, 0) for c in chosen))
        reports = [await _try(case, subject) for case in chosen]
        return ConformanceReport(address, subject.capabilities.bank, tuple(reports))
    finally:
        await subject.close()


async def _try(case: Case, subject: Subject) -> CaseReport:
    begin_s = time.monotonic()
    verdict, detail = Verdict.PASSED, ""
    try:
        await case.function(subject)
    except NotTriedError as reason:
        verdict, detail = Verdict.SKIPPED, str(reason)
    except BrokenRuleError as broken:
        verdict, detail = Verdict.FAILED, str(broken)
    except grpc.aio.AioRpcError as error:
        verdict, detail = Verdict.FAILED, f"a call ended with status {error.code().name}: {error.details()}"
    except Exception as error:  # a bank can answer in ways that no case foresees; that is a finding, not an end
        verdict, detail = Verdict.FAILED, f"{type(error).__name__}: {error}"
    return CaseReport(case, verdict, detail, round((time.monotonic() - begin_s) * 1000))
