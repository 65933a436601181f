"""Paying out as later work: settlements become payouts, reserved payouts are submitted.

In: work that is due. Out: commands. Invariant: as everywhere, a repeat finds the state changed and does nothing.
"""

from keelpay_server.book.changes import Work
from keelpay_server.book.engine import Engine
from keelpay_server.book.worker import Handler, Look

from .payout import SUBMIT
from .payout_commands import PayOutSettlement, SubmitPayout
from .settlement_commands import PAYOUT_WORK


class PayingOut:
    """The handlers of payouts' work.

    Args:
        engine: The book.
    """

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def handlers(self) -> dict[str, Handler]:
        """Returns the handlers by kind of work."""
        return {PAYOUT_WORK: self.pay_out, SUBMIT: self.submit}

    async def pay_out(self, tasks: list[Work], _look: Look) -> None:
        """Makes payouts of settlements."""
        await self._engine.execute_many([PayOutSettlement(settlement=task.subject) for task in tasks])

    async def submit(self, tasks: list[Work], _look: Look) -> None:
        """Submits reserved payouts."""
        await self._engine.execute_many([SubmitPayout(payout=task.subject) for task in tasks])
