"""The score of a table of rules."""

import pytest

from keelpay_server.risk.factor import Factor
from keelpay_server.risk.features import Features
from keelpay_server.risk.policy import Outcome, Thresholds, outcome_of
from keelpay_server.risk.rules import BASE_MILLI, RULES_1, TABLE
from keelpay_server.risk.scorer import Condition, Contribution, Rule, RuleScorer, Score

NOTHING = Features._make([0.0] * len(Features._fields))


def test_where_no_rule_holds_the_base_rate_stands():
    score = RuleScorer("x", -6200, ()).score(NOTHING)
    assert score == Score(0, 2025, ())


def test_a_rule_holds_only_where_all_its_conditions_do():
    rule = Rule("both", Factor.AMOUNT_UNUSUAL, 1000, (Condition("amount", 10, 20), Condition("hour", 3)))
    scorer = RuleScorer("x", 0, (rule,))
    for amount, hour, holds in ((10, 3, True), (20, 3, False), (9.9, 3, False), (10, 2, False)):
        assert bool(scorer.score(NOTHING._replace(amount=amount, hour=hour)).contributions) is holds


def test_contributions_come_strongest_first_and_sum_to_the_score():
    rules = [Rule(str(milli), Factor.RULE, milli, (Condition("amount", 0),)) for milli in (100, -900, 500)]
    found = RuleScorer("x", 0, rules).score(NOTHING).contributions
    assert [entry.milli for entry in found] == [-900, 500, 100]


def test_a_score_stays_between_0_and_99():
    for milli in (-50_000, 50_000):
        score = RuleScorer("x", milli, ()).score(NOTHING)
        assert 0 <= score.value <= 99
        assert 0 <= score.probability_ppm <= 1_000_000


def test_the_table_is_well_formed():
    names = [rule.name for rule in TABLE]
    assert len(set(names)) == len(names)
    assert all(rule.conditions and rule.milli for rule in TABLE)
    assert {condition.feature for rule in TABLE for condition in rule.conditions} <= set(Features._fields)
    assert RULES_1.version == "rules-1"
    assert BASE_MILLI < 0


@pytest.mark.parametrize(
    "ppm, amount, outcome",
    [
        (0, 10**17, Outcome.APPROVE),
        (2_000, 99_999, Outcome.APPROVE),
        (2_000, 100_000, Outcome.STEP_UP),
        (79_999, 1, Outcome.APPROVE),
        (80_000, 1, Outcome.STEP_UP),
        (600_000, 199_999, Outcome.STEP_UP),
        (600_000, 200_000, Outcome.REVIEW),
        (850_000, 1, Outcome.BLOCK_AND_REVIEW),
        (985_000, 1, Outcome.DECLINE),
    ],
)
def test_each_threshold_begins_where_it_says(ppm, amount, outcome):
    known = Contribution(100, Factor.DEVICE_HISTORY, "device_of_fraud")
    assert outcome_of(Score(0, ppm, (known,)), amount, Thresholds()) is outcome


@pytest.mark.parametrize("amount, outcome", [(60_000, Outcome.STEP_UP), (500_000, Outcome.REVIEW)])
def test_something_new_alone_never_blocks(amount, outcome):
    new = Contribution(9000, Factor.DEVICE_NEW, "device_new")
    assert outcome_of(Score(99, 999_000, (new,)), amount, Thresholds()) is outcome
