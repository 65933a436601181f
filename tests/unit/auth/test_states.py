"""The room's states are the contract's, every one can be reached, and every scope of a payer's token exists."""

import pytest

from keelpay.api.auth.v1 import (
    confirmation_pb2,
    mandate_pb2,
    partner_pb2,
    passkey_pb2,
    proposal_pb2,
    signing_key_pb2,
    token_pb2,
)
from keelpay_server.auth import client, client_key, confirmation, mandate, passkey, proposal
from keelpay_server.auth.payer_token import PURPOSES, SCOPES
from keelpay_server.auth.terms import ConfirmationMethod
from keelpay_server.auth.token import PayerPurpose
from keelpay_server.book.caller import CallerKind

STATES = [
    (confirmation.ConfirmationState, confirmation.TRANSITIONS, confirmation_pb2.Confirmation, {"PENDING"}),
    (passkey.PasskeyState, passkey.TRANSITIONS, passkey_pb2.Passkey, {"ACTIVE", "COOLING"}),
    (mandate.MandateState, mandate.TRANSITIONS, mandate_pb2.Mandate, {"ACTIVE"}),
    (proposal.ProposalState, proposal.TRANSITIONS, proposal_pb2.Proposal, {"PENDING"}),
    (client.ClientState, client.TRANSITIONS, partner_pb2.Partner, {"ACTIVE"}),
    (client_key.ClientKeyState, client_key.TRANSITIONS, signing_key_pb2.SigningKey, {"ACTIVE"}),
]
NAMES = [states.__name__ for states, *_ in STATES]


@pytest.mark.parametrize(("states", "transitions", "message", "first"), STATES, ids=NAMES)
def test_states_bear_the_contracts_numbers(states, transitions, message, first):
    contract = {name.removeprefix("STATE_"): number for name, number in message.State.items() if number}
    assert {state.name: int(state) for state in states} == contract


@pytest.mark.parametrize(("states", "transitions", "message", "first"), STATES, ids=NAMES)
def test_every_state_is_reached(states, transitions, message, first):
    assert set(transitions) == set(states)
    reached = {states[name] for name in first}
    for _ in states:
        reached |= {to for origin in reached for to in transitions[origin]}
    assert reached == set(states)


def test_methods_bear_the_contracts_numbers():
    contract = confirmation_pb2.ConfirmationMethod
    for method, number in confirmation.METHOD_NUMBERS.items():
        assert contract.Value(f"CONFIRMATION_METHOD_{method.name}") == number
    assert set(confirmation.METHOD_NUMBERS) == set(ConfirmationMethod)


def test_key_algorithms_bear_the_contracts_numbers():
    for number, algorithm in client_key.ALGORITHMS.items():
        assert signing_key_pb2.KeyAlgorithm.Name(number) == f"KEY_ALGORITHM_{algorithm.name}"


def test_purposes_bear_the_contracts_numbers():
    for number, purpose in PURPOSES.items():
        assert token_pb2.PayerTokenKind.Name(number) == f"PAYER_TOKEN_KIND_{purpose.name}"
    assert set(SCOPES) == set(PURPOSES.values()) == set(PayerPurpose)


def policies():
    from importlib import import_module

    from keelpay.api.type.v1 import policy_pb2

    for area, service in (
        ("auth", "partner"), ("auth", "passkey"), ("auth", "confirmation"), ("auth", "approval"),
        ("gateway", "payment"), ("gateway", "order"), ("gateway", "refund"), ("gateway", "payer"),
        ("gateway", "checkout"),
    ):  # fmt: skip
        module = import_module(f"keelpay.api.{area}.v1.{service}_service_pb2")
        for each in module.DESCRIPTOR.services_by_name.values():
            for method in each.methods:
                yield method.full_name, method.GetOptions().Extensions[policy_pb2.policy]


def test_every_scope_of_a_payers_token_opens_something_to_payers():
    opened = {row.scope for _, row in policies() if CallerKind.PAYER in row.callers}
    assert set().union(*SCOPES.values()) <= opened


def test_no_payer_token_creates_or_captures_a_payment():
    for name, row in policies():
        if name.rpartition(".")[2] in {"CreatePayment", "BatchCreatePayments", "CapturePayment", "CreateOrder"}:
            assert CallerKind.PAYER not in row.callers


def test_a_payment_token_reaches_no_passkey_no_mandate_and_no_balance():
    areas = {scope.partition(".")[0] for scope in SCOPES[PayerPurpose.PAY]}
    assert not areas & {"passkeys", "mandates", "balances", "instruments"}
