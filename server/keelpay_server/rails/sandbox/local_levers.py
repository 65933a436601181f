"""The levers of a sandbox bank in this process, as the sandbox service pulls them (`book.sandbox_bank.SandboxBank`).

In: orders, times, decisions. Out: what the bank shows. Invariant: every lever is one call of the bank.
"""

from keelpay_server.book.rail import OperationOutcome, OperationResult, StatementLineKind
from keelpay_server.book.sandbox_bank import SandboxEntry, SandboxOrder

from .bank import SandboxBank
from .lane import BankLane
from .orders import scenario_of_order


class LocalLevers:
    """Pulls the levers of one bank.

    Args:
        lane: The bank's lane.
    """

    def __init__(self, lane: BankLane) -> None:
        self._lane = lane

    async def advance_to(self, time_us: int) -> None:
        """See the port."""
        await self._lane.call(SandboxBank.advance_to, time_us)

    async def can(self, order: SandboxOrder) -> bool:
        """See the port."""
        return scenario_of_order(order) is not None

    async def order(self, order: SandboxOrder) -> None:
        """See the port."""
        self._lane.bank.orders.add(order)

    async def remaining(self) -> dict[bytes, int]:
        """See the port."""
        return self._lane.bank.orders.remaining()

    async def post(self, entry: SandboxEntry) -> bool:
        """See the port."""
        kind = StatementLineKind(entry.kind)
        await self._lane.call(
            SandboxBank.post_entry, kind, entry.amount, entry.currency, text=entry.text, entry_id=entry.id
        )
        return True

    async def reset(self) -> None:
        """See the port."""
        self._lane.bank.orders.clear()

    async def decide(self, key: bytes, outcome: OperationOutcome, code: str) -> OperationResult | None:
        """See the port."""
        return await self._lane.call(SandboxBank.decide, key, outcome, code)
