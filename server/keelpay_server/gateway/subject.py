"""Subject: how a noun takes the results of what was asked of a rail for it.

In: an operation in its new state. Out: the noun's part of the same commit. Invariant: the noun decides what a result
means to it; whether a result counts at all is decided before (result.py).
"""

from typing import Protocol

from keelpay_server.book.changes import Changes
from keelpay_server.book.need import Need
from keelpay_server.book.rail import OperationResult
from keelpay_server.book.world import World

from .operation import Operation


class Subject(Protocol):
    """How a noun takes the results of its operations."""

    def needs(self, need: Need, operation: Operation) -> None:
        """Names what `settle` reads."""

    def settle(self, world: World, operation: Operation, result: OperationResult) -> Changes:
        """Returns the subject's part; the operation is already in its new state, and is saved by the caller unless
        it is among the rows.
        """

    def waiting(self, world: World, operation: Operation, result: OperationResult) -> Changes:
        """Returns the subject's part when the payer has to act at the bank first."""

    def late(self, world: World, operation: Operation, result: OperationResult) -> Changes:
        """Returns the subject's part when success is heard of an operation that had been given up."""

    def charged(self, world: World, operation: Operation) -> Changes:
        """Returns the subject's part when a bank tells later what it charges for an operation."""
