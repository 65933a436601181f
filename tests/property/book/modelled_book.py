"""An engine that a synchronous property test drives, on a copy of a book that was made once.

In: a template file, or a DSN. Out: answers in the model's words. Invariant: a restart keeps nothing but the database.
"""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack

from keelpay_server.book.changes import Outcome
from keelpay_server.book.engine import Engine
from tests.infrastructure.book_audit import audit, everything
from tests.infrastructure.books import open_engine
from tests.integration.book.things import AVAILABLE, BALANCE, OpenAccounts, Thing
from tests.property.book.model import Model, Spec

FUNDS = 100
NOTHING = 1 << 30


class ModelledBook:
    """One open book and its model."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.model = Model(FUNDS)
        self.keys: list[bytes] = []
        self.runner = asyncio.Runner()
        self.engine: Engine
        self.start()

    def start(self) -> None:
        """Opens the database."""
        self.stack = AsyncExitStack()
        self.engine = self.runner.run(self.stack.enter_async_context(open_engine(self.url)))

    def stop(self) -> None:
        """Closes it."""
        self.runner.run(self.stack.aclose())

    def close(self) -> None:
        """Ends the loop too."""
        self.stop()
        self.runner.close()

    def send(self, specs: Sequence[Spec]) -> None:
        """Sends one message and compares every answer with the model's.

        A message can only speak of things that were there before it: their ids are not known earlier.
        """
        specs = [self.known(spec) for spec in specs]
        commands = [self.model.command(spec, self.keys) for spec in specs]
        outcomes = self.runner.run(self.engine.execute_many(commands))
        for spec, outcome in zip(specs, outcomes, strict=True):
            expected = self.model.run(spec)
            if isinstance(expected, int) and expected == len(self.keys):
                assert isinstance(outcome.key, bytes)
                assert outcome.key not in self.keys
                self.keys.append(outcome.key)
            assert self._said(outcome) == expected, spec

    def known(self, spec: Spec) -> Spec:
        """The spec, naming no thing that is still to be made."""
        count = len(self.keys)
        thing, other = (at if at < count else NOTHING for at in (spec.thing, spec.other))
        return spec._replace(thing=thing, other=other)

    def check(self) -> None:
        """Compares the whole book with the model."""
        things = {thing.id: thing for thing in self.runner.run(everything(self.engine.reader, Thing))}
        assert sorted(things) == sorted(self.keys)
        for made in self.model.things:
            thing, note = things[self.keys[made.number]], made.note
            note = self.keys[note].hex() if isinstance(note, int) else "ff" * 16 if note == "nothing" else note
            assert (thing.name, thing.touches, thing.note) == (made.name, made.touches, note)
        balance = self.runner.run(self.engine.reader.account(BALANCE))
        available = self.runner.run(self.engine.reader.account(AVAILABLE))
        assert balance.credits - balance.debits == self.model.balance
        assert (balance.pending_debits, available.pending_credits) == (self.model.held, self.model.held)
        assert available.credits == self.model.available
        held = self.runner.run(audit(self.engine.reader))
        assert len(held.requests) == len(self.model.answers)

    def _said(self, outcome: Outcome) -> object:
        if outcome.refusal is not None:
            return outcome.refusal.reason.name
        return self.keys.index(outcome.key) if outcome.key else None


def make_template(url: str) -> None:
    """Creates a book with its accounts open."""

    async def create() -> None:
        async with open_engine(url) as engine:
            await engine.execute(OpenAccounts(funds=FUNDS))

    asyncio.run(create())
