"""SQLite and PostgreSQL are one product: the same commands give the same journal, byte for byte, rows and answers."""

import random

from keelpay_server.book.changes import BUSINESS, WALL, Work
from keelpay_server.book.ports import AccountRow
from keelpay_server.book.request import RequestRow
from keelpay_server.storage import loading
from tests.infrastructure.book_audit import audit, everything, legs
from tests.infrastructure.books import open_engine
from tests.infrastructure.clock import SettableClock
from tests.integration.book.things import (
    AnnounceThing,
    LinkThing,
    MakeThing,
    MoveMoney,
    OpenAccounts,
    RefuseThing,
    Thing,
    TopUp,
    TouchLinked,
    TouchThing,
    asked,
)

NAMES = ("a", "é", "支付", "x" * 300)


class Entropy:
    """Stands for `secrets`, from a seed."""

    def __init__(self, seed):
        self.randbits = random.Random(seed).getrandbits


def commands(draw, known, number, clock):
    """One message of any of the commands, about things that earlier messages made."""
    message = []
    for at in range(draw.choice((1, 1, 2, 5, 30))):
        request = asked(draw.randrange(number + at + 1), draw.choice((b"body", b"body", b"other")))
        thing = draw.choice(known) if known else b"\x01" * 16
        work = Work(draw.randbytes(16), "touch", b"", draw.choice((WALL, BUSINESS)), clock.now_us + 10**12)
        message.append(
            draw.choice(
                (
                    MakeThing(request=request, name=draw.choice(NAMES), amount=draw.randrange(60)),
                    MakeThing(work=work, broken=draw.random() < 0.1),
                    AnnounceThing(amount=1),
                    MakeThing(request=request, name=1 << 70),  # cannot be saved
                    TouchThing(thing=thing, request=request),
                    TouchThing(thing=thing),
                    RefuseThing(request=request, spend=draw.choice((None, thing))),
                    MoveMoney(post=draw.randrange(40), hold=draw.randrange(-5, 30)),
                    LinkThing(thing=thing, to=draw.choice(known) if known else thing),
                    TouchLinked(thing=thing),
                    TopUp(amount=draw.choice((1, 50, 1 << 62))),  # the last one is beyond every bound
                )
            )
        )
    return message


async def run(url, seed, monkeypatch):
    """Everything that can be seen of a book after a seeded run."""
    draw, clock = random.Random(seed), SettableClock()
    monkeypatch.setattr(loading, "secrets", Entropy(seed))
    answers, known = [], []
    async with open_engine(url, wall=clock) as engine:
        await engine.worker.close()
        await engine.execute(OpenAccounts(funds=900))
        for number in range(60):
            clock.leap(draw.randrange(-500, 5000))
            if draw.random() < 0.1:
                await engine.store.advance(draw.randrange(10**9))
            outcomes = await engine.execute_many(commands(draw, known, number, clock))
            known += [outcome.key for outcome in outcomes if type(outcome.row) is Thing]
            answers += [
                (outcome.row, outcome.key, outcome.replayed, outcome.refusal and outcome.refusal.reason,
                 outcome.refusal and outcome.refusal.message)
                for outcome in outcomes
            ]  # fmt: skip
        await audit(engine.reader)
        reader = engine.reader
        return {
            "answers": answers,
            "journal": await reader.journal(0, 10_000),
            "legs": await legs(reader),
            "book": await reader.book(),
            **{entity.__name__: await everything(reader, entity) for entity in (Thing, AccountRow, RequestRow, Work)},
        }


async def test_the_same_commands_give_the_same_book_on_both_databases(tmp_path, migrated_dsn, monkeypatch):
    one = await run(f"sqlite:///{tmp_path / 'book.sqlite'}", 7, monkeypatch)
    other = await run(migrated_dsn, 7, monkeypatch)
    for part, seen in one.items():
        assert seen == other[part], part
        assert repr(seen) == repr(other[part]), part  # 1 is no True here
    reasons = {answer[3].name for answer in one["answers"] if answer[3] is not None}
    assert reasons >= {"INTERNAL", "INSUFFICIENT_FUNDS", "IDEMPOTENCY_MISMATCH", "CONFIRMATION_REUSED"}
    assert any(answer[2] for answer in one["answers"])
