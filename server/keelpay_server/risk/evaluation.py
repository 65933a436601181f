"""Evaluation: deciding a payment that is made elsewhere, counted once for each number its merchant gave it.

In: the partner's facts. Out: a stored decision, and a review where it asks for one.
Invariant: the same number with the same facts has one decision for ever; with others it is refused.
"""

from dataclasses import dataclass
from hashlib import blake2b

from keelpay_server.book.changes import Changes, Event
from keelpay_server.book.command import Command
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import World

from .decision import KIND, Decision, assess
from .facts import DATA_KEY
from .label import latest
from .review import open_review
from .signals import Signals

SUBJECT_BYTES = 16


def subject_of(merchant: str, external: str) -> bytes:
    """Returns the key under which a payment made elsewhere is known: a digest of its merchant and its number there."""
    return blake2b(f"{merchant}\n{external}".encode(), digest_size=SUBJECT_BYTES).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class EvaluatePayment(Command):
    """Decides a payment made elsewhere.

    Attributes:
        signals: With `payment` = `subject_of` its merchant and number.
        budget_until_us: Wall clock: a batch that begins later decides without a score. 0 means never.
    """

    signals: Signals
    budget_until_us: int = 0

    def needs(self, need: Need) -> None:
        """The merchant, and what was decided under this number before."""
        need.row(Merchant, self.signals.merchant)
        need.all(Decision, "payment", self.signals.payment)

    def decide(self, world: World) -> Changes:
        """Decides it, or answers as before.

        Raises:
            Refused: RESOURCE_NOT_FOUND; MERCHANT_NUMBER_TAKEN where the number stands for another payment.
        """
        world.require(Merchant, self.signals.merchant)
        before = world.all(Decision, "payment", self.signals.payment)
        degraded = 0 < self.budget_until_us < world.wall_us
        decision = assess(world, self.signals, degraded=degraded)
        if before:
            known = latest(before)
            if _told(known) != _told(decision):
                raise Refused(Reason.MERCHANT_NUMBER_TAKEN)
            return Changes(known)
        data = {"outcome": decision.outcome, "external": decision.external, DATA_KEY: decision.facts()}
        event = Event("risk.decided", KIND, decision.id, 1, decision.merchant, data)
        changes = Changes(decision, events=(event,))
        return changes.join(open_review(world, decision)) if decision.review is not None else changes


def _told(decision: Decision) -> tuple[object, ...]:
    """What the partner said of the payment: the fields from `external` to `currency`."""
    return decision[2 : Decision._fields.index("outcome")]
