"""Settling as later work: closes windows at their cut-off and settles their merchants, a portion at a time.

In: work that is due. Out: commands. Invariant: a process that dies between two portions, or two that do the same one,
leave nothing undone and nothing done twice.
"""

from collections.abc import Sequence
from typing import Final

from keelpay_server.book.changes import Work
from keelpay_server.book.engine import Engine
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.ports import Page, Reader, Turnover
from keelpay_server.book.worker import Handler, Look
from keelpay_server.ledger.account import parse, window_range

from .settlement import lines_of
from .settlement_commands import AdvanceWindow, SettleMerchant
from .window import CLOSE, SETTLE, Window, WindowState, window_number
from .window_commands import CloseWindow

PORTION: Final = 500
"""Merchants settled between two looks at the window."""


class Settling:
    """The handlers of windows' work.

    Args:
        engine: The book.
        auto_payout: Pay out what each settlement makes available, at once.
        portion: Merchants a turn.
    """

    def __init__(self, engine: Engine, *, auto_payout: bool, portion: int = PORTION) -> None:
        self._engine, self._auto_payout, self._portion = engine, auto_payout, portion

    def handlers(self) -> dict[str, Handler]:
        """Returns the handlers by kind of work."""
        return {CLOSE: self.close, SETTLE: self.settle}

    async def close(self, tasks: list[Work], _look: Look) -> None:
        """Closes the windows whose cut-off is reached."""
        await self._engine.execute_many([CloseWindow(window=window_number(t.subject), due=True) for t in tasks])

    async def settle(self, tasks: list[Work], _look: Look) -> None:
        """Settles the next merchants of closed windows; each portion's commit makes the next one due."""
        for task in tasks:
            window = await self._engine.reader.get(Window, window_number(task.subject))
            if window is not None and window.state == WindowState.CLOSED:
                await self._settle(window)

    async def _settle(self, window: Window) -> None:
        async with self._engine.reader.consistent() as moment:
            commands, last = await self._commands(window, moment)
        outcomes = await self._engine.execute_many(commands)
        settled = 0
        while settled < len(outcomes) and outcomes[settled].refusal is None:
            settled += 1
        through = commands[settled - 1].account if settled else window.settled_through
        done = last and settled == len(commands)
        await self._engine.execute(
            AdvanceWindow(window=window.id, after=window.settled_through, through=through, count=settled, last=done)
        )

    async def _commands(self, window: Window, moment: Reader) -> tuple[Sequence[SettleMerchant], bool]:
        first, last = window_range(window.id)
        page = Page(self._portion)
        accounts = await moment.accounts(max(first, window.settled_through + 1), last, page)
        if not accounts:
            return (), True
        through = (await moment.book()).sequence
        turnovers: dict[int, list[Turnover]] = {row.id: [] for row in accounts}
        for turnover in await moment.turnovers(accounts[0].id, accounts[-1].id):
            turnovers[turnover.account].append(turnover)
        numbers = {parse(row.id).owner for row in accounts}
        found = await moment.find(Merchant, {"number": sorted(numbers)}, Page(self._portion))
        names = {merchant.number: merchant.id for merchant in found}
        commands = [
            SettleMerchant(
                account=row.id, merchant=names[parse(row.id).owner], through=through, pay_out=self._auto_payout,
                lines=lines_of(turnovers[row.id], row.pending_debits),
            )
            for row in accounts
        ]  # fmt: skip
        return commands, len(accounts) < self._portion
