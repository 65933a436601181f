"""What a statement shows of a long name: its beginning, and no half of a sign."""

import pytest

from keelpay._descriptor import DESCRIPTOR_LENGTH, descriptor_of
from keelpay_server.book.readable import unreadable

FAMILY, ENGLAND = "👩\u200d👩\u200d👧\u200d👦", "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize("name", ["Cafe", "街角咖啡", "A name of 22 letters..", FAMILY])
def test_a_name_that_fits_is_taken_as_it_is(name):
    assert descriptor_of(name) == name


@pytest.mark.parametrize("sign", [FAMILY, ENGLAND, "👩🏽\u200d💻", "1\ufe0f\u20e3", "e\u0301", "ที่", "क्\u200dष"])
@pytest.mark.parametrize("before", range(12, DESCRIPTOR_LENGTH + 1))
def test_a_cut_leaves_nothing_that_the_server_refuses(sign, before):
    name = "x" * before + sign * 3
    shown = descriptor_of(name)
    assert name.startswith(shown)
    assert 12 <= len(shown) <= DESCRIPTOR_LENGTH
    assert unreadable(shown, lines=False) is None


def test_one_sign_without_end_is_cut_through():
    assert len(descriptor_of("a" + "\u0301" * 40)) == DESCRIPTOR_LENGTH
