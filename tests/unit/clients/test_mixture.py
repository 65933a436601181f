from hypothesis import given
from hypothesis import strategies as st

from keelpay_clients.mixture import REGIONS, WAYS, Way, apportion

WEIGHTS = st.lists(st.integers(0, 1000), min_size=1, max_size=8).filter(any)


@given(st.integers(0, 10_000), WEIGHTS)
def test_parts_add_up_to_the_count(count, weights):
    assert sum(apportion(count, weights)) == count


@given(st.integers(0, 10_000), WEIGHTS)
def test_no_part_is_more_than_one_away_from_its_share(count, weights):
    total = sum(weights)
    for part, weight in zip(apportion(count, weights), weights, strict=True):
        assert abs(part * total - count * weight) < total


def test_shares_are_those_of_the_product():
    assert {share.way: share.permille for share in WAYS}[Way.WALLET] == 780
    assert {share.way: share.permille for share in WAYS}[Way.CARD] == 150
    assert sum(share.permille for share in WAYS) == 1000
    assert [region.permille for region in REGIONS] == [350, 280, 220, 150]
