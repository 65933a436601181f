"""Whatever befalls the way to the bank, a caller that queries before it repeats ends with exactly one charge."""

from hypothesis import given, settings
from hypothesis import strategies as st

from keelpay_server.book.rail import OperationKind, OperationOutcome, OperationRequest
from keelpay_server.rails.sandbox.bank import SandboxBank
from keelpay_server.rails.sandbox.behaviour import BankProfile
from keelpay_server.rails.sandbox.delivery import Delivery
from keelpay_server.rails.sandbox.faults import FaultDice, FaultPlan
from keelpay_server.rails.sandbox.lane import BankLane
from keelpay_server.rails.sandbox.local_rail import LocalRail
from keelpay_server.rails.sandbox.magic import instrument_of
from keelpay_server.rails.sandbox.store import BankStore

NOON_US = 1_772_337_600_000_000
STORIES = ("ordinary", "timeout", "request-lost", "contradiction", "pending-success", "late-decline", "do-not-honor")
FINAL = {OperationOutcome.SUCCEEDED, OperationOutcome.DECLINED}
plans = st.builds(
    FaultPlan,
    seed=st.integers(0, 2**32),
    request_lost=st.integers(0, 150),
    reply_lost=st.integers(0, 150),
    reply_late=st.integers(0, 150),
    doubled=st.integers(0, 150),
    reordered=st.integers(0, 150),
    contradictory=st.integers(0, 150),
    late_s=st.integers(0, 600),
)


class World:
    """A bank and its clock, which only moves when somebody waits."""

    def __init__(self, plan):
        self.now_us = NOON_US
        self.bank = SandboxBank(BankProfile(), BankStore(), lambda: self.now_us)
        self.rail = LocalRail(Delivery(BankLane(self.bank), plan, self.sleep), lambda: self.now_us)

    async def sleep(self, seconds):
        self.now_us += round(seconds * 1_000_000)

    async def pursue(self, operations):
        """Asks, believes only queries, repeats with the same key what was never found."""
        last: dict[bytes, OperationOutcome] = {}
        todo = {operation.key: operation for operation in operations}
        for _ in range(200):
            async for group in self.rail.authorize_many(list(todo.values())):
                assert {result.key for result in group} == set(todo)
            for _ in range(3):
                await self.sleep(20)
                for result in await self.rail.query_many(list(todo)):
                    if result.outcome in FINAL:
                        last[result.key] = result.outcome
            todo = {key: operation for key, operation in todo.items() if key not in last}
            if not todo:
                return last
        raise AssertionError("some operations were never decided")


@settings(max_examples=60, deadline=None)
@given(plan=plans, stories=st.lists(st.sampled_from(STORIES), min_size=1, max_size=8))
async def test_every_payment_is_charged_once_or_not_at_all_and_the_statement_says_the_same(plan, stories):
    world = World(plan)
    operations = [
        OperationRequest(
            n.to_bytes(16, "big"), OperationKind.AUTHORIZE, 1000, "CNY", instrument_of(story), capture=True
        )
        for n, story in enumerate(stories, start=1)
    ]
    day = world.bank.business_date
    last = await world.pursue(operations)
    charged = sorted(key for key, outcome in last.items() if outcome is OperationOutcome.SUCCEEDED)
    world.bank.advance(days=1)
    lines = []
    while day < world.bank.business_date and charged:
        lines += world.bank.statement(day, "CNY").lines
        day = day.fromordinal(day.toordinal() + 1)
    assert sorted(line.reference for line in lines) == charged
    for operation, story in zip(operations, stories, strict=True):
        declines = story in {"late-decline", "do-not-honor"}
        assert (last[operation.key] is OperationOutcome.DECLINED) is declines
    world.bank.close()


@given(plan=plans, calls=st.integers(1, 50))
def test_the_same_seed_gives_the_same_fates(plan, calls):
    first, second = FaultDice(plan), FaultDice(plan)
    assert [first.next_fate() for _ in range(calls)] == [second.next_fate() for _ in range(calls)]
