"""A scripted server on loopback, and a driver for each of the two clients."""

import pytest

from keelpay import credentials
from tests.integration.sdk.driver import Driver
from tests.integration.sdk.scripted_server import running_server


@pytest.fixture
def server():
    with running_server() as scripted:
        yield scripted


@pytest.fixture(params=["async", "sync"])
def side(request):
    return request.param


@pytest.fixture
async def driver(side, server):
    driver = Driver(side, server.address, credentials.token("a-token"))
    yield driver
    await driver.close()
