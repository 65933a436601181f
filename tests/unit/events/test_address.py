"""Laws of where a webhook may go (A10)."""

import pytest

from keelpay_server.events.address import AddressRefusedError, Target, is_allowed, parse_target

PRIVATE = (
    "127.0.0.1", "10.1.2.3", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "224.0.0.1",
    "255.255.255.255", "198.18.0.1", "::", "::1", "fe80::1", "fe80::1%eth0", "fc00::1", "fec0::1", "ff02::1",
    "2001:db8::1", "::ffff:10.0.0.1", "::ffff:127.0.0.1", "::127.0.0.1", "2002:a00:1::", "64:ff9b::a00:1",
    "64:ff9b:1::a00:1", "2001:0:a00:1::f5ff:fffe", "not an address", "",
)  # fmt: skip


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_refused_however_they_are_written(address):
    assert not is_allowed(address, loopback=False)


@pytest.mark.parametrize("address", ["8.8.8.8", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_public_addresses_are_allowed(address):
    assert is_allowed(address, loopback=False)


def test_loopback_is_allowed_only_where_it_is_switched_on_and_opens_nothing_else():
    assert is_allowed("127.0.0.1", loopback=True)
    assert is_allowed("::1", loopback=True)
    assert [address for address in PRIVATE if is_allowed(address, loopback=True)] == ["127.0.0.1", "::1"]


@pytest.mark.parametrize(
    "uri",
    [
        "http://a.example/", "https://", "https:///x", "ftp://a.example/", "https://u:p@a.example/", "https://u@a.example/",
        "https://a.example:0/", "https://a.example:99999/", "https://a.example:x/", "https://a.example/\r\nx: y",
        "https://a.example/ x", "https://bücher.example/", "https://[::1/", "https://a.example\\@b.example/",
    ],
)  # fmt: skip
def test_odd_addresses_are_refused(uri):
    with pytest.raises(AddressRefusedError):
        parse_target(uri)


def test_an_address_is_taken_apart_as_it_stands():
    assert parse_target("https://A.example/h?q=1#f") == Target("a.example", 443, "a.example", "/h?q=1")
    assert parse_target("https://a.example:8443") == Target("a.example", 8443, "a.example:8443", "/")
    assert parse_target("https://[2606:4700::1]:444/x") == Target("2606:4700::1", 444, "[2606:4700::1]:444", "/x")
