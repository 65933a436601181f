"""Laws of ids: bytes and text are one, order is time, an id tells its book."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelpay_server.book import ids
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

times = st.integers(0, (1 << 48) * 1000 - 1)
books = st.integers(0, ids.BOOK_MAX)
tails = st.integers(0, ids.TAIL_MAX)


@given(st.binary(min_size=16, max_size=16))
def test_text_and_bytes_are_two_spellings_of_one_id(key):
    assert ids.parse("pay", ids.text("pay", key)) == key


@given(st.binary(min_size=16, max_size=16), st.binary(min_size=16, max_size=16))
def test_texts_sort_as_their_ids_do(one, other):
    assert (ids.text("pay", one) < ids.text("pay", other)) == (one < other)


@given(times, books, tails)
def test_an_id_tells_its_time_and_its_book_and_is_a_uuid_of_version_7(time_us, book, tail):
    number = ids.first_id(time_us, book, tail)
    key = number.to_bytes(16, "big")
    assert ids.book_of(key) == book
    assert ids.time_of(key) == time_us // 1000 * 1000
    assert key[6] >> 4 == 7
    assert key[8] >> 6 == 0b10


@given(times, st.integers(1, 10**9), books, tails, tails)
def test_later_ids_of_a_book_sort_after_earlier_ones(time_us, later_us, book, tail, other_tail):
    # Two thirds of a microsecond is what 12 bits of a millisecond tell apart.
    assert ids.first_id(time_us, book, tail) < ids.first_id(time_us + later_us, book, other_tail)


@given(times, books, st.integers(0, (1 << 41) - 1), st.integers(0, 1 << 20))
def test_counting_up_within_a_batch_stays_in_its_book_and_moment(time_us, book, tail, count):
    first = ids.first_id(time_us, book, tail)
    last = (first + count).to_bytes(16, "big")
    assert ids.book_of(last) == book
    assert last[:8] == first.to_bytes(16, "big")[:8]


@given(st.text(max_size=40))
def test_any_other_text_is_refused_by_name(text):
    with pytest.raises(Refused) as refused:
        ids.parse("pay", text, "payment")
    assert refused.value.reason is Reason.FIELD_INVALID
    assert refused.value.violations[0][0] == "payment"


@pytest.mark.parametrize(
    "name",
    [
        "pay-8" + "0" * 25,  # 129 bits
        "pay-" + "0" * 25,
        "pay-" + "0" * 27,
        "pay-" + "U" * 26,
        "pay-" + "A" * 26,  # upper case: one spelling only
        "ref-" + "0" * 26,
        "pay" + "0" * 26,
        "-" + "0" * 26,
        "",
    ],
)
def test_texts_beyond_the_form_are_refused(name):
    with pytest.raises(Refused) as refused:
        ids.parse("pay", name)
    assert refused.value.reason is Reason.FIELD_INVALID
