"""Laws of page tokens: they continue the list they came from, and nothing else."""

from base64 import urlsafe_b64decode
from typing import NamedTuple

import pytest
from hypothesis import given
from hypothesis import strategies as st

from keelpay_server.book.paging import SIZE_DEFAULT, SIZE_MAX, Pager
from keelpay_server.book.ports import Page
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

PAGER = Pager(b"secret")
SCOPE = "/Payments/List\nmerchants/cafe\nstate = CAPTURED\npartner:acme"


class Row(NamedTuple):
    id: bytes
    amount: int


def token(scope=SCOPE, pager=PAGER, key=b"\x01" * 16, amount=7):
    return pager.next_token(scope, Page(1, None, True, "amount"), [Row(key, amount)])


@given(st.binary(max_size=20), st.integers(-(1 << 63), (1 << 63) - 1))
def test_a_token_brings_back_where_the_page_ended(key, amount):
    page = PAGER.page(SCOPE, 10, token(key=key, amount=amount), order="amount")
    assert page == Page(10, (amount, key), True, "amount")


@pytest.mark.parametrize("other", [SCOPE + " ", SCOPE[:-1], SCOPE.replace("cafe", "cafe2"), "", SCOPE + "\0"])
def test_a_token_of_another_list_filter_or_caller_is_refused(other):
    with pytest.raises(Refused) as refused:
        PAGER.page(other, 10, token())
    assert refused.value.reason is Reason.PAGE_TOKEN_INVALID


def test_a_token_of_another_installation_is_refused():
    with pytest.raises(Refused):
        PAGER.page(SCOPE, 10, token(pager=Pager(b"another secret")))


@given(st.binary(max_size=20), st.integers(-(1 << 63), (1 << 63) - 1))
def test_no_text_can_take_over_the_beginning_of_a_token_s_body(key, amount):
    raw = urlsafe_b64decode(token(key=key, amount=amount) + "===")
    with pytest.raises(UnicodeDecodeError):
        raw[16:17].decode()


@given(st.integers(0, 200), st.integers(1, 255))
def test_a_changed_token_is_refused_whichever_byte_it_is(place, change):
    letters = bytearray(token().encode())
    letters[place % len(letters)] = (letters[place % len(letters)] + change) % 256
    try:
        page = PAGER.page(SCOPE, 10, letters.decode(errors="replace"), order="amount")
    except Refused as refused:
        if refused.reason is not Reason.PAGE_TOKEN_INVALID:
            raise
    else:  # unused bits of the last letter, or a letter that base64 passes over at the end
        assert page.after == (7, b"\x01" * 16)


@given(st.text())
def test_any_text_is_a_token_or_refused(text):
    if text:
        with pytest.raises(Refused) as refused:
            PAGER.page(SCOPE, 10, text)
        assert refused.value.reason is Reason.PAGE_TOKEN_INVALID


def test_a_short_page_is_the_last_one():
    rows = [Row(bytes([n]), n) for n in range(3)]
    assert PAGER.next_token(SCOPE, Page(4), rows) == ""
    assert PAGER.next_token(SCOPE, Page(3), rows) != ""


@pytest.mark.parametrize("asked, given_", [(0, SIZE_DEFAULT), (1, 1), (SIZE_MAX, SIZE_MAX), (SIZE_MAX + 1, SIZE_MAX)])
def test_a_size_is_held_within_its_bounds(asked, given_):
    assert PAGER.page(SCOPE, asked, "").size == given_
