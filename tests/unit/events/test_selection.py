"""Laws of who wants and who sees an event."""

import pytest

from keelpay_server.events.selection import Selection, split_types


@pytest.mark.parametrize(
    ("partner", "owner_partner", "seen"),
    [
        ("acme", "acme", True),
        ("acme", "other", False),
        ("acme", "", False),
        (None, "", True),
        (None, "other", True),
        ("", "", False),
    ],
)
def test_a_partner_sees_its_own_and_only_operators_see_the_platforms(partner, owner_partner, seen):
    assert Selection(partner=partner).sees(owner_partner) is seen


def test_a_noun_with_a_star_means_all_its_types_and_no_longer_noun():
    types, nouns = split_types(["payment.*", "order.paid"])
    chosen = Selection(partner=None, types=types, nouns=nouns)
    offered = ("payment.captured", "order.paid", "order.closed", "payment_link.made")
    wanted = [what for what in offered if chosen.wants(what, "cafe")]
    assert wanted == ["payment.captured", "order.paid"]


def test_nothing_chosen_means_everything_and_a_merchant_only_itself():
    assert Selection(partner=None).wants("any.thing", "")
    assert not Selection(partner=None, merchants=frozenset({"cafe"})).wants("any.thing", "bar")
