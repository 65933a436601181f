"""Decision: what risk control says of one payment, why, and from what: written once, never changed.

In: signals, and a world whose counters stand before the payment. Out: a Decision; its facts go into the event that
the caller writes, so that the counters can follow. Invariant: `assess` is pure; forced step-up is a floor, then hard
block, allow, block, and at last the score; a payment decided again is never decided milder than before.
"""

from typing import Any, Final, NamedTuple

from msgspec import json

from keelpay_server.book.channel import Channel
from keelpay_server.book.ids import text
from keelpay_server.book.need import Need
from keelpay_server.book.world import World

from .counters import View
from .factor import Factor
from .facts import Facts, to_data
from .features import Features, features, snapshot
from .listing import Match, Strength, address_digest, find_match
from .magnitude import magnitude
from .policy import DEFAULT, Outcome, RiskPolicy, is_control, outcome_of
from .scorer import Contribution, Score
from .signals import Signals

__all__ = ["Decision", "Outcome", "Signals", "assess", "risk_needs"]

KIND: Final = "dec"
REASONS_MAX: Final = 8
OPENS_REVIEW: Final = frozenset({Outcome.REVIEW, Outcome.BLOCK_AND_REVIEW})
_UNSCORED: Final = Score(0, 0, ())


class Decision(NamedTuple):
    """One decision.

    Attributes:
        id: Key.
        payment: Key of the payment; `subject_of` one that is not made here.
        external: The partner's own number of a payment that is not made here; else empty.
        merchant: The merchant to be paid.
        payer: Who pays, `<partner>/<own id>`.
        instrument: Id, digest or token of the instrument; empty if unknown.
        device: Id of the device; empty if unknown.
        payee: Who receives the money: the merchant, or the token given.
        address: Keyed digest of the address; empty if unknown.
        channel: Number of the contract's Channel.
        region: Where it happened.
        amount: Minor units.
        currency: Its code.
        outcome: An Outcome.
        reasons: JSON of (factor, thousandths of log odds, source), strongest first.
        score: 0..99; 0 when degraded.
        probability_ppm: Calibrated probability in millionths; 0 when degraded.
        rule_version: Policy, rules and lists in force.
        model_version: What scored; empty when degraded.
        degraded: The score was not waited for.
        first: The payment was not decided before, so it counts as an attempt.
        confirmed: The payer had confirmed it already.
        proves: By this decision the payment became its payer's own doing.
        proven: By this or an earlier one.
        review: Key of the review it opens, or None.
        features: What the score was made from, see `features.snapshot`; empty when degraded.
        create_time: Business clock.
    """

    id: bytes
    payment: bytes
    external: str
    merchant: str
    payer: str
    instrument: str
    device: str
    payee: str
    address: str
    channel: int
    region: str
    amount: int
    currency: str
    outcome: int
    reasons: str
    score: int
    probability_ppm: int
    rule_version: str
    model_version: str
    degraded: bool
    first: bool
    confirmed: bool
    proves: bool
    proven: bool
    review: bytes | None
    features: bytes
    create_time: int

    def facts(self) -> dict[str, Any]:
        """Returns what the caller's event carries as `data["decision"]`, in the commit that saves this row."""
        return to_data(facts_of(self), first=self.first, proven=self.proves)

    def proof(self) -> dict[str, Any]:
        """Returns what a later event carries as `data["decision"]` once a reviewer said yes.

        Only a proven payment makes its amount, payee and device usual for its payer.
        """
        return to_data(facts_of(self), first=False, proven=not self.proven)

    def contributions(self) -> list[Contribution]:
        """Returns the reasons with their values, for analysts; strongest first."""
        return contributions_of(self.reasons)


def contributions_of(reasons: str) -> list[Contribution]:
    """Reads the reasons of a decision, or of its review."""
    return [Contribution(milli, Factor(factor), source) for factor, milli, source in json.decode(reasons)]


def facts_of(decision: Decision) -> Facts:
    """Returns the facts of a decision, for events."""
    return Facts(
        decision.payer, decision.instrument, decision.device, decision.payee, decision.address,
        magnitude(decision.amount, decision.currency),
    )  # fmt: skip


def risk_needs(need: Need, signals: Signals) -> None:
    """Names what `assess` reads beside the counters: the decision before, if there was one."""
    if signals.previous is not None:
        need.row(Decision, signals.previous)


def assess(world: World, signals: Signals, *, forced_step_up: bool = False, degraded: bool = False) -> Decision:
    """Decides a payment.

    Args:
        world: Its counters stand before this payment; earlier commands of the batch are in them.
        signals: What is known.
        forced_step_up: Somebody who may ask for it wants the payer's passkey, whatever risk thinks.
        degraded: The time for a score ran out: lists, and a step-up above an amount, decide alone.
    """
    view = world.counters
    memory = view if isinstance(view, View) else View.empty(DEFAULT)
    policy, now_us = memory.policy, world.business_us
    facts = Facts(
        signals.payer, _instrument(signals.instrument), signals.device, signals.payee or signals.merchant,
        address_digest(policy.list_key, signals.address), magnitude(signals.amount, signals.currency),
    )  # fmt: skip
    before = world.get(Decision, signals.previous) if signals.previous is not None else None
    values = None if degraded else features(facts, memory, now_us, signals.consent)
    score = _UNSCORED if values is None else policy.scorer.score(values)
    match = find_match(memory, policy.list_key, signals, facts, now_us)
    outcome, added = _judge(policy, signals.payment, facts.amount, match, None if degraded else score)
    outcome, floor = _raise(outcome, before, match, forced=forced_step_up)
    if outcome is Outcome.STEP_UP and signals.confirmed:
        outcome = Outcome.APPROVE
    was_proven = before is not None and before.proven
    proves = outcome is Outcome.APPROVE and not was_proven and not _asks_anyway(signals)
    reasons = (*added, *floor, *score.contributions)[:REASONS_MAX]
    return Decision(
        id=world.new_id(), payment=signals.payment, external=signals.external, merchant=signals.merchant,
        payer=facts.payer, instrument=facts.instrument, device=facts.device, payee=facts.merchant,
        address=facts.address, channel=signals.channel, region=signals.region, amount=signals.amount,
        currency=signals.currency, outcome=int(outcome),
        reasons=json.encode([(factor, milli, source) for milli, factor, source in reasons]).decode(),
        score=score.value, probability_ppm=score.probability_ppm, rule_version=policy.version,
        model_version="" if degraded else policy.scorer.version, degraded=degraded, first=signals.previous is None,
        confirmed=signals.confirmed, proves=proves, proven=proves or was_proven,
        review=world.new_id() if outcome in OPENS_REVIEW else None, features=_stored(values), create_time=now_us,
    )  # fmt: skip


def _judge(
    policy: RiskPolicy, payment: bytes, amount: int, match: Match | None, score: Score | None
) -> tuple[Outcome, tuple[Contribution, ...]]:
    """What lists and score ask for, lists first; with the reasons that are not the score's own."""
    thresholds = policy.thresholds
    if match is not None:
        listed = (Contribution(_sign(match.strength), Factor.LIST, match.entry),)
        if match.strength is Strength.HARD_BLOCK:
            return Outcome.DECLINE, listed
        if match.strength is Strength.ALLOW:
            return Outcome.APPROVE, listed
        return Outcome.BLOCK_AND_REVIEW, listed
    if score is None:
        strict = amount >= thresholds.degraded_step_up
        return Outcome.STEP_UP if strict else Outcome.APPROVE, (Contribution(0, Factor.BUDGET, "degraded"),)
    outcome = outcome_of(score, amount, thresholds)
    if outcome >= Outcome.BLOCK_AND_REVIEW and is_control(payment, thresholds):
        return Outcome.STEP_UP, (Contribution(0, Factor.CONTROL_GROUP, "control_group"),)
    return outcome, ()


def _raise(
    outcome: Outcome, before: Decision | None, match: Match | None, *, forced: bool
) -> tuple[Outcome, tuple[Contribution, ...]]:
    """Keeps the floors: a step-up that is forced, and what the payment was told before unless a list allows it now."""
    allowed = match is not None and match.strength is Strength.ALLOW
    if before is not None and not allowed and before.outcome > outcome:
        return Outcome(before.outcome), (Contribution(0, Factor.RULE, "decided_before"),)
    if forced and outcome < Outcome.STEP_UP:
        return Outcome.STEP_UP, (Contribution(0, Factor.RULE, "step_up_forced"),)
    return outcome, ()


def _asks_anyway(signals: Signals) -> bool:
    """Tells whether the payer is still to be asked, whatever risk says: so that an approval proves nothing yet."""
    return signals.asked or (signals.channel == Channel.BALANCE and not (signals.confirmed or signals.mandate))


def _sign(strength: Strength) -> int:
    return -1 if strength is Strength.ALLOW else 1


def _stored(values: Features | None) -> bytes:
    return b"" if values is None else snapshot(values)


def _instrument(instrument: bytes | str) -> str:
    if isinstance(instrument, str):
        return instrument
    return text("ins", instrument) if instrument else ""
