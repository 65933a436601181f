"""One call on its way up to the gRPC server and back, for as long as the browser stays.

In: a gRPC call and the exchange it is made for. Out: messages one by one, then how it ended.
Invariant: a browser that leaves takes its call along; the gRPC server hears it at once.
"""

import asyncio
from collections.abc import AsyncGenerator, Iterable
from typing import Any, Final

import grpc

from .exchange import Exchange, Gone
from .ports import Ended

DETAILS_KEY: Final = "grpc-status-details-bin"
TOLD: Final = ("x-request-id", "x-keelpay-mode")
"""The metadata of answers that leaves the house."""
_NONE: Final = Ended(grpc.StatusCode.UNKNOWN)


class Relay:
    """A call under way.

    Attributes:
        ended: How it ended, once the messages are over.
    """

    def __init__(self, call: Any, exchange: Exchange, *, streaming: bool) -> None:
        """Takes a call that was just made."""
        self.ended = _NONE
        self._call, self._exchange, self._streaming = call, exchange, streaming
        self._cut: Ended | None = None
        self._left = False

    def cut(self, ended: Ended) -> None:
        """Ends the call from outside, for a drain."""
        self._cut = ended
        self._call.cancel()

    async def opening(self) -> tuple[tuple[str, str], ...]:
        """Returns what the server tells before its first message."""
        try:
            return told(await self._call.initial_metadata())
        except asyncio.CancelledError:
            if self._cut is None:
                raise
            return ()

    async def messages(self) -> AsyncGenerator[bytes, None]:
        """Yields the answer's messages.

        Raises:
            Gone: The browser left; the call is cancelled.
        """
        watching = asyncio.create_task(self._watch())
        try:
            if self._streaming:
                async for raw in self._call:
                    yield raw
            else:
                yield await self._call
            self.ended = Ended(await self._call.code(), metadata=told(await self._call.trailing_metadata()))
        except grpc.aio.AioRpcError as error:
            trailers = tuple(error.trailing_metadata() or ())
            details = next((value for key, value in trailers if key == DETAILS_KEY), b"")
            packed = details if isinstance(details, bytes) else b""
            self.ended = Ended(error.code(), error.details() or "", packed, told(trailers))
        except asyncio.CancelledError:
            if self._left:
                raise Gone from None
            if self._cut is None:
                raise
            self.ended = self._cut
        finally:
            watching.cancel()
            self._call.cancel()

    async def _watch(self) -> None:
        await self._exchange.left()
        self._left = True
        self._call.cancel()


def told(metadata: Iterable[tuple[str, str | bytes]] | None) -> tuple[tuple[str, str], ...]:
    """Returns of the metadata what the browser is told."""
    return tuple((key, value) for key, value in metadata or () if key in TOLD and isinstance(value, str))
