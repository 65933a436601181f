"""Scorer: from features to a probability of fraud and what moved it. A trained model will stand behind the same port.

In: features. Out: calibrated probability, score 0..99, contributions in thousandths of log odds, strongest first.
Invariant: pure and versioned: the same version gives the same score to the same features for ever.
"""

from collections.abc import Sequence
from math import exp
from typing import Final, NamedTuple, Protocol

from .factor import Factor
from .features import Features

PPM: Final = 1_000_000
MILLI: Final = 1000
SCORES: Final = 100


class Contribution(NamedTuple):
    """What moved a score.

    Attributes:
        milli: By how much, in thousandths of log odds of fraud; above 0 raises the risk.
        factor: The group partners may see.
        source: Name of the rule, or of the feature of a model; for analysts.
    """

    milli: int
    factor: Factor
    source: str


class Score(NamedTuple):
    """One payment's risk.

    Attributes:
        value: 0 (least) to 99 (most): the whole percents of the probability.
        probability_ppm: Calibrated probability of fraud, in millionths.
        contributions: Strongest first.
    """

    value: int
    probability_ppm: int
    contributions: tuple[Contribution, ...]


class Scorer(Protocol):
    """Whatever scores: rules now, a champion model later."""

    @property
    def version(self) -> str:
        """Names what scores; kept with each decision."""

    def score(self, features: Features) -> Score:
        """Returns the risk of one payment."""


class Condition(NamedTuple):
    """A range of one feature: low ≤ value < high."""

    feature: str
    low: float = float("-inf")
    high: float = float("inf")


class Rule(NamedTuple):
    """Adds its weight where all its conditions hold.

    Attributes:
        name: For analysts.
        factor: For partners.
        milli: Thousandths of log odds.
        conditions: At least one.
    """

    name: str
    factor: Factor
    milli: int
    conditions: tuple[Condition, ...]


class RuleScorer:
    """Scores by a table of rules.

    Args:
        version: Names the table.
        base_milli: Log odds of fraud where no rule holds, in thousandths.
        rules: The table.
    """

    def __init__(self, version: str, base_milli: int, rules: Sequence[Rule]) -> None:
        self.version = version
        self._base = base_milli
        place = Features._fields.index
        # A table of first conditions, so that most rules cost one comparison.
        self._rules = tuple(
            (
                place(rule.conditions[0].feature),
                *rule.conditions[0][1:],
                tuple((place(name), low, high) for name, low, high in rule.conditions[1:]),
                Contribution(rule.milli, rule.factor, rule.name),
            )
            for rule in rules
        )

    def score(self, features: Features) -> Score:
        """Returns the risk of one payment."""
        total = self._base
        found = []
        for index, low, high, others, contribution in self._rules:
            if low <= features[index] < high:
                for other, other_low, other_high in others:
                    if not other_low <= features[other] < other_high:
                        break
                else:
                    total += contribution[0]
                    found.append(contribution)
        probability = 1 / (1 + exp(-total / MILLI))
        found.sort(key=_strength)
        return Score(min(int(probability * SCORES), SCORES - 1), round(probability * PPM), tuple(found))


def _strength(contribution: Contribution) -> int:
    return -abs(contribution[0])
