"""The few places where asynchronous and blocking code differ by more than a word, side by side.

The synchronous client is written by a program that drops `async` and `await` and these prefixes; what it cannot say by
dropping words is here, once for each side. Invariant: both sides raise the same for the same: `grpc.RpcError` for a
call that ended badly, `CutShortError` for one that was cut here and not by the caller's own cancelling.
"""

import asyncio
import inspect
import threading
import time
from collections.abc import Awaitable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias, TypeVar, cast

import grpc
from google.protobuf.message import Message
from grpc import aio

from ._mode import InstallationMode

Q = TypeVar("Q", bound=Message)
R = TypeVar("R", bound=Message)
V = TypeVar("V")
Metadata = tuple[tuple[str, str], ...]


if TYPE_CHECKING:
    AsyncStreamCall: TypeAlias = aio.UnaryStreamCall[Any, R]
    StreamCall: TypeAlias = grpc._CallIterator[R]  # noqa: SLF001  (the one name that the type stubs have for it)


class CutShortError(Exception):
    """A call ended without a status of its own: the channel was closed, or grpc lost it (grpc#41785)."""


AsyncLock = asyncio.Lock
Lock = threading.Lock
async_sleep = asyncio.sleep
sleep = time.sleep


def _cancelled_by_caller() -> bool:
    """Whether the running task was asked to stop; if not, a CancelledError is only a call that was lost."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


async def async_answer(call: Awaitable[R]) -> R:
    """Awaits the answer of a call."""
    try:
        return await call
    except asyncio.CancelledError:
        if _cancelled_by_caller():
            raise
        raise CutShortError("the call was cut") from None


async def async_attempt(
    method: "aio.UnaryUnaryMultiCallable[Q, R]",
    request: Q,
    timeout_s: float,
    metadata: Metadata,
    mode: InstallationMode,
) -> R:
    """Makes one call, and hears the server's mode."""
    call = method(request, timeout=timeout_s, metadata=metadata)
    answer = await async_answer(call)
    if not mode.told:
        mode.hear(await call.trailing_metadata())
    return answer


def attempt(
    method: "grpc.UnaryUnaryMultiCallable[Q, R]",
    request: Q,
    timeout_s: float,
    metadata: Metadata,
    mode: InstallationMode,
) -> R:
    """Makes one call, and hears the server's mode."""
    answer, call = method.with_call(request, timeout=timeout_s, metadata=metadata)
    mode.hear(call.trailing_metadata())
    return answer


async def async_upload(
    method: "aio.StreamUnaryMultiCallable[Q, R]", requests: Iterable[Q], timeout_s: float, metadata: Metadata,
    mode: InstallationMode,
) -> R:  # fmt: skip
    """Sends a stream of requests, awaits the one answer, and hears the server's mode."""
    call = method(iter(requests), timeout=timeout_s, metadata=metadata)
    answer = await async_answer(call)
    if not mode.told:
        mode.hear(await call.trailing_metadata())
    return answer


def upload(
    method: "grpc.StreamUnaryMultiCallable[Q, R]", requests: Iterable[Q], timeout_s: float, metadata: Metadata,
    mode: InstallationMode,
) -> R:  # fmt: skip
    """Sends a stream of requests, waits for the one answer, and hears the server's mode."""
    answer, call = method.with_call(iter(requests), timeout=timeout_s, metadata=metadata)
    mode.hear(call.trailing_metadata())
    return answer


async def async_hear_stream(call: "AsyncStreamCall[R]", mode: InstallationMode) -> None:
    """Hears the server's mode from the head of a stream that has sent something."""
    if not mode.told:
        mode.hear(await call.initial_metadata())


def hear_stream(call: "StreamCall[R]", mode: InstallationMode) -> None:
    """Hears the server's mode from the head of a stream that has sent something."""
    if not mode.told:
        mode.hear(call.initial_metadata())


async def async_next_message(call: "AsyncStreamCall[R]") -> R | None:
    """The next message of a stream, or None after the last one."""
    try:
        message = await call.read()
    except asyncio.CancelledError:
        if _cancelled_by_caller():
            raise
        raise CutShortError("the stream was cut") from None
    return None if message is aio.EOF else cast("R", message)


def next_message(call: "StreamCall[R]") -> R | None:
    """The next message of a stream, or None after the last one."""
    return next(call, None)


async def async_settle(value: V | Awaitable[V]) -> V:
    """The value of a callback, whether it was written with `async` or without."""
    return await value if inspect.isawaitable(value) else value


def settle(value: V | Awaitable[V]) -> V:
    """The value of a callback.

    Raises:
        TypeError: The callback is asynchronous, and nobody here can await it.
    """
    if inspect.isawaitable(value):
        if inspect.iscoroutine(value):
            value.close()
        raise TypeError("this callback is asynchronous: use AsyncClient, or a plain function")
    return value


async def async_read_bytes(path: Path) -> bytes:
    """The bytes of a file, read beside the event loop."""
    return await asyncio.to_thread(path.read_bytes)


def read_bytes(path: Path) -> bytes:
    """The bytes of a file."""
    return path.read_bytes()
