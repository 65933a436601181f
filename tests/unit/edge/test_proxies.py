"""Laws of forwarded headers."""

import pytest

from keelpay_server.edge.proxies import Proxies

TRUSTED = Proxies(("10.0.0.0/8", "2001:db8:ffff::/48"))


@pytest.mark.parametrize("peer", ["192.0.2.1", "", "unix", "11.0.0.1", "2001:db8:1::1"])
def test_a_stranger_is_who_it_is(peer):
    told = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https", "x-forwarded-host": "evil.example"}
    assert TRUSTED.origin_of(peer, "http", {**told, "host": "pay.example.com"}) == (peer, "http", "pay.example.com")


@pytest.mark.parametrize("peer", ["10.0.0.1", "::ffff:10.0.0.1", "2001:db8:ffff::9"])
def test_a_proxy_is_believed(peer):
    told = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "HTTPS", "x-forwarded-host": "pay.example.com"}
    found = TRUSTED.origin_of(peer, "http", told)
    assert found == ("203.0.113.9", "https", "pay.example.com")
    assert found.own == "https://pay.example.com"


@pytest.mark.parametrize(
    ("hop", "address"),
    [
        ("203.0.113.9:4711", "203.0.113.9"), ("[2001:db8::9]:4711", "2001:db8::9"), ("[2001:db8::9]", "2001:db8::9"),
        ("2001:db8::9", "2001:db8::9"), ("203.0.113.9:4711, 10.0.0.2:80", "203.0.113.9"),
        ("unknown", "10.0.0.1"), ("[", "10.0.0.1"), (":", "10.0.0.1"), ("_hidden:1", "10.0.0.1"),
    ],
)  # fmt: skip
def test_a_hop_may_carry_its_port(hop, address):
    assert TRUSTED.origin_of("10.0.0.1", "http", {"x-forwarded-for": hop}).address == address


@pytest.mark.parametrize("proto", ["", "javascript", "https,http", "ws"])
def test_an_odd_scheme_is_not(proto):
    assert TRUSTED.origin_of("10.0.0.1", "http", {"x-forwarded-proto": proto}).scheme == "http"


def test_a_long_chain_costs_no_more_than_its_end():
    chain = ", ".join(["203.0.113.9", *["10.0.0.2"] * 10_000])
    assert TRUSTED.origin_of("10.0.0.1", "http", {"x-forwarded-for": chain}).address == "10.0.0.2"


@pytest.mark.parametrize("network", ["", "10.0.0.0/33", "proxy.example", "10.0.0.1/8"])
def test_what_is_no_network_is_refused(network):
    with pytest.raises(ValueError):
        Proxies((network,))
