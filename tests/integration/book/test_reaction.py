"""Laws of reactions: a higher room acts in the same commit, refuses the whole command, and fails alone with it."""

import pytest

from keelpay_server.book.changes import Changes, Event
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from tests.infrastructure.books import open_engine
from tests.integration.book.things import AVAILABLE, BALANCE, AnnounceThing, MakeThing, OpenAccounts, Thing, asked


class Bonus:
    """Makes a second thing, of the first one's name and paid for, or refuses."""

    def __init__(self):
        self.refuse = self.fail = False

    def needs(self, command, need):
        need.account(BALANCE)

    def decide(self, command, changes, world):
        if self.refuse:
            raise Refused(Reason.CONFLICT)
        if self.fail:
            raise ZeroDivisionError
        bonus = Thing(world.new_id(), f"bonus of {changes.row.name}", 0, True, None)
        event = Event("thing.made", "thg", bonus.id, 1, "cafe", {})
        return Changes(bonus, legs=((BALANCE, AVAILABLE, 5, 1),), events=(event,))


@pytest.fixture
def bonus():
    return Bonus()


@pytest.fixture
async def engine(database_url, bonus):
    async with open_engine(database_url, reactions={"thing.announced": (bonus,)}) as engine:
        await engine.execute(OpenAccounts(funds=12))
        yield engine


async def test_a_reaction_is_saved_with_its_command_and_the_command_answers(engine):
    outcome = await engine.execute(AnnounceThing(name="a"))
    assert outcome.row.name == "a"
    assert {thing.name for thing in await engine.reader.find(Thing, {})} == {"a", "bonus of a"}
    (row,) = await engine.reader.journal(1)
    assert (row.first, row.last) == (2, 3)


async def test_a_reaction_that_refuses_or_fails_undoes_its_command_alone(engine, bonus):
    for flag, reason in (("refuse", Reason.CONFLICT), ("fail", Reason.INTERNAL)):
        setattr(bonus, flag, True)
        outcomes = await engine.execute_many([MakeThing(), AnnounceThing(request=asked(1)), MakeThing()])
        assert [outcome.refusal and outcome.refusal.reason for outcome in outcomes] == [None, reason, None]
        setattr(bonus, flag, False)
    assert await engine.reader.count(Thing, {}) == 4


async def test_the_floor_holds_for_a_command_and_its_reaction_together(engine):
    outcomes = await engine.execute_many([AnnounceThing(amount=5), AnnounceThing(amount=0), MakeThing(amount=2)])
    reasons = [outcome.refusal and outcome.refusal.reason for outcome in outcomes]
    assert reasons == [None, Reason.INSUFFICIENT_FUNDS, None]
    assert await engine.reader.count(Thing, {}) == 3
