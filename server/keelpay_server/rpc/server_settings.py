"""How the gRPC server listens and what it bears.

In: figures of the installation. Out: the options of the gRPC core that follow from them. Invariant: everything that one
connection, call or caller can cost has a bound here.
"""

from dataclasses import dataclass

from .listeners import Listener
from .wire import BATCH_MESSAGE_BYTES_MAX

_MS_PER_S = 1_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerSettings:
    """The figures. The defaults fit one process on two cores."""

    mode: str
    """`test` or `live`."""
    listeners: tuple[Listener, ...]
    """Where to listen; at least one."""
    calls_max: int = 512
    """Calls served at once; the excess is refused with OVERLOADED."""
    watches_max: int = 2_000
    """Server streams that only read, open at once."""
    watches_per_caller_max: int = 200
    """Of these, open for one caller."""
    rate_callers_max: int = 20_000
    """Callers remembered by the rate limit of each method."""
    deadline_ms_min: int = 10
    """A call with less time left is refused."""
    retry_after_ms: int = 200
    """What callers are told to wait when the server is full, or the database is away."""
    drain_wait_s: float = 2.0
    """From NOT_SERVING until calls are refused: the time in which balancers and clients turn away."""
    drain_watch_s: float = 0.5
    """From then on until watches that have not ended by themselves are ended."""
    drain_grace_s: float = 10.0
    """How long open calls may take to finish at the end."""
    connection_idle_s: int = 300
    """A connection without calls is closed after this."""
    connection_age_s: int = 1_800
    """A connection is asked to begin anew after this, so that load spreads over new processes."""
    connection_age_grace_s: int = 300
    """How long its open calls may still take."""
    handshake_ms_max: int = 3_000
    """From connect to the end of the TLS and HTTP/2 handshakes."""
    keepalive_s: int = 60
    """A silent connection is asked for a sign of life after this."""
    keepalive_timeout_s: int = 20
    """And closed when none comes."""
    streams_per_connection_max: int = 1_000
    """Calls open at once on one connection."""
    metadata_bytes_max: int = 16 * 1024
    """Headers of one call."""
    reuse_port: bool = False
    """Several processes may listen on one address."""
    edge_key: str = ""
    """By which calls of this process's own edge are known, whose word about addresses counts."""
    reflection: bool = True
    """Whether tools may ask for the contract."""

    def channel_options(self) -> list[tuple[str, int]]:
        """Returns the options of the gRPC core that bound what a connection can cost."""
        # Our own check answers an oversize message with a reason; gRPC's limit lies just above it, as the last wall.
        message_bytes_max = BATCH_MESSAGE_BYTES_MAX + self.metadata_bytes_max
        return [
            ("grpc.max_receive_message_length", message_bytes_max),
            ("grpc.max_metadata_size", self.metadata_bytes_max),
            ("grpc.absolute_max_metadata_size", self.metadata_bytes_max),
            ("grpc.server_handshake_timeout_ms", self.handshake_ms_max),
            ("grpc.max_connection_idle_ms", self.connection_idle_s * _MS_PER_S),
            ("grpc.max_connection_age_ms", self.connection_age_s * _MS_PER_S),
            ("grpc.max_connection_age_grace_ms", self.connection_age_grace_s * _MS_PER_S),
            ("grpc.keepalive_time_ms", self.keepalive_s * _MS_PER_S),
            ("grpc.keepalive_timeout_ms", self.keepalive_timeout_s * _MS_PER_S),
            ("grpc.max_concurrent_streams", self.streams_per_connection_max),
            ("grpc.so_reuseport", int(self.reuse_port)),
        ]
