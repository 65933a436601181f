"""What the stages of all methods share, and the port by which the auth room lets callers in.

In: made once by server.py. Out: read by every pipeline.
Invariant: nothing here changes from call to call except counters.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import grpc

from keelpay_server.book.caller import Caller
from keelpay_server.book.ports import WallClock

from .access_log import AccessLog
from .arrival import Metadata
from .drain import Drain
from .limits import Load
from .metrics import RpcMetrics

Context = grpc.aio.ServicerContext[Any, Any]
Authenticate = Callable[[Metadata], Caller | Awaitable[Caller]]
"""Verifies the credential in the metadata (`authorization`, or the peer's certificate under `:peer-certificate`).

Raises Refused: TOKEN_EXPIRED, TOKEN_INVALID, PARTNER_SUSPENDED. It is not asked where there is no credential at all.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Stages:
    """What the stages of all methods share."""

    authenticate: Authenticate
    """The port to the auth room."""
    mode: str
    """`test` or `live`, told with every answer."""
    load: Load
    """Calls and watches in flight."""
    drain: Drain
    """Whether the process is leaving."""
    metrics: RpcMetrics
    """Where calls are counted."""
    access_log: AccessLog
    """Where calls are written down."""
    wall_us: WallClock
    """Wall clock, microseconds since the epoch: deadlines of calls and times in the log."""
    ticks_us: Callable[[], int]
    """Monotonic clock, microseconds: durations and rates, which a leap of the wall clock must not disturb."""
    make_request_id: Callable[[], str]
    """Makes the id of a call that brings none."""
    deadline_us_min: int
    """A call with less time than this left is refused, since it could not be answered."""
    storage_retry_after_ms: int
    """What a caller is told to wait when the database is away."""
    rate_callers_max: int
    """Callers remembered by the rate limit of one method."""
    edge_key: str = ""
    """By which the edge of this process is known; empty without one."""
