"""Every noun's states: the same numbers as the contract, reachable, able to end, and nothing but the table's steps."""

import re
from collections.abc import Callable, Mapping
from enum import IntEnum
from itertools import takewhile
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from keelpay.api.auth.v1 import confirmation_pb2, mandate_pb2, passkey_pb2, proposal_pb2, signing_key_pb2
from keelpay.api.clearing.v1 import break_pb2, payout_pb2, window_pb2
from keelpay.api.gateway.v1 import operation_pb2, order_pb2, payment_pb2, refund_pb2
from keelpay.api.risk.v1 import review_pb2
from keelpay_server.auth import client_key, confirmation, mandate, passkey, proposal
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.clearing import disagreement, payout, window
from keelpay_server.gateway import operation, order, payment, refund
from keelpay_server.risk import review

Table = Mapping[Any, frozenset[Any]]
PROTOS = Path(__file__).parents[3] / "protos"


class Machine(NamedTuple):
    states: type[IntEnum]
    table: Table
    wire: Any
    prefix: str
    starts: frozenset[IntEnum]


P, D, R = payment.PaymentState, order.OrderState, refund.RefundState
MACHINES = {
    "payment": Machine(P, payment.TRANSITIONS, payment_pb2.Payment.State, "STATE_",
                       frozenset({P.REQUIRES_PAYMENT_METHOD, P.REQUIRES_CONFIRMATION})),
    "order": Machine(D, order.TRANSITIONS, order_pb2.Order.State, "STATE_", frozenset({D.OPEN})),
    "refund": Machine(R, refund.TRANSITIONS, refund_pb2.Refund.State, "STATE_", frozenset({R.CREATED})),
    "operation": Machine(operation.OperationState, operation.TRANSITIONS, operation_pb2.OperationState,
                         "OPERATION_STATE_", frozenset({operation.OperationState.SUBMITTED})),
    "confirmation": Machine(confirmation.ConfirmationState, confirmation.TRANSITIONS,
                            confirmation_pb2.Confirmation.State, "STATE_",
                            frozenset({confirmation.ConfirmationState.PENDING})),
    "mandate": Machine(mandate.MandateState, mandate.TRANSITIONS, mandate_pb2.Mandate.State, "STATE_",
                       frozenset({mandate.MandateState.ACTIVE})),
    "passkey": Machine(passkey.PasskeyState, passkey.TRANSITIONS, passkey_pb2.Passkey.State, "STATE_",
                       frozenset({passkey.PasskeyState.ACTIVE, passkey.PasskeyState.COOLING})),
    "proposal": Machine(proposal.ProposalState, proposal.TRANSITIONS, proposal_pb2.Proposal.State, "STATE_",
                        frozenset({proposal.ProposalState.PENDING})),
    "signing key": Machine(client_key.ClientKeyState, client_key.TRANSITIONS,
                           signing_key_pb2.SigningKey.State, "STATE_",
                           frozenset({client_key.ClientKeyState.ACTIVE})),
    "window": Machine(window.WindowState, window.TRANSITIONS, window_pb2.Window.State, "STATE_",
                      frozenset({window.WindowState.OPEN})),
    "payout": Machine(payout.PayoutState, payout.TRANSITIONS, payout_pb2.Payout.State, "STATE_",
                      frozenset({payout.PayoutState.CREATED})),
    "break": Machine(disagreement.BreakState, disagreement.TRANSITIONS, break_pb2.Break.State, "STATE_",
                     frozenset({disagreement.BreakState.OPEN})),
    "review": Machine(review.ReviewState, review.TRANSITIONS, review_pb2.Review.State, "STATE_",
                      frozenset({review.ReviewState.OPEN})),
}  # fmt: skip
every = pytest.mark.parametrize("noun", MACHINES)


def _closure(table: Table, starts: frozenset[IntEnum]) -> set[IntEnum]:
    seen: set[IntEnum] = set()
    ahead = set(starts)
    while ahead:
        state = ahead.pop()
        seen.add(state)
        ahead |= set(table[state]) - seen
    return seen


@every
def test_numbers_are_those_of_the_contract(noun: str) -> None:
    machine = MACHINES[noun]
    wire = {name.removeprefix(machine.prefix): number for name, number in machine.wire.items() if number}
    assert wire == {state.name: int(state) for state in machine.states}


@every
def test_every_state_has_a_row_and_every_row_names_states(noun: str) -> None:
    machine = MACHINES[noun]
    assert set(machine.table) == set(machine.states)
    assert all(isinstance(state, machine.states) for row in machine.table.values() for state in row)


@every
def test_every_state_can_be_reached_from_a_beginning(noun: str) -> None:
    machine = MACHINES[noun]
    assert _closure(machine.table, machine.starts) == set(machine.states)


@every
def test_every_state_can_end(noun: str) -> None:
    machine = MACHINES[noun]
    ends = {state for state, row in machine.table.items() if not row}
    assert ends
    stuck = [state for state in machine.states if not _closure(machine.table, frozenset({state})) & ends]
    assert not stuck


def _comments(enum: Any) -> dict[str, str]:
    """What the contract says of each state of an enum, on one line, by the state's name."""
    lines = (PROTOS / enum.DESCRIPTOR.file.name).read_text(encoding="utf-8").splitlines()
    begin = next(at for at, line in enumerate(lines) if line.strip() == f"enum {enum.DESCRIPTOR.name} {{")
    comments, said = {}, []
    for line in takewhile(lambda line: line.strip() != "}", lines[begin + 1 :]):
        if value := re.fullmatch(r"\s*(\w+) = \d+;", line):
            comments[value[1]] = " ".join(said)
            said = []
        elif line.strip().startswith("//"):
            said.append(line.strip().removeprefix("// "))
    return comments


@every
def test_the_comments_of_the_contract_name_each_next_state_and_no_other(noun: str) -> None:
    machine = MACHINES[noun]
    comments = _comments(machine.wire)
    assert set(comments) == set(machine.wire.keys())
    for state in machine.states:
        comment = comments[f"{machine.prefix}{state.name}"]
        after = re.search(r"\bThen ([^.]*)\.", comment)
        told = set() if after is None else set(re.findall(r"\b[A-Z][A-Z_]{2,}\b", after[1]))
        assert told == {target.name for target in machine.table[state]}, f"{noun} {state.name}: {comment}"
        assert comment.endswith(" End.") == (not machine.table[state]), f"{noun} {state.name}: {comment}"


def test_a_payment_at_its_bank_never_expires() -> None:
    assert P.EXPIRED not in payment.TRANSITIONS[P.PROCESSING]


def _blank(entity: Any, **fields: Any) -> Any:
    hints: Mapping[str, Any] = entity.__annotations__
    plain = {int: 0, str: "", bytes: b"", bool: False}
    return entity(**{**{name: plain.get(hint) for name, hint in hints.items()}, **fields})


STEPS: dict[str, Callable[[IntEnum, IntEnum], object]] = {
    "payment": lambda a, b: payment.move(_blank(payment.Payment, state=a, history="[[1,0,0,0,0]]"), P(b), 1),
    "order": lambda a, b: order.move(_blank(order.Order, state=a), D(b), 1),
    "operation": lambda a, b: operation.resolve(_blank(operation.Operation, state=a), operation.OperationState(b), 1),
    "confirmation": lambda a, b: confirmation.move(
        _blank(confirmation.Confirmation, state=a), confirmation.ConfirmationState(b), 1
    ),
    "mandate": lambda a, b: mandate.move(_blank(mandate.Mandate, state=a), mandate.MandateState(b), 1),
    "passkey": lambda a, b: passkey.move(_blank(passkey.Passkey, state=a), passkey.PasskeyState(b), 1),
    "window": lambda a, b: window.move(_blank(window.Window, state=a), window.WindowState(b), 1),
}


@pytest.mark.parametrize("noun", STEPS)
def test_only_the_tables_steps_are_taken_and_a_refusal_names_both_ends(noun: str) -> None:
    machine, step = MACHINES[noun], STEPS[noun]
    for origin in machine.states:
        for target in machine.states:
            if target in machine.table[origin]:
                step(origin, target)
                continue
            with pytest.raises(Refused) as refused:
                step(origin, target)
            assert refused.value.reason is Reason.ILLEGAL_TRANSITION
            assert refused.value.metadata == {"from": origin.name, "to": target.name}
