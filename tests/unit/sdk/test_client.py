"""What a client says to a program that makes it wrong."""

import pytest

import keelpay


@pytest.mark.parametrize("client", [keelpay.Client, keelpay.AsyncClient])
@pytest.mark.parametrize("named", [{}, {"credentials": None}, {"credentials": "partner-shop.pem"}])
def test_a_client_without_credentials_is_told_where_to_get_them(client, named):
    with pytest.raises(keelpay.ConfigurationError) as told:
        client("127.0.0.1:8443", **named)
    for way in ("credentials.key_file", "keelpay keys admit", "credentials.local", "Client.local()"):
        assert way in str(told.value)
