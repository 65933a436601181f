"""RiskPolicy: what decisions ask besides the counters: thresholds, the scorer, the key of the lists.

In: settings, frozen at the start. Out: an outcome for a probability and an amount.
Invariant: whole numbers decide, so that every process comes to the same outcome.
"""

from enum import IntEnum
from typing import Final, NamedTuple

from .factor import Factor
from .rules import RULES_1
from .scorer import PPM, Score, Scorer


class Outcome(IntEnum):
    """What risk control asks for, in order of severity; numbers as in the contract."""

    APPROVE = 1
    STEP_UP = 2
    REVIEW = 3
    BLOCK_AND_REVIEW = 4
    DECLINE = 5


class Thresholds(NamedTuple):
    """Where one outcome ends and the next begins.

    Attributes:
        loss_step_up: Expected loss (probability x amount, in the unit of `magnitude`) from which a challenge costs
            less than letting the payment pass.
        step_up_ppm: Probability from which even a small payment is challenged.
        review_ppm: Probability from which a person looks at it, if the amount is worth the work.
        review_amount: That amount, in the unit of `magnitude`.
        block_ppm: Probability from which it is blocked and a person looks at what stands behind.
        decline_ppm: Probability from which it is refused outright.
        degraded_step_up: Amount from which a payment is challenged where the score could not be waited for.
        control_ppm: Share of would-be blocks that is challenged instead, so that models keep learning from them.
    """

    loss_step_up: int = 200
    step_up_ppm: int = 80_000
    review_ppm: int = 600_000
    review_amount: int = 200_000
    block_ppm: int = 850_000
    decline_ppm: int = 985_000
    degraded_step_up: int = 5_000
    control_ppm: int = 10_000


class RiskPolicy(NamedTuple):
    """The policy in force.

    Attributes:
        list_key: Key of the installation's hashes of listed values and addresses. Without one (empty), addresses are
            not kept and lists cannot match.
        scorer: What scores.
        thresholds: Where outcomes begin.
        version: Names rules, lists and thresholds together; kept with each decision.
    """

    list_key: bytes = b""
    scorer: Scorer = RULES_1
    thresholds: Thresholds = Thresholds()
    version: str = "policy-1"


DEFAULT: Final = RiskPolicy()
EVIDENCE: Final = frozenset(
    {
        Factor.PAYER_VELOCITY, Factor.PAYER_HISTORY, Factor.INSTRUMENT_VELOCITY, Factor.INSTRUMENT_HISTORY,
        Factor.PAYEE_HISTORY, Factor.DEVICE_HISTORY, Factor.ADDRESS,
    }
)  # fmt: skip
"""What speaks of fraud itself. The other factors speak of something new, which the payer's passkey can clear up."""


def outcome_of(score: Score, amount: int, thresholds: Thresholds) -> Outcome:
    """Returns what a score asks for. Something new alone never blocks: it is challenged, or seen by a person.

    Args:
        score: Of the payment.
        amount: In the unit of `magnitude`.
        thresholds: In force.
    """
    ppm = score.probability_ppm
    if ppm >= thresholds.block_ppm and not any(found.milli > 0 and found.factor in EVIDENCE for found in score[2]):
        ppm = thresholds.block_ppm - 1
    if ppm >= thresholds.decline_ppm:
        return Outcome.DECLINE
    if ppm >= thresholds.block_ppm:
        return Outcome.BLOCK_AND_REVIEW
    if ppm >= thresholds.review_ppm and amount >= thresholds.review_amount:
        return Outcome.REVIEW
    if ppm >= thresholds.step_up_ppm or ppm * amount >= thresholds.loss_step_up * PPM:
        return Outcome.STEP_UP
    return Outcome.APPROVE


def is_control(payment: bytes, thresholds: Thresholds) -> bool:
    """Tells whether a payment belongs to the control group: drawn by its id, so the same payment always does."""
    return int.from_bytes(payment[-4:], "big") % PPM < thresholds.control_ppm
