"""Laws of what comes in as bytes: frames, compression, JSON, deadlines."""

import gzip
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelpay.api.gateway.v1.payment_pb2 import Payment
from keelpay.api.type.v1.money_pb2 import Money
from keelpay_server.book.refusal import Refused
from keelpay_server.edge.compression import GZIP, IDENTITY, unpack
from keelpay_server.edge.connect_error import CODES
from keelpay_server.edge.envelope import unwrap, wrap
from keelpay_server.edge.json_codec import read_json, write_json
from keelpay_server.edge.timeouts import SECONDS_MAX, connect_timeout, grpc_timeout
from keelpay_server.rpc.errors import CODES as GRPC_CODES

MALFORMED = "MESSAGE_MALFORMED"
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["name", "amount", "x"]), inner),
)


def outcome(read, *given_):
    """What a function returns, or the name of its refusal."""
    try:
        return read(*given_)
    except Refused as refused:
        assert "\n" not in refused.message  # noqa: PT017  (it may refuse)
        return refused.reason.name


@given(st.binary(max_size=2000), st.booleans())
def test_a_message_comes_out_of_its_frame_as_it_went_in(message, packed):
    body = wrap(gzip.compress(message), 1) if packed else wrap(message)
    assert unwrap(body, GZIP, 2000) == message


@given(st.binary(max_size=300))
def test_any_bytes_are_one_message_or_refused(body):
    for encoding in (IDENTITY, GZIP):
        read = outcome(unwrap, body, encoding, 100)
        if read != MALFORMED:
            assert len(read) <= 100 or encoding == IDENTITY
            assert struct.unpack_from(">I", body, 1)[0] == len(body) - 5


@given(st.binary(max_size=5000), st.integers(0, 6000))
def test_what_is_unpacked_is_never_more_than_allowed(content, most):
    assert outcome(unpack, GZIP, gzip.compress(content), most) == (content if len(content) <= most else MALFORMED)


def test_half_a_gzip_and_two_are_none():
    whole = gzip.compress(b"a" * 100)
    for body in (whole[:-1], whole + whole, whole + b"x", b"", b"no gzip"):
        with pytest.raises(Refused):
            unpack(GZIP, body, 1000)


@given(VALUES)
def test_any_json_is_a_message_or_refused(value):
    read = outcome(read_json, json.dumps(value).encode(), Payment)
    assert read == MALFORMED or Payment.FromString(read) is not None


@given(st.binary(max_size=200))
def test_any_bytes_are_json_of_the_message_or_refused(body):
    read = outcome(read_json, body, Money)
    assert read == MALFORMED or Money.FromString(read) is not None


def test_json_keeps_integers_exact_and_text_readable():
    money = Money(currency_code="元", amount_minor=2**63 - 1)
    text = write_json(money.SerializeToString(), Money)
    assert text == '{"currencyCode":"元","amountMinor":"9223372036854775807"}'.encode()
    assert read_json(text, Money) == money.SerializeToString()


SECONDS = {"1H": 3600, "2M": 120, "3S": 3, "40m": 0.04, "5u": 5e-6, "6n": 6e-9, "99999999H": SECONDS_MAX}


@pytest.mark.parametrize("text,seconds", SECONDS.items())
def test_grpc_writes_deadlines_in_units(text, seconds):
    assert grpc_timeout(text) == pytest.approx(seconds)


@given(st.text(max_size=20))
def test_any_text_is_a_deadline_or_refused(text):
    for read in (connect_timeout, grpc_timeout):
        found = outcome(read, text)
        assert found == MALFORMED or 0 <= found <= SECONDS_MAX


def test_no_deadline_is_none():
    assert connect_timeout(None) is grpc_timeout(None) is None


def test_every_code_of_grpc_but_ok_has_a_word_and_a_status():
    assert {code for code in GRPC_CODES.values() if code.name != "OK"} == CODES.keys()
    assert len({code.word for code in CODES.values()}) == 16
    assert all(400 <= code.status < 600 for code in CODES.values())
