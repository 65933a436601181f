"""Risk as the naive server does it: counters read as rows, the product's own features, rules and policy, rows written.

In: a session inside a transaction, a payment's facts. Out: the Decision, and the counters to write back.
Invariant: the figures are those of the product: the same features, scorer, thresholds and decay. Lists are left out,
since the town has none: the engine finds that out in memory, and a query for it would only slow the reference down.
"""

from collections.abc import Iterator
from typing import Any, Final

from msgspec import json, msgpack
from sqlalchemy import select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from bench.naive_tables import CounterRow
from keelpay_server.book.ids import text
from keelpay_server.risk import counter as counters
from keelpay_server.risk.counter import EMPTY, Counter
from keelpay_server.risk.decision import REASONS_MAX, Decision, Outcome
from keelpay_server.risk.facts import Facts
from keelpay_server.risk.features import DEVICE, PAYEE, PAYER, features, snapshot
from keelpay_server.risk.magnitude import magnitude
from keelpay_server.risk.policy import DEFAULT, outcome_of
from keelpay_server.risk.signals import Signals

USES, OWNERS = "uses", "owners"
OWNERS_MAX: Final = 4
Key = tuple[str, str]


class Memory:
    """The counters of one payment's parties (implements `features.Memory`)."""

    def __init__(self, rows: dict[Key, Any]) -> None:
        self._rows = rows

    @classmethod
    async def load(cls, session: AsyncSession, book: int, facts: Facts) -> "Memory":
        """Reads and locks the rows, in the order of their keys, so that no two payments wait for each other."""
        column = CounterRow.__table__.c
        query = (
            select(column.kind, column.key, column.body)
            .where(column.book_id == book, tuple_(column.kind, column.key).in_(sorted(_keys(facts))))
            .order_by(column.kind, column.key)
            .with_for_update()
        )
        rows = (await session.execute(query)).all()
        return cls({(kind, key): _read(kind, body) for kind, key, body in rows})

    def counter(self, kind: str, key: str) -> Counter:
        """Returns the counter of an entity, EMPTY if it was never seen."""
        return self._rows.get((kind, key), EMPTY)  # type: ignore[no-any-return]

    def uses(self, payer: str, kind: str, key: str) -> int:
        """Returns how many proven payments of the payer went to this payee, or came from this device."""
        return self._rows.get((USES, f"{payer} {kind} {key}"), 0)  # type: ignore[no-any-return]

    def owners(self, device: str) -> tuple[str, ...]:
        """Returns the payers who have proven payments from a device, the first few."""
        return tuple(self._rows.get((OWNERS, device), ()))

    def counted(self, facts: Facts, now_us: int, *, proven: bool) -> list[dict[str, Any]]:
        """Returns the rows to write once a payment was decided."""
        after: dict[Key, bytes] = {}
        for kind, key in _parties(facts):
            counter = counters.count(self.counter(kind, key), now_us, facts.amount, attempt=True, proven=proven)
            after[kind, key] = counters.pack(counter)
        if proven:
            for kind, key in ((PAYEE, facts.merchant), (DEVICE, facts.device)):
                if key:
                    used = self.uses(facts.payer, kind, key) + 1
                    after[USES, f"{facts.payer} {kind} {key}"] = msgpack.encode(used)
            known = self.owners(facts.device)
            if facts.device and facts.payer not in known and len(known) < OWNERS_MAX:
                after[OWNERS, facts.device] = msgpack.encode((*known, facts.payer))
        return [{"kind": kind, "key": key, "body": after[kind, key]} for kind, key in sorted(after)]


def facts_of(signals: Signals) -> Facts:
    """Returns who takes part and how much; without a key of the installation, addresses are not kept."""
    token = signals.instrument
    instrument = token if isinstance(token, str) else text("ins", token)
    size = magnitude(signals.amount, signals.currency)
    return Facts(signals.payer, instrument, signals.device, signals.merchant, "", size)


def decide(key: bytes, signals: Signals, facts: Facts, memory: Memory, now_us: int) -> Decision:
    """Scores a payment and says what becomes of it."""
    values = features(facts, memory, now_us)
    score = DEFAULT.scorer.score(values)
    outcome = outcome_of(score, facts.amount, DEFAULT.thresholds)
    approved = outcome is Outcome.APPROVE
    reasons = [(factor, milli, source) for milli, factor, source in score.contributions[:REASONS_MAX]]
    return Decision(
        id=key, payment=signals.payment, external="", merchant=signals.merchant, payer=facts.payer,
        instrument=facts.instrument, device=facts.device, payee=facts.merchant, address=facts.address,
        channel=signals.channel, region=signals.region, amount=signals.amount, currency=signals.currency,
        outcome=int(outcome), reasons=json.encode(reasons).decode(), score=score.value,
        probability_ppm=score.probability_ppm, rule_version=DEFAULT.version, model_version=DEFAULT.scorer.version,
        degraded=False, first=True, confirmed=False, proves=approved, proven=approved, review=None,
        features=snapshot(values), create_time=now_us,
    )  # fmt: skip


def _parties(facts: Facts) -> Iterator[Key]:
    for kind, key in ((PAYER, facts.payer), ("instrument", facts.instrument), (DEVICE, facts.device),
                      (PAYEE, facts.merchant)):  # fmt: skip
        if key:
            yield kind, key


def _keys(facts: Facts) -> list[Key]:
    keys = [*_parties(facts), (USES, f"{facts.payer} {PAYEE} {facts.merchant}")]
    if facts.device:
        keys += [(USES, f"{facts.payer} {DEVICE} {facts.device}"), (OWNERS, facts.device)]
    return keys


def _read(kind: str, body: bytes) -> Any:
    return msgpack.decode(body) if kind in {USES, OWNERS} else counters.unpack(body)
