"""A stage for decisions: real counters, a real world, a clock that the test moves. No database."""

from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.changes import Changes, Event
from keelpay_server.book.world import World
from keelpay_server.risk.counters import Counters
from keelpay_server.risk.decision import Decision, Outcome, assess
from keelpay_server.risk.label import Report
from keelpay_server.risk.list_entry import Listed, ListEntry, UpsertEntries
from keelpay_server.risk.listing import EntryKind, Strength, entry_id
from keelpay_server.risk.policy import RiskPolicy
from keelpay_server.risk.review import Review
from keelpay_server.risk.signals import Signals

KEY = b"a key of this installation"
POLICY = RiskPolicy(list_key=KEY)
OPERATOR = Caller(CallerKind.OPERATOR, "", "ops-1")
PARTNER = Caller(CallerKind.PARTNER, "acme", "acme")
BANK = Caller(CallerKind.BANK, "", "bank-1")
DAY_US = 86_400_000_000
HOUR_US = 3_600_000_000


def payment_key(number: int) -> bytes:
    """A key outside the control group."""
    return number.to_bytes(12, "big") + (999_999).to_bytes(4, "big")


def signals(**changes) -> Signals:
    """A small payment with the payer's own phone at the usual shop."""
    usual = {
        "payment": payment_key(1), "payer": "acme/ann", "merchant": "cafe", "amount": 450, "currency": "USD",
        "instrument": "card-1", "device": "phone-1", "address": "192.0.2.7",
    }  # fmt: skip
    return Signals(**(usual | changes))


class Stage:
    def __init__(self, policy: RiskPolicy = POLICY) -> None:
        self.now_us = 1_800_000_000_000_000
        self.counters = Counters(policy)
        self.world = self.next_batch()

    def next_batch(self) -> World:
        """A world in which every row that was ever stored may be asked for."""
        before = getattr(self, "world", None)
        self.world = World(1, self.counters.sequence, b"", self.now_us, self.now_us, 1, 7 + self.counters.sequence)
        self.world.counters = self.counters.view()
        self.world.caller = OPERATOR
        if before is not None:
            self.world.rows = before.rows
            self.world.asked = before.asked
        return self.world

    def commit(self, *events: Event, days: float = 0) -> None:
        """Counts events in a batch of their own, then lets time pass."""
        self.counters.fold(self.counters.sequence + len(events), self.now_us, events)
        self.now_us += int(days * DAY_US)
        self.next_batch()

    def apply(self, changes: Changes, days: float = 0) -> None:
        """Writes the rows of one command and counts its events."""
        for row in ([] if changes.row is None else [changes.row]) + list(changes.rows):
            self.world.rows.setdefault(type(row), {})[row[0]] = row
        self.commit(*changes.events, days=days)

    def knows(self, *keys: bytes | str) -> None:
        """Lets decisions ask for rows that may not exist."""
        for entity in (Decision, Report, Review, ListEntry):
            self.world.asked.setdefault(entity, set()).update(keys)

    def pay(self, days: float = 0, **changes) -> Decision:
        """Decides a payment and counts it."""
        decision = assess(self.world, signals(**changes))
        self.apply(Changes(decision, events=(told(decision),)), days=days)
        return decision

    def settle_in(self, times: int = 20, **changes) -> None:
        """Makes ann a well-known payer: small payments, all proven, over some weeks."""
        for number in range(times):
            decision = assess(self.world, signals(payment=payment_key(1000 + number), confirmed=True, **changes))
            assert decision.outcome == Outcome.APPROVE
            self.commit(told(decision), days=1.5)

    def list(self, kind: EntryKind, value: str, strength: Strength, **changes) -> str:
        """Lists a value."""
        entry = Listed(entry_id(KEY, kind, value), kind, strength, "a test", **changes)
        self.knows(entry.id)
        self.apply(UpsertEntries(entries=(entry,)).decide(self.world))
        return entry.id


def told(decision: Decision, data=None) -> Event:
    """The event by which a caller of `assess` tells the journal."""
    facts = decision.facts() if data is None else data
    return Event("payment.processing", "pay", decision.payment, 1, decision.merchant, {"decision": facts})
