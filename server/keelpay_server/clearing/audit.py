"""The audit: proving a whole book against the ledger's invariants, as a port that storage implements.

In: nothing but the book itself. Out: progress, then one finding an invariant.
Invariant: everything an examination reads is of one moment of the database.
"""

from collections.abc import AsyncIterator
from typing import NamedTuple, Protocol

from keelpay_server.ledger.finding import Finding


class Progress(NamedTuple):
    """How far an examination has come."""

    checked: int
    """Events of the journal read so far."""
    total: int
    """Events there are."""


class Verdict(NamedTuple):
    """What an examination found."""

    findings: tuple[Finding, ...]
    """One an invariant, in their order."""
    sequence: int
    """The last event it takes in."""

    @property
    def ok(self) -> bool:
        """Nothing was found wrong."""
        return all(finding.ok for finding in self.findings)


class LedgerAudit(Protocol):
    """Examines one book."""

    def examine(self) -> AsyncIterator[Progress | Verdict]:
        """Yields progress now and then, and the verdict last."""
        ...
