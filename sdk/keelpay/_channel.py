"""How the library talks to servers: the service config and the options of its channels.

Invariant: UNAVAILABLE is retried here for every RPC but the one whose request is good for one try; calls go round robin
over the servers that say of themselves that they are healthy. There is no `timeout` here: deadlines go with each call.
"""

import json
from typing import Any, Final

ONE_TRY: Final = {"service": "keelpay.api.auth.v1.PartnerService", "method": "IssueToken"}
RETRY_POLICY: Final = {
    "maxAttempts": 5,
    "initialBackoff": "0.1s",
    "maxBackoff": "2s",
    "backoffMultiplier": 2,
    "retryableStatusCodes": ["UNAVAILABLE"],
}
SERVICE_CONFIG: Final[dict[str, Any]] = {
    "loadBalancingConfig": [{"round_robin": {}}],
    "healthCheckConfig": {"serviceName": ""},
    "methodConfig": [{"name": [ONE_TRY]}, {"name": [{}], "retryPolicy": RETRY_POLICY}],
}
# A server of gRPC takes one ping in five minutes of silence, and closes the connection of who sends more.
KEEPALIVE_MS: Final = 310_000
RECONNECT_MS_MAX: Final = 2_000
"""gRPC's own pause between two tries grows to two minutes: so long a server would seem away after it is back."""


def channel_options(user_agent: str) -> list[tuple[str, Any]]:
    """The options of a channel.

    Args:
        user_agent: What the server's access log shows of this client, before grpc's own words.
    """
    return [
        ("grpc.service_config", json.dumps(SERVICE_CONFIG)),
        ("grpc.enable_retries", 1),
        ("grpc.primary_user_agent", user_agent),
        # A watch may be silent for long: ping, or a firewall forgets it.
        ("grpc.keepalive_time_ms", KEEPALIVE_MS),
        ("grpc.max_reconnect_backoff_ms", RECONNECT_MS_MAX),
    ]
