"""The numbers of the engine's enums are the contract's."""

import pytest

from keelpay.api.risk.v1 import decision_pb2, list_entry_pb2, review_pb2
from keelpay.api.type.v1 import risk_outcome_pb2
from keelpay_server.risk.factor import Factor
from keelpay_server.risk.label import Label
from keelpay_server.risk.listing import EntryKind, Strength
from keelpay_server.risk.policy import Outcome
from keelpay_server.risk.review import ReviewState, Verdict


@pytest.mark.parametrize(
    "mine, contract, prefix",
    [
        (Outcome, risk_outcome_pb2.RiskOutcome, "RISK_OUTCOME_"),
        (Factor, decision_pb2.Factor, "FACTOR_"),
        (Label, decision_pb2.Label, "LABEL_"),
        (EntryKind, list_entry_pb2.EntryKind, "ENTRY_KIND_"),
        (Strength, list_entry_pb2.Strength, "STRENGTH_"),
        (ReviewState, review_pb2.Review.State, "STATE_"),
        (Verdict, review_pb2.Verdict, "VERDICT_"),
    ],
)
def test_enums_have_the_numbers_of_the_contract(mine, contract, prefix):
    told = {name.removeprefix(prefix): number for name, number in contract.items() if number}
    assert {member.name: member.value for member in mine} == told
