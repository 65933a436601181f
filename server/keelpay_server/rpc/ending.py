"""How a call ends: its answer, a refusal, a crash, a caller who left; and what is recorded of it.

In: a visit and what its handler raised. Out: trailers, a status, a metric, a log line.
Invariant: whatever happened, the call is recorded once, what it held is given back, and no inner text leaves.
"""

import asyncio
import logging

import grpc

from keelpay_server.book.ports import StorageLost
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

from .access_log import Entry
from .arrival import MODE_KEY, REQUEST_ID_KEY, language_of
from .asked import names_in
from .errors import STATUS_DETAILS_KEY, crashed, render
from .stages import Context, Stages
from .visit import Visit

_LOG = logging.getLogger("keelpay.rpc")


class Ending:
    """The last stages of one RPC."""

    def __init__(self, method: str, stages: Stages) -> None:
        """Takes the full method name and what all methods share."""
        self._method = method
        self._stages = stages
        self._counters = stages.metrics.method(method)
        self._mode_pair = (MODE_KEY, stages.mode)

    def identity(self, visit: Visit) -> tuple[tuple[str, str], tuple[str, str]]:
        """Returns the metadata that every answer carries: request id and mode."""
        return ((REQUEST_ID_KEY, visit.request_id), self._mode_pair)

    def tell(self, visit: Visit, context: Context) -> None:
        """Adds request id and mode to whatever trailers the servicer set."""
        ours, theirs = self.identity(visit), context.trailing_metadata()
        context.set_trailing_metadata((*theirs, *ours) if theirs else ours)

    async def fail(self, visit: Visit, context: Context, error: BaseException) -> None:
        """Ends the call with an error of the contract. Returns only where gRPC itself ends it."""
        refused: Refused | None = None
        if isinstance(error, asyncio.CancelledError) and (visit.cut_by is not None or visit.expired):
            visit.resume()
            refused = visit.cut_by
            if refused is None:
                await self._expire(visit, context)
        elif isinstance(error, grpc.aio.AbortError):
            visit.code = _name_of(context.code())
        elif isinstance(error, Refused):
            refused = error
        elif not isinstance(error, Exception) or context.cancelled():
            # The caller left, or its deadline passed: nobody to tell, nothing to report. The commit is the lane's.
            visit.code = "DEADLINE_EXCEEDED" if context.time_remaining() == 0 else "CANCELLED"
        else:
            refused = self._refusal_of(visit, error)
        if refused is not None:
            await self._refuse(visit, context, refused)

    def leave(self, visit: Visit) -> None:
        """Gives back what the call held, and records it."""
        stages = self._stages
        if visit.timer is not None:
            visit.timer.cancel()
        if visit.counted:
            stages.load.leave()
        if visit.cut is not None:
            stages.drain.release(visit.cut)
            stages.load.close_watch(visit.rate_key)
        duration_us = stages.ticks_us() - visit.started_us
        self._counters.record(visit.code, visit.reason, duration_us)
        entry = Entry(
            stages.wall_us(), visit.request_id, self._method, visit.actor, visit.code, visit.reason, duration_us
        )
        stages.access_log.add(entry)

    async def _refuse(self, visit: Visit, context: Context, refused: Refused) -> None:
        rendered = render(refused, visit.request_id, language_of(visit.metadata), names_in(visit.request))
        visit.code, visit.reason = rendered.code.name, refused.reason.name
        self.tell(visit, context)
        trailers = (*context.trailing_metadata(), (STATUS_DETAILS_KEY, rendered.details))
        await context.abort(rendered.code, rendered.message, trailers)

    async def _expire(self, visit: Visit, context: Context) -> None:
        """Answers as gRPC does when a caller's own deadline passes: the outcome is open, so no reason is claimed."""
        visit.code = grpc.StatusCode.DEADLINE_EXCEEDED.name
        self.tell(visit, context)
        message = "the time for this method is over; ask again with the same request id"
        await context.abort(grpc.StatusCode.DEADLINE_EXCEEDED, message, context.trailing_metadata())

    def _refusal_of(self, visit: Visit, error: Exception) -> Refused:
        if isinstance(error, StorageLost):
            wait_ms = self._stages.storage_retry_after_ms
            return Refused(Reason.STORAGE_UNAVAILABLE, "the database cannot be reached", retry_after_ms=wait_ms)
        _LOG.error("call %s of %s crashed", visit.request_id, self._method, exc_info=error)
        return crashed()


def _name_of(code: object) -> str:
    return code.name if isinstance(code, grpc.StatusCode) else grpc.StatusCode.UNKNOWN.name
