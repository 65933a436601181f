"""Tries a partner's bank from outside: every rule of keelpay.api.rail.v1 that can be seen over the wire.

In: an address and a few test instruments. Out: a report, one verdict a case. Invariant: nothing is known of the bank
but what it answers; a case that cannot be tried is SKIPPED with the reason, never passed.
"""

from .case import Verdict
from .grpc_subject import ConformanceOptions
from .report import ConformanceReport, render_report
from .suite import run

__all__ = ["ConformanceOptions", "ConformanceReport", "Verdict", "render_report", "run"]
