"""Commands that stand in for the rooms above: they write a row, or a payment's event with its decision."""

from dataclasses import dataclass
from typing import Any

from keelpay_server.book.changes import Changes, Event
from keelpay_server.book.command import Command
from keelpay_server.risk.decision import Signals, assess, risk_needs
from keelpay_server.risk.review import open_review


@dataclass(frozen=True, slots=True, kw_only=True)
class PutRow(Command):
    row: Any

    def decide(self, world):
        return Changes(self.row)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pay(Command):
    """What gateway does with a payment as far as risk can tell."""

    signals: Signals

    def needs(self, need):
        risk_needs(need, self.signals)

    def decide(self, world):
        decision = assess(world, self.signals)
        event = Event(
            "payment.processing", "pay", decision.payment, 1, decision.merchant, {"decision": decision.facts()}
        )
        changes = Changes(decision, events=(event,))
        return changes if decision.review is None else changes.join(open_review(world, decision))
