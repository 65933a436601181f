"""A server that was away for long is found again within seconds of its return, not after gRPC's two minutes."""

import pytest

from keelpay import AsyncClient, credentials
from tests.infrastructure.knocks import closed_door

AWAY_S = 11.0
PAUSE_S_MAX = 3.0
"""Two seconds, a fifth more by chance, and a slow machine."""


@pytest.mark.slow
async def test_the_longer_a_server_is_away_the_client_never_rests_long_between_two_looks():
    async with closed_door() as door:
        caller = credentials.local(credentials.token("any"))
        async with AsyncClient(door.address, credentials=caller) as client:
            await door.besiege(lambda: client.payments.get("merchants/m/payments/p"), AWAY_S)
        assert len(door.knocks) > 1
        assert door.longest_pause_s() <= PAUSE_S_MAX
