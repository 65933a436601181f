"""Ports of 127.0.0.1 for servers that are killed and come back to the same one.

In: nothing. Out: a number. Invariant: it lies below the ports that the system gives to connections by itself, so none
of those takes it while its server is down.
"""

import random
import socket
from pathlib import Path

_RANGE = Path("/proc/sys/net/ipv4/ip_local_port_range")
_GIVEN_FROM = 32_768
_WIDTH = 12_000


def free_port() -> int:
    """A port that was free a moment ago."""
    end = int(_RANGE.read_text().split()[0]) if _RANGE.exists() else _GIVEN_FROM
    while True:
        port = random.SystemRandom().randrange(max(end - _WIDTH, 1_024), max(end, 2_048))
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port
