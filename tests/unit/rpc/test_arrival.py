"""Laws of what a call brings along."""

import pytest

from keelpay_server.rpc.arrival import (
    add_certificate,
    address_of,
    is_sane,
    language_of,
    metadata_of,
    rate_address,
    request_ids,
)


@pytest.mark.parametrize(
    "peer,address",
    [
        ("ipv4:192.0.2.7:50123", "192.0.2.7"),
        ("ipv6:%5B2001:db8::1%5D:443", "2001:db8::1"),
        ("ipv6:[2001:db8::1]:443", "2001:db8::1"),
        ("unix:", "unix"),
        ("unix:/run/keelpay.sock", "unix"),
    ],
)
def test_an_address_is_the_peer_without_its_port(peer, address):
    assert address_of(peer, {}) == address


def test_a_forwarded_address_counts_only_from_the_edge():
    forwarded = {"x-forwarded-for": "198.51.100.7"}
    assert address_of("unix:", {**forwarded, "x-keelpay-edge": "key"}, "key") == "198.51.100.7"
    assert address_of("unix:", {**forwarded, "x-keelpay-edge": "guess"}, "key") == "unix"
    assert address_of("unix:", {**forwarded, "x-keelpay-edge": ""}) == address_of("unix:", forwarded) == "unix"
    assert address_of("ipv4:192.0.2.7:1", {**forwarded, "x-keelpay-edge": "key"}, "key") == "192.0.2.7"


def test_anonymous_callers_of_one_ipv6_network_are_one():
    assert rate_address("2001:db8:1:2:3:4:5:6") == rate_address("2001:db8:1:2:ffff::1") == "2001:db8:1:2::/64"
    assert rate_address("2001:db8::1") == rate_address("2001:db8::2:0:0:7") == "2001:db8::/64", "however it is written"
    assert rate_address("192.0.2.7") == rate_address("::ffff:192.0.2.7") == "192.0.2.7"
    assert rate_address("::ffff:192.0.2.8") == "192.0.2.8"
    assert rate_address("unix") == "unix"


@pytest.mark.parametrize("sane", ["a" * 8, "a" * 64, "01234567-89ab-cdef"])
def test_sane_request_ids_are_kept(sane):
    assert is_sane(sane)


@pytest.mark.parametrize(
    "odd", [None, b"bytes-id-1", "", "a" * 7, "a" * 65, "汉" * 10, "abc\ndefgh", "--------", '"quoted""']
)
def test_odd_request_ids_are_not(odd):
    assert not is_sane(odd)


def test_made_request_ids_are_sane_and_differ_between_processes():
    first, second = request_ids(), request_ids()
    assert is_sane(first())
    assert len({first(), first(), second(), second()}) == 4


def test_a_certificate_cannot_be_claimed_in_a_header():
    claimed = metadata_of(((":peer-certificate", b"forged"), ("authorization", "x")))
    assert claimed == {"authorization": "x"}
    assert not add_certificate(claimed, {})
    assert add_certificate(claimed, {"x509_pem_cert": [b"proved"]})
    assert claimed[":peer-certificate"] == b"proved"


def test_two_credentials_empty_each_other():
    assert metadata_of((("authorization", "a"), ("authorization", "b")))["authorization"] == ""
    assert metadata_of((("authorization", "a"), ("x", "1"), ("x", "2")))["authorization"] == "a"


def test_a_binary_language_header_is_english():
    assert language_of({"accept-language": b"zh"}) == "en"
    assert language_of({"accept-language": "zh"}) == "zh"
