"""Strict readers: one text for one value, or none at all."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelpay_server.auth import base64url
from keelpay_server.auth.strict_json import integer_member, parse_object, text_member


@given(
    st.dictionaries(st.text(max_size=9), st.none() | st.booleans() | st.integers() | st.text(max_size=9), max_size=5)
)
def test_an_object_is_read_as_it_was_written(members: dict[str, object]):
    assert parse_object(json.dumps(members)) == members
    assert parse_object(json.dumps(members).encode()) == members


@pytest.mark.parametrize(
    "source",
    [
        "",
        "[]",
        "7",
        "null",
        '{"a":1} x',
        '{"a":1,"a":1}',
        '{"b":{"a":1,"a":2}}',
        '{"a":NaN}',
        '{"a":-Infinity}',
        b'{"a":"\xff"}',
        b"\xef\xbb\xbf{}",
        '{"a":' * 50_000,
        '{"a":' + "9" * 5000 + "}",
    ],
)
def test_what_two_readers_could_read_differently_is_refused(source: str | bytes):
    with pytest.raises(ValueError):
        parse_object(source)


@pytest.mark.parametrize("value", [True, False, 1.0, "1", None])
def test_a_whole_number_is_nothing_else(value: object):
    assert integer_member({"n": 1}, "n") == 1
    with pytest.raises(ValueError, match="whole number"):
        integer_member({"n": value}, "n")


@pytest.mark.parametrize("value", [True, 1, None, ["x"]])
def test_text_is_nothing_else(value: object):
    assert text_member({"n": "x"}, "n") == "x"
    with pytest.raises(ValueError, match="text"):
        text_member({"n": value}, "n")


@given(st.binary(max_size=40))
def test_bytes_come_back_from_their_one_text(data: bytes):
    text = base64url.encode(data)
    assert base64url.decode(text) == data
    assert not set(text) & set("+/=")


@pytest.mark.parametrize("text", ["A", "AB", "AAB", "AA==", "AA=", "A A", "AA\n", "+/", "é", "A" * 5])
def test_a_text_that_is_not_the_one_of_its_bytes_is_refused(text: str):
    with pytest.raises(ValueError):
        base64url.decode(text)
