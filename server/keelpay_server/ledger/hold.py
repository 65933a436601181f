"""A hold: a pending leg that can be captured several times and released.

In: amounts. Out: the hold after the step, and the pending moves between two steps. A hold is no row of its own: it is
columns of the operation or refund that placed it. Invariant: 0 <= captured + released <= amount; while anything rests,
exactly the rest is pending on both accounts.
"""

from typing import NamedTuple

from keelpay_server.ledger.leg import Pending, pending


class HoldError(ValueError):
    """A capture or release asks for more than the rest of the hold. Callers answer it with a reason of their own."""


class Hold(NamedTuple):
    """What is reserved between two accounts, in minor units."""

    debit: int
    credit: int
    amount: int
    captured: int = 0
    released: int = 0

    @property
    def rest(self) -> int:
        """What is still pending: neither captured nor released."""
        return self.amount - self.captured - self.released

    def capture(self, amount: int, *, final: bool = False) -> "Hold":
        """The hold after a capture; a final one releases the rest.

        Args:
            amount: minor units, 1..rest.
            final: nothing will be captured after this.

        Raises:
            HoldError: the amount is not in 1..rest.
        """
        if not 0 < amount <= self.rest:
            raise HoldError(f"{amount} cannot be captured, {self.rest} is held")
        freed = self.rest - amount if final else 0
        return self._replace(captured=self.captured + amount, released=self.released + freed)

    def release(self, amount: int | None = None) -> "Hold":
        """The hold after giving back a part, or all that rests.

        Args:
            amount: minor units, 1..rest; None for the rest.

        Raises:
            HoldError: the amount is not in 1..rest.
        """
        freed = self.rest if amount is None else amount
        if not 0 < freed <= self.rest:
            raise HoldError(f"{freed} cannot be released, {self.rest} is held")
        return self._replace(released=self.released + freed)

    def placed(self) -> tuple[Pending, ...]:
        """The pending move that places the hold."""
        return (pending(self.debit, self.credit, self.amount),)

    def freed(self, after: "Hold") -> tuple[Pending, ...]:
        """The pending moves that a step from this hold to `after` frees."""
        step = self.rest - after.rest
        return (pending(self.debit, self.credit, -step),) if step else ()
