"""The contract's terms messages have exactly the members that are hashed."""

import dataclasses

import pytest

from keelpay.api.auth.v1 import terms_pb2
from keelpay_server.auth.challenge import document
from keelpay_server.auth.terms import (
    ConfirmationMethod,
    MandateTerms,
    PasskeyAddTerms,
    PasskeyResumeTerms,
    PaymentTerms,
    RecoveryVetoTerms,
    Terms,
    WithdrawalTerms,
)

KINDS = (PaymentTerms, MandateTerms, WithdrawalTerms, PasskeyAddTerms, RecoveryVetoTerms, PasskeyResumeTerms)


def sample(kind: type[Terms]) -> Terms:
    values = {"int": 1, "str": "x", "ConfirmationMethod": ConfirmationMethod.SPC}
    return kind(**{field.name: values[field.type.__name__] for field in dataclasses.fields(kind)})


@pytest.mark.parametrize("kind", KINDS)
def test_a_message_has_the_members_that_are_hashed(kind: type[Terms]):
    message = getattr(terms_pb2, kind.__name__).DESCRIPTOR
    assert {field.json_name for field in message.fields} == set(document(sample(kind), bytes(32), 1))


def test_every_message_of_terms_can_be_hashed():
    assert set(terms_pb2.DESCRIPTOR.message_types_by_name) == {kind.__name__ for kind in KINDS}
