"""Laws of filters: what is read is what was written; anything else is FILTER_INVALID, never an unexpected exception."""

from datetime import UTC, datetime, timedelta, timezone
from enum import IntEnum

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from keelpay_server.book.filtering import one_of, parse_filter, parse_order, text_of, time_of
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused


class State(IntEnum):
    CREATED = 1
    CAPTURED = 5


FIELDS = {
    "state": one_of("state", State),
    "number": text_of("merchant_number"),
    "create_time": time_of("create_time"),
    "amount": lambda text: ("amount", int(text)),
    "share": lambda text: ("share", int(float(text) * 10_000)),
}
PIECES = ["state", "number", "create_time", "amount", "=", ">=", "<", "AND", "AND ", " ", '"', "\\", "CAPTURED", "12",
          "2026-05-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9" * 30, "\0", "(", "OR", "\n", "é", "--"]  # fmt: skip
ANY = st.one_of(*(st.lists(st.sampled_from(PIECES)).map(glue.join) for glue in ("", " ")), st.text())


def minutes_east(minutes):
    return timezone(timedelta(minutes=minutes))


def attempt(read, *arguments):
    """What is read, or None where it is refused as a filter."""
    try:
        return read(*arguments)
    except Refused as refused:
        if refused.reason is not Reason.FILTER_INVALID:
            raise
        return None


@given(ANY)
@example("create_time > 0001-01-01T00:00:00+14:00")
@example("create_time > 9999-12-31T23:59:59-14:00")
@example("amount = " + "9" * 19)
@example("share > inf")
@example("share > nan")
@example("amount = " + "9" * 5000)
@example('number = "\0"')
@example("state = CAPTURED AND ")
def test_any_text_is_a_filter_or_refused(text):
    found = attempt(parse_filter, text, FIELDS) or {}
    assert all(isinstance(value, int | str) for value in found.values())
    assert all(abs(value) < 1 << 63 for value in found.values() if isinstance(value, int))
    assert all("\0" not in value for value in found.values() if isinstance(value, str))


@given(st.text(st.characters(exclude_characters="\0\n\r", exclude_categories=["Cs"])))
def test_a_quoted_text_is_read_back_as_it_was(text):
    quoted = text.replace("\\", "\\\\").replace('"', '\\"')
    assert parse_filter(f'number = "{quoted}"', FIELDS) == {"merchant_number": text}


@given(st.datetimes(timezones=st.timezones() | st.integers(-840, 840).map(minutes_east)))
def test_a_time_is_read_to_the_microsecond_in_any_zone(moment):
    exact = (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(microseconds=1)
    assert parse_filter(f'create_time >= "{moment.isoformat()}"', FIELDS) == {"create_time__ge": exact}


def test_conditions_are_joined():
    text = 'state = CAPTURED AND number = "A 1" AND create_time >= "2026-05-01T00:00:00Z"'
    assert parse_filter(text, FIELDS) == {"state": 5, "merchant_number": "A 1", "create_time__ge": 1777593600000000}


def test_an_empty_filter_is_everything():
    assert parse_filter("", FIELDS) == {}


@pytest.mark.parametrize(
    "text",
    ["state", "state =", "= CAPTURED", "state = CAPTURED number = A", "state = CAPTURED AND", "state = CAPTURED AND ",
     "state = CAPTURED AND   ", "AND state = CAPTURED", "state = CAPTURED OR state = CREATED", "state = captured",
     "state = 5", "owner = me", "state = CREATED AND state = CAPTURED", "create_time > 2026-05-01T00:00:00",
     "create_time > yesterday", 'number = "open', "amount = 9223372036854775808"],
)  # fmt: skip
def test_a_filter_that_makes_no_sense_is_refused(text):
    with pytest.raises(Refused) as refused:
        parse_filter(text, FIELDS)
    assert refused.value.reason is Reason.FILTER_INVALID


def test_a_filter_has_a_bounded_number_of_conditions():
    fields = {letter: text_of(letter) for letter in "abcdefghi"}
    parse_filter(" AND ".join(f"{letter} = 1" for letter in "abcdefgh"), fields)
    with pytest.raises(Refused):
        parse_filter(" AND ".join(f"{letter} = 1" for letter in "abcdefghi"), fields)


@given(st.text())
def test_any_order_is_a_listed_field_or_refused(text):
    found = attempt(parse_order, text, {"create_time": "id", "amount": "amount"}, "create_time desc")
    assert found is None or found[0] in {"id", "amount"}


def test_an_order_is_a_field_and_a_direction():
    columns = {"create_time": "id", "amount": "amount"}
    assert parse_order("", columns, "create_time desc") == ("id", True)
    assert parse_order("amount", columns, "create_time desc") == ("amount", False)
    assert parse_order("amount desc", columns, "create_time desc") == ("amount", True)
