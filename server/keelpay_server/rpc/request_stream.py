"""The messages of a request stream, as far as they came: whole, cut off by the drain, or lost with their client.

In: raw messages. Out: valid ones. Invariant: half of an upload is never taken for all of it, and a stream that changes
something ends after a message, not within one.
"""

import asyncio
from collections.abc import AsyncIterable, AsyncIterator, Callable

from google.protobuf.message import Message

from .drain import Drain
from .stages import Context
from .visit import Visit

Read = Callable[[bytes], Message]
# gRPC tells the end of the messages and the loss of the client one after the other, in either order.
_LOSS_KNOWN_S = 0.002


async def read_stream(read: Read, context: Context, raws: AsyncIterable[bytes]) -> AsyncIterator[Message]:
    """Reads the messages of a stream that changes nothing."""
    async for raw in raws:
        yield read(raw)
    await _require_whole(context)


async def read_changing_stream(
    read: Read, visit: Visit, context: Context, raws: AsyncIterable[bytes], drain: Drain
) -> AsyncIterator[Message]:
    """Reads the messages of a stream that changes something.

    While the process drains, it ends after the message in hand: its answers are still sent before it is told DRAINING.
    """
    messages = aiter(raws)
    leaving = asyncio.ensure_future(drain.wait())
    receiving: asyncio.Future[bytes] | None = None
    try:
        while True:
            receiving = asyncio.ensure_future(anext(messages))
            await asyncio.wait((receiving, leaving), return_when=asyncio.FIRST_COMPLETED)
            if not receiving.done():
                visit.cut_by = drain.refusal()
                return
            try:
                raw = receiving.result()
            except StopAsyncIteration:
                await _require_whole(context)
                return
            yield read(raw)
    finally:
        leaving.cancel()
        if receiving is not None:
            receiving.cancel()


async def _require_whole(context: Context) -> None:
    """Tells the end of a request stream from its loss: gRPC shows a handler both as the end.

    A client that vanished in the middle of an upload must not have half of it taken for all. The news of its leaving
    comes as an event of its own, about now.

    Raises:
        asyncio.CancelledError: The client has left.
    """
    await asyncio.sleep(_LOSS_KNOWN_S)
    if context.cancelled():
        raise asyncio.CancelledError
