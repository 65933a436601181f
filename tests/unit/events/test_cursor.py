"""Laws of cursors."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.events.cursor import Cursors, check_reached

CURSORS = Cursors(b"k" * 32)


@given(st.dictionaries(st.integers(0, 2**20), st.integers(0, 2**63 - 1), max_size=20))
def test_a_cursor_reads_back_and_is_one_text_for_one_place(positions):
    text = CURSORS.write(positions)
    assert CURSORS.read(text) == positions
    assert text == CURSORS.write(dict(reversed(positions.items())))


@given(st.text(max_size=60) | st.from_regex(r"[A-Za-z0-9_-]{0,60}", fullmatch=True))
def test_what_we_did_not_make_is_refused(text):
    with pytest.raises(Refused) as refused:
        CURSORS.read(text)
    assert refused.value.reason is Reason.CURSOR_INVALID


def test_a_cursor_of_another_key_or_another_list_is_refused():
    text = CURSORS.write({1: 5}, "list of acme")
    assert CURSORS.read(text, "list of acme") == {1: 5}
    for cursors, scope in ((CURSORS, "stream"), (CURSORS, "list of other"), (Cursors(b"x" * 32), "list of acme")):
        with pytest.raises(Refused) as refused:
            cursors.read(text, scope, reason=Reason.PAGE_TOKEN_INVALID)
        assert refused.value.reason is Reason.PAGE_TOKEN_INVALID


def test_a_place_that_a_restored_book_has_not_reached_is_refused():
    check_reached({1: 5}, 1, 5)
    with pytest.raises(Refused) as refused:
        check_reached({1: 6}, 1, 5)
    assert refused.value.reason is Reason.CURSOR_INVALID
