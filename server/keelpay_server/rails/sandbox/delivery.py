"""What a caller of the sandbox bank gets to hear: answers after faults and silences, the same over any transport.

In: requests. Out: the results that arrive; a key that is missing was not answered. Invariant: faults befall the way,
never the bank: what it decided stands, and a query without a fault tells it.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from keelpay_server.book.rail import OperationRequest, OperationResult

from .bank import SandboxBank
from .faults import Fate, FaultDice, FaultPlan, contradict
from .lane import BankLane

_OVERTAKEN_S: Final = 0.05


class Delivery:
    """The way to and from one bank.

    Args:
        lane: The bank's lane.
        plan: How often calls go wrong.
        sleep: Waits for seconds; a deterministic test gives its own.
    """

    def __init__(
        self,
        lane: BankLane,
        plan: FaultPlan | None = None,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self.lane = lane
        self.sleep = sleep
        self._dice = FaultDice(plan or FaultPlan())

    def set_plan(self, plan: FaultPlan) -> None:
        """Changes how often calls go wrong from now on.

        Raises:
            ValueError: The plan is outside its bounds.
        """
        self._dice = FaultDice(plan)

    async def operate(self, requests: Sequence[OperationRequest]) -> list[OperationResult]:
        """Carries out operations and returns what is heard of them; doubled ones twice."""
        fate = self._dice.next_fate()
        if fate is Fate.REQUEST_LOST:
            return []
        if fate is Fate.REORDERED:
            await self.sleep(_OVERTAKEN_S)
        answers = await self.lane.operate(requests)
        if fate is Fate.DOUBLED:
            answers += await self.lane.operate(requests)
        heard = [answer.result for answer in answers if not answer.silent]
        return await self._return(fate, heard)

    async def query(self, keys: Sequence[bytes]) -> list[OperationResult]:
        """Returns what is heard of operations; queries are lost and late too, and never contradict."""
        fate = self._dice.next_fate()
        if fate is Fate.REQUEST_LOST:
            return []
        heard = await self.lane.call(SandboxBank.query, keys)
        return await self._return(Fate.NONE if fate is Fate.CONTRADICTORY else fate, heard)

    async def _return(self, fate: Fate, heard: list[OperationResult]) -> list[OperationResult]:
        if fate is Fate.REPLY_LOST:
            return []
        if fate is Fate.REPLY_LATE:
            await self.sleep(self._dice.plan.late_s)
        elif fate is Fate.REORDERED:
            self._dice.shuffle(heard)
        elif fate is Fate.CONTRADICTORY:
            return [contradict(result) for result in heard]
        return heard
