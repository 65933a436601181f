"""What a conformance run found, and how it reads.

In: verdicts. Out: a text for people. Pure. Invariant: a bank passes only if no case failed and at least one passed.
"""

from typing import NamedTuple

from .case import Case, Verdict


class CaseReport(NamedTuple):
    """What came of one case; `detail` says which rule broke, or why it was not tried."""

    case: Case
    verdict: Verdict
    detail: str
    elapsed_ms: int


class ConformanceReport(NamedTuple):
    """What came of a run."""

    address: str
    bank: str
    cases: tuple[CaseReport, ...]

    @property
    def passed(self) -> bool:
        """Whether the bank conforms, as far as it was tried."""
        return self.count(Verdict.FAILED) == 0 and self.count(Verdict.PASSED) > 0

    def count(self, verdict: Verdict) -> int:
        """Returns how many cases ended so."""
        return sum(row.verdict is verdict for row in self.cases)


def render_report(report: ConformanceReport) -> str:
    """Returns the report as text, one line a case."""
    lines = [f"bank {report.bank or '?'} at {report.address}"]
    for row in report.cases:
        line = f"{row.case.number:>3}  {row.verdict.value:<8} {row.case.name}  ({row.elapsed_ms} ms)"
        lines.append(f"{line}\n     {row.detail}" if row.detail else line)
    counts = ", ".join(f"{report.count(verdict)} {verdict.value.lower()}" for verdict in Verdict)
    lines.append(f"{'conforms' if report.passed else 'does NOT conform'}: {counts}")
    return "\n".join(lines) + "\n"
