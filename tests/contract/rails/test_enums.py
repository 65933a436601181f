"""The port's numbers are the contract's numbers."""

import pytest

from keelpay.api.rail.v1 import notification_pb2, operation_pb2, rail_service_pb2, statement_pb2
from keelpay.api.type.v1 import channel_pb2, policy_pb2
from keelpay_server.book.channel import Channel
from keelpay_server.book.rail import ChallengeKind, OperationKind, OperationOutcome, StatementLineKind
from keelpay_server.rails.sandbox.behaviour import BEHAVIOURS, Behaviour
from keelpay_server.rails.sandbox.magic import SCENARIOS

ZERO = {"UNSPECIFIED", "NONE", "UNKNOWN"}


@pytest.mark.parametrize(
    "ours,theirs,prefix",
    [
        (OperationKind, operation_pb2.OperationKind, "OPERATION_KIND_"),
        (OperationOutcome, operation_pb2.Outcome, "OUTCOME_"),
        (ChallengeKind, operation_pb2.ChallengeKind, "CHALLENGE_KIND_"),
        (StatementLineKind, statement_pb2.StatementLineKind, "STATEMENT_LINE_KIND_"),
        (Channel, channel_pb2.Channel, "CHANNEL_"),
    ],
)
def test_members_and_numbers_equal_those_of_the_contract(ours, theirs, prefix):
    mine = {member.name: member.value for member in ours if member.value}
    contract = {name.removeprefix(prefix): number for name, number in theirs.items() if number}
    assert mine == contract
    assert {member.name for member in ours if not member.value} <= ZERO


def test_every_scenario_gives_codes_that_the_contract_knows():
    names = {name.removeprefix("RESULT_CODE_") for name in operation_pb2.ResultCode.keys()}  # noqa: SIM118 - an enum
    codes = {code for row in SCENARIOS.values() for code in (row.code, row.later_code) if code}
    assert codes <= names


def test_each_behaviour_names_the_channel_it_brings():
    names = {behaviour: channel_pb2.Channel.Name(row.channel) for behaviour, row in BEHAVIOURS.items()}
    assert names == {
        Behaviour.CARD: "CHANNEL_CARD",
        Behaviour.ACCOUNT: "CHANNEL_BANK",
        Behaviour.WALLET: "CHANNEL_WALLET",
    }


def test_every_rpc_of_the_rails_has_a_policy_and_only_asking_ones_are_read_only():
    read_only = set()
    for service in ("RailService", "RailNotificationService"):
        file = rail_service_pb2 if service == "RailService" else notification_pb2
        for method in file.DESCRIPTOR.services_by_name[service].methods:
            policy = method.GetOptions().Extensions[policy_pb2.policy]
            assert policy.scope.startswith("rail.")
            assert policy.callers
            assert policy.deadline_ms > 0
            if policy.read_only:
                read_only.add(method.name)
    assert read_only == {"GetCapabilities", "Query", "BatchQuery", "StreamStatement"}
