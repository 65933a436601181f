"""Laws of a request's identity: who, what, where, which; and what is remembered of it comes back as it was."""

from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelpay.api.gateway.v1.payment_request_pb2 import CancelPaymentRequest
from keelpay_server.book.call import Call
from keelpay_server.book.caller import Caller, CallerKind
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.request import identify, key_bytes, recall, remember, request_of

PARTS = ("partner:acme", "/Payments/Create", "merchants/cafe", b"\x01" * 16, b"body")


def test_the_same_request_has_the_same_identity():
    assert request_of(*PARTS) == request_of(*PARTS)


OTHERS = [(0, "partner:evil"), (1, "/Payments/Confirm"), (2, "merchants/bar"), (3, b"\x02" * 16)]


@pytest.mark.parametrize("at, other", OTHERS)
def test_another_caller_method_parent_or_id_is_another_request(at, other):
    changed = (*PARTS[:at], other, *PARTS[at + 1 :])
    assert request_of(*changed).key != request_of(*PARTS).key


def test_another_body_is_the_same_request_with_another_hash():
    other = request_of(*PARTS[:4], b"another body")
    assert other.key == request_of(*PARTS).key
    assert other.body_hash != request_of(*PARTS).body_hash


def test_keys_made_in_time_order_sort_in_time_order():
    keys = [request_of(*PARTS[:3], number.to_bytes(16, "big"), b"").key for number in range(300)]
    assert keys == sorted(keys)


def test_the_identity_of_a_call_is_made_of_its_caller_and_its_message():
    class Message:
        request_id = "018f0000-0000-7000-8000-000000000001"

        @staticmethod
        def SerializeToString(*, deterministic=False):
            assert deterministic
            return b"body"

    call = Call("r", Caller(CallerKind.PARTNER, "acme", "acme"), "/Payments/Create", 0)
    expected = request_of("partner:acme", "/Payments/Create", "merchants/cafe", UUID(Message.request_id).bytes, b"body")
    assert identify(call, Message(), "merchants/cafe") == expected


def test_a_request_id_in_another_case_is_the_same_request_and_the_same_body():
    call = Call("r", Caller(CallerKind.PARTNER, "acme", "acme"), "/Payments/Cancel", 0)
    lower = "018f0000-abcd-7000-8000-00000000cafe"
    name = "merchants/cafe/payments/pay-00000000000000000000000000"
    asked = [CancelPaymentRequest(name=name, request_id=text) for text in (lower, lower.upper(), lower.title())]
    assert len({identify(call, message, name) for message in asked}) == 1
    other = CancelPaymentRequest(name=name, request_id=lower.upper(), cancel_reason="Lower")
    same_key = identify(call, other, name)
    assert same_key.key == identify(call, asked[0], name).key
    assert same_key.body_hash != identify(call, asked[0], name).body_hash


@given(st.text(), st.dictionaries(st.text(), st.text(), max_size=5))
def test_a_remembered_refusal_is_told_again_word_for_word(message, metadata):
    refusal = Refused(Reason.CONFIRMATION_REUSED, message)
    refusal.metadata.update(metadata)
    request = request_of(*PARTS)
    again = recall(remember(request, b"", refusal, 5), request)
    assert (again.reason, again.message, again.metadata) == (refusal.reason, refusal.message, metadata)
    assert again.replayed


def test_what_was_done_is_remembered_by_its_key_alone():
    request = request_of(*PARTS)
    row = remember(request, "cafe", None, 5)
    assert (row.entity, row.reason, row.detail, row.create_time) == (b"cafe", "", "", 5)
    assert recall(row, request) is None
    assert recall(row, request._replace(body_hash=b"another")).reason is Reason.IDEMPOTENCY_MISMATCH


@pytest.mark.parametrize("key, kept", [(b"\x01\x02", b"\x01\x02"), ("café", "café".encode()), (7, b"\0" * 7 + b"\x07")])
def test_keys_are_remembered_as_bytes(key, kept):
    assert key_bytes(key) == kept
