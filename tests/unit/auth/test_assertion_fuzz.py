"""Assertions made to confuse: whatever is sent, the answer is a refusal and never another exception."""

import hashlib
import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from keelpay_server.auth.assertion import verify_assertion
from keelpay_server.auth.assertion_failure import AssertionRefused

from .ceremonies import DISPLAYED, ORIGIN, Ceremony, client_bytes, edited, resigned, sign_raw

_PAYER = Ceremony()
_SIGNED = _PAYER.sign()
_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=12,
)
_members = st.sampled_from(["clientDataJSON", "authenticatorData", "signature", "userHandle"])


@given(st.text(max_size=200) | _json.map(json.dumps))
def test_any_text_is_refused_and_nothing_else_happens(text: str):
    with pytest.raises(AssertionRefused):
        verify_assertion(text, _PAYER.expected())


@given(_members, st.binary(max_size=300) | _json)
def test_any_member_of_the_response_may_be_anything(member: str, value: object):
    credential = edited(_SIGNED, **{member: "removed" if value is None else value})
    try:
        verified = _PAYER.verify(credential)
    except AssertionRefused:
        return
    assert verified.origin == ORIGIN  # only a member equal to the genuine one gets here


@given(st.dictionaries(st.sampled_from(["type", "challenge", "origin", "crossOrigin", "topOrigin", "payment"]), _json))
@settings(max_examples=200)
def test_any_client_data_that_is_signed_may_say_anything(members: dict[str, object]):
    for payment in (None, DISPLAYED):
        try:
            verified = _PAYER.verify(resigned(_PAYER, _SIGNED, **members), payment=payment)
        except AssertionRefused:
            continue
        assert verified.origin == ORIGIN


@given(st.binary(min_size=37, max_size=120))
def test_any_authenticator_data_that_is_signed_may_be_anything(data: bytes):
    signature = sign_raw(_PAYER, data + hashlib.sha256(client_bytes(_SIGNED)).digest())
    with pytest.raises(AssertionRefused):
        _PAYER.verify(edited(_SIGNED, authenticatorData=data, signature=signature))
