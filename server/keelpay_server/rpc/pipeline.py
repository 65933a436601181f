"""The way of every RPC, in one place: identify, admit, read, handle, answer, record.

In: raw bytes and a gRPC context. Out: the servicer's answer, or one error of the contract; metrics and a log line.
Invariant: the stages run in the order in which `_admit` lists them, for all four kinds of RPC, and nothing that a
servicer raises leaves in any other shape than errors.py gives it.

The pipeline wraps each handler once at the start, instead of being a `grpc.aio.ServerInterceptor`: so it sees the bytes
before they are parsed, knows its method's tables without a look-up, and cannot be left out.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable
from typing import Any

import grpc
from google.protobuf.message import Message

from keelpay_server.book.call import Call, set_current
from keelpay_server.book.caller import ANYONE, Caller
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.times import SECOND_US

from .arrival import (
    AUTHORIZATION_KEY,
    add_certificate,
    address_of,
    certificate_of,
    metadata_of,
    request_id_of,
)
from .contract import MethodShape
from .ending import Ending
from .limits import RateLimit
from .policy import Policy, admit
from .request_stream import read_changing_stream, read_stream
from .stages import Context, Stages
from .visit import Visit


class MethodPipeline:
    """The stages around the handler of one RPC."""

    def __init__(
        self,
        method: MethodShape,
        policy: Policy,
        read: Callable[[bytes], Message],
        write: Callable[[object], bytes],
        behaviour: Callable[[Any, Any], Any],
        stages: Stages,
    ) -> None:
        """Binds everything that does not change from call to call.

        Args:
            method: The RPC.
            policy: Its row.
            read: Turns bytes into a valid request (wire.py).
            write: Turns an answer into bytes.
            behaviour: The servicer's method: a coroutine function, or for streams an async generator function.
            stages: What all methods share.
        """
        self._method = method
        self._policy = policy
        self._read = read
        self._write = write
        self._behaviour = behaviour
        self._stages = stages
        self._rate = RateLimit(policy.rate_per_minute, stages.rate_callers_max)
        self._started = stages.metrics.method(method.name)
        self._ending = Ending(method.name, stages)
        self.is_watch = method.server_streaming and policy.read_only

    def handler(self) -> "grpc.RpcMethodHandler[Any, Any]":
        """Returns what gRPC calls. It passes bytes through: reading and writing belong to the stages."""
        if self._method.client_streaming:
            if self._method.server_streaming:
                return grpc.stream_stream_rpc_method_handler(self._many_answers)
            return grpc.stream_unary_rpc_method_handler(self._stream_unary)
        if self._method.server_streaming:
            return grpc.unary_stream_rpc_method_handler(self._many_answers)
        return grpc.unary_unary_rpc_method_handler(self._unary_unary)

    # --- the four kinds of RPC: the same stages, put around one message or many ---

    async def _unary_unary(self, raw: bytes, context: Context) -> bytes:
        visit = self._arrive(context)
        try:
            waiting = self._admit(visit, context)
            if waiting is not None:
                self._let_in(visit, await waiting, context)
            visit.request = self._read(raw)
            answer = self._write(await self._behaviour(visit.request, context))
        except BaseException as error:
            await self._ending.fail(visit, context, error)
            raise
        else:
            self._ending.tell(visit, context)
            return answer
        finally:
            self._ending.leave(visit)

    async def _stream_unary(self, raws: AsyncIterable[bytes], context: Context) -> bytes:
        visit = self._arrive(context)
        try:
            waiting = self._admit(visit, context)
            if waiting is not None:
                self._let_in(visit, await waiting, context)
            answer = self._write(await self._behaviour(self._requests(visit, context, raws), context))
            if visit.cut_by is not None:
                raise visit.cut_by  # noqa: TRY301  (one way out for every error)
        except BaseException as error:
            await self._ending.fail(visit, context, error)
            raise
        else:
            self._ending.tell(visit, context)
            return answer
        finally:
            self._ending.leave(visit)

    async def _many_answers(self, received: Any, context: Context) -> AsyncIterator[bytes]:
        visit = self._arrive(context)
        try:
            waiting = self._admit(visit, context)
            if waiting is not None:
                self._let_in(visit, await waiting, context)
            request: object
            if self._method.client_streaming:
                request = self._requests(visit, context, received)
            else:
                request = visit.request = self._read(received)
            async for answer in self._answers(visit, context, request):
                yield answer
        except BaseException as error:
            await self._ending.fail(visit, context, error)
            raise
        else:
            self._ending.tell(visit, context)
        finally:
            self._ending.leave(visit)

    # --- before the handler ---

    def _arrive(self, context: Context) -> Visit:
        self._started.started += 1
        pairs: Any = context.invocation_metadata() or ()
        visit = Visit(self._stages.ticks_us(), metadata_of(pairs))
        visit.request_id = request_id_of(visit.metadata, self._stages.make_request_id)
        return visit

    def _admit(self, visit: Visit, context: Context) -> Awaitable[Caller] | None:
        """Lets a call in, or refuses it: the cheapest checks first, nothing of the message read yet.

        Returns:
            The caller still to be awaited and then let in, where the auth room has to ask somebody.
        """
        stages = self._stages
        if not self.is_watch:
            stages.load.enter()
            visit.counted = True
        if stages.drain.refusing and (self.is_watch or not self._policy.read_only):
            raise stages.drain.refusal()
        visit.address = address_of(context.peer(), visit.metadata, stages.edge_key)
        caller = self._caller(visit, context)
        if isinstance(caller, Caller):
            self._let_in(visit, caller, context)
            return None
        return caller

    def _caller(self, visit: Visit, context: Context) -> Caller | Awaitable[Caller]:
        metadata = visit.metadata
        if not self._policy.wants_credential:
            return ANYONE
        if AUTHORIZATION_KEY in metadata:
            if not metadata[AUTHORIZATION_KEY]:
                raise Refused(Reason.TOKEN_INVALID, "the authorization header is empty, or came twice")
        elif not add_certificate(metadata, context.auth_context()):
            if self._policy.open_to_anyone:
                return ANYONE
            raise Refused(Reason.TOKEN_MISSING, "the call carries no credential")
        return self._stages.authenticate(metadata)

    def _let_in(self, visit: Visit, caller: Caller, context: Context) -> None:
        visit.know(caller)
        admit(self._policy, caller)
        self._rate.take(visit.rate_key, visit.started_us)
        remaining_us = self._limit_time(visit, context)
        if self.is_watch:
            self._open_watch(visit)
        deadline_us = self._stages.wall_us() + remaining_us
        # Who holds no credential yet may prove itself by its connection.
        certificate = certificate_of(context.auth_context()) if self._policy.open_to_anyone else b""
        set_current(Call(visit.request_id, caller, self._method.name, deadline_us, visit.address, certificate))

    def _limit_time(self, visit: Visit, context: Context) -> int:
        """Returns the time left in microseconds: the caller's, but not more than the policy's."""
        limit_us = self._policy.deadline_us
        remaining_s = context.time_remaining()
        if remaining_s is not None:
            remaining_us = int(remaining_s * SECOND_US)
            if remaining_us < self._stages.deadline_us_min:
                raise Refused(Reason.DEADLINE_TOO_SHORT, "the deadline leaves no time to answer")
            if remaining_us <= limit_us:
                return remaining_us  # gRPC itself ends the call then: no timer of ours
        visit.expire_after(limit_us / SECOND_US)
        return limit_us

    def _open_watch(self, visit: Visit) -> None:
        stages = self._stages
        stages.load.open_watch(visit.rate_key)
        visit.task = asyncio.current_task()
        visit.cut = lambda: visit.cut_off(stages.drain.refusal())
        stages.drain.hold(visit.cut)

    # --- around the handler's streams ---

    def _requests(self, visit: Visit, context: Context, raws: AsyncIterable[bytes]) -> AsyncIterator[Message]:
        if self._policy.read_only:
            return read_stream(self._read, context, raws)
        return read_changing_stream(self._read, visit, context, raws, self._stages.drain)

    async def _answers(self, visit: Visit, context: Context, request: object) -> AsyncIterator[bytes]:
        """Runs the handler of a response stream and closes it however the call ends."""
        # A stream may last for hours: its client learns id and mode at once, not with the trailers.
        await context.send_initial_metadata(self._ending.identity(visit))
        answers = self._behaviour(request, context)
        try:
            async for answer in answers:
                yield self._write(answer)
        finally:
            close = getattr(answers, "aclose", None)
            if close is not None:
                await close()
        if visit.cut_by is not None:
            raise visit.cut_by
