"""The states of clearing's nouns: numbered as in the contract, every one reachable, every one able to end."""

from collections import deque

import pytest

from keelpay.api.clearing.v1 import break_pb2, payout_pb2, settlement_pb2, statement_pb2, window_pb2
from keelpay.api.rail.v1 import statement_pb2 as rail_pb2
from keelpay_server.book.rail import StatementLineKind
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.clearing import adjustment, disagreement, payout, window
from keelpay_server.clearing.acts import ACTS
from keelpay_server.clearing.adjustment import AdjustmentState, ProposeAdjustment
from keelpay_server.clearing.bank_statement import StatementFormat
from keelpay_server.clearing.break_commands import ProposeResolution
from keelpay_server.clearing.disagreement import BreakKind, BreakState, Resolution
from keelpay_server.clearing.payout import PayoutState
from keelpay_server.clearing.payout_commands import CreatePayout
from keelpay_server.clearing.settlement import LineKind
from keelpay_server.clearing.window import WindowState, window_key, window_number


@pytest.mark.parametrize(
    ("ours", "theirs", "prefix"),
    [
        (WindowState, window_pb2.Window.State, "STATE_"),
        (PayoutState, payout_pb2.Payout.State, "STATE_"),
        (BreakState, break_pb2.Break.State, "STATE_"),
        (BreakKind, break_pb2.BreakKind, "BREAK_KIND_"),
        (Resolution, break_pb2.BreakResolution, "BREAK_RESOLUTION_"),
        (LineKind, settlement_pb2.SettlementLineKind, "SETTLEMENT_LINE_KIND_"),
        (StatementFormat, statement_pb2.StatementFormat, "STATEMENT_FORMAT_"),
        (StatementLineKind, rail_pb2.StatementLineKind, "STATEMENT_LINE_KIND_"),
    ],
)
def test_numbers_are_those_of_the_contract(ours, theirs, prefix):
    told = {name.removeprefix(prefix): number for name, number in theirs.items() if number}
    assert {member.name: int(member) for member in ours} == told


@pytest.mark.parametrize(
    ("table", "first"),
    [
        (window.TRANSITIONS, WindowState.OPEN),
        (payout.TRANSITIONS, PayoutState.CREATED),
        (disagreement.TRANSITIONS, BreakState.OPEN),
        (adjustment.TRANSITIONS, AdjustmentState.PROPOSED),
    ],
)
def test_every_state_is_reached_and_can_end(table, first):
    def reach(start):
        seen, queue = {start}, deque([start])
        while queue:
            new = table[queue.popleft()] - seen
            seen |= new
            queue.extend(new)
        return seen

    assert reach(first) == set(table) == set(type(first))
    ends = {state for state, following in table.items() if not following}
    assert all(reach(state) & ends for state in table)


def test_a_step_outside_the_table_is_refused_with_both_states():
    row = window.Window(1, "c", "CNY", WindowState.SETTLED, 1, 1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0)
    with pytest.raises(Refused) as refused:
        window.move(row, WindowState.CLOSED, 1)
    assert refused.value.reason is Reason.ILLEGAL_TRANSITION
    assert refused.value.metadata == {"from": "SETTLED", "to": "CLOSED"}


@pytest.mark.parametrize("number", [1, 131_071])
def test_a_windows_key_tells_its_number(number):
    assert window_number(window_key(1_048_575, number)) == number


def test_every_act_that_waits_for_a_second_person_has_its_two_ends():
    proposing = {CreatePayout.emits, ProposeResolution.emits, ProposeAdjustment.emits}
    assert proposing == set(ACTS)
