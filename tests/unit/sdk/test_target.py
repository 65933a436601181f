import pytest

from keelpay import Client, ConfigurationError
from keelpay._target import HINTS, with_hint
from keelpay.credentials import anonymous, local


@pytest.mark.parametrize(
    ("target", "words"),
    [
        ("", "HOST:PORT"),
        ("https://pay.example.com", "without https:// before it"),
        ("http://127.0.0.1:8443", "without http:// before it"),
        ("grpc://127.0.0.1:8443", "without grpc:// before it"),
        ("pay.example.com/pay", "is no address"),
        (":8443", "is no address"),
        ("pay.example.com:", "its port is a number from 1 to 65535"),
        ("pay.example.com:https", "its port is a number from 1 to 65535"),
        ("127.0.0.1:84430", "its port is a number from 1 to 65535"),
    ],
)
def test_what_is_plainly_no_address_is_told_before_any_call(target, words):
    with pytest.raises(ConfigurationError) as told:
        Client(target, credentials=anonymous())
    assert words in told.value.message


@pytest.mark.parametrize("target", ["foo", "127.0.0.1", "[::1]"])
def test_a_server_on_this_machine_needs_a_port(target):
    with pytest.raises(ConfigurationError, match=r"which port of .*:8443"):
        Client(target, credentials=local(anonymous()))


@pytest.mark.parametrize(
    "target",
    ["pay.example.com", "pay.example.com:443", "[::1]:8443", "::1", "dns:///a:1,b:2", "ipv4:10.0.0.1:1,10.0.0.2:1"],
)
def test_whatever_grpc_reads_is_taken(target):
    Client(target, credentials=anonymous()).close()


def test_a_socket_needs_no_port():
    Client("unix:/run/keelpay.sock", credentials=local(anonymous())).close()


def test_words_that_are_not_known_are_left_as_they_are():
    assert with_hint("draining") == "draining"


@pytest.mark.parametrize("words", HINTS)
def test_known_words_are_followed_by_what_they_mean(words):
    assert with_hint(f"failed: {words}.") == f"failed: {words}. Hint: {HINTS[words]}"
