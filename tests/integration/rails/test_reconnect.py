"""A bank that was away for long is reached again within seconds of its return, not after gRPC's two minutes."""

import pytest

from keelpay_server.rails.grpc_rail import GrpcRail
from tests.infrastructure.knocks import closed_door

AWAY_S = 11.0
PAUSE_S_MAX = 3.0
"""Two seconds, a fifth more by chance, and a slow machine."""


@pytest.mark.slow
async def test_the_longer_a_bank_is_away_the_connector_never_rests_long_between_two_looks():
    async with closed_door() as door:
        rail = GrpcRail(door.address)
        try:
            await door.besiege(rail.capabilities, AWAY_S)
        finally:
            await rail.close()
        assert len(door.knocks) > 1
        assert door.longest_pause_s() <= PAUSE_S_MAX
