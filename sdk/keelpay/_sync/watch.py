# Generated from sdk/keelpay/_async/watch.py by sdk/generate_sync.py: do not edit.
"""Watches: streams that are followed for as long as somebody listens, and mended when they break.

In: a method that streams, and a `Progress` that knows how far it has come. Out: what is new, in order.
Invariant: a break is not seen by the caller unless it lasts longer than the caller's patience; nothing is told twice.
"""

import time
from collections import deque
from typing import Final, Generic, Self, TypeVar

import grpc
from google.protobuf.message import Message

from keelpay._progress import EventProgress, PaymentProgress, Progress
from keelpay._retry import pause_before_resume
from keelpay._runtime import sleep
from keelpay.api.event.v1.event_service_pb2 import StreamEventsRequest, StreamEventsResponse
from keelpay.api.gateway.v1.payment_service_pb2 import WatchPaymentRequest, WatchPaymentResponse
from keelpay.errors import InterruptedCallError, KeelpayError
from keelpay.models.event import Event
from keelpay.models.payment import Payment

from .connection import Connection, OpenStream

Q = TypeVar("Q", bound=Message)
R = TypeVar("R", bound=Message)
T = TypeVar("T")
PATIENCE_S: Final = 300.0


class Watch(Generic[Q, R, T]):
    """Something that is watched: `for news in watch`. `with watch` leaves it early and tidily."""

    def __init__(
        self,
        connection: Connection,
        method: "grpc.UnaryStreamMultiCallable[Q, R]",
        progress: Progress[Q, R, T],
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """Opens nothing yet.

        Args:
            connection: Where the stream is opened.
            method: The method that streams.
            progress: How far it has come.
            patience_s: How long a break may last before its error is raised.
        """
        self._connection = connection
        self._method = method
        self._progress = progress
        self._patience_s = patience_s
        self._stream: OpenStream[R] | None = None
        self._ready: deque[T] = deque()
        self._breaks = 0
        self._heard_time = time.monotonic()
        self._is_closed = False

    def __iter__(self) -> Self:
        """Itself: a watch is watched once."""
        return self

    def __next__(self) -> T:
        """What happens next; waits for it."""
        while not self._ready:
            if self._is_closed or self._progress.has_ended:
                self.close()
                raise StopIteration
            self._listen()
        return self._ready.popleft()

    def __enter__(self) -> Self:
        """Itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """Closes it."""
        self.close()

    def close(self) -> None:
        """Stops listening, and tells the server so."""
        self._is_closed = True
        stream, self._stream = self._stream, None
        if stream is not None:
            stream.cancel()

    def _listen(self) -> None:
        """Reads one message, or mends one break."""
        try:
            if self._stream is None:
                self._stream = self._connection.open(self._method, self._progress.request())
            message = self._stream.read()
        except KeelpayError as error:
            self._stream = None
            if not self._is_closed:
                self._mend(error)
            return
        if message is None:
            self._stream = None
            if not self._progress.has_ended:
                self._mend(InterruptedCallError("the server ended the stream"))
            return
        self._breaks = 0
        self._heard_time = time.monotonic()
        self._ready.extend(self._progress.accept(message))

    def _mend(self, error: KeelpayError) -> None:
        """Waits before the stream is opened again.

        Raises:
            KeelpayError: The error is final, or the break lasts too long.
        """
        self._breaks += 1
        self._progress.broken(error)
        if self._breaks == 1 and self._connection.renews_token(error):
            return
        pause_s = pause_before_resume(error, attempt=self._breaks, backoff=self._connection.backoff)
        if pause_s is None or self._connection.is_closed:
            raise error
        if time.monotonic() + pause_s > self._heard_time + self._patience_s and self._breaks > 1:
            raise error
        sleep(pause_s)


class PaymentWatch(Watch[WatchPaymentRequest, WatchPaymentResponse, Payment]):
    """A payment, told as it is and after every change, until it has ended."""

    def __init__(
        self,
        connection: Connection,
        method: "grpc.UnaryStreamMultiCallable[WatchPaymentRequest, WatchPaymentResponse]",
        progress: PaymentProgress,
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """As every watch."""
        super().__init__(connection, method, progress, patience_s=patience_s)
        self._position = progress

    @property
    def state_version(self) -> int:
        """The version told last; a later watch may begin after it."""
        return self._position.state_version


class EventStream(Watch[StreamEventsRequest, StreamEventsResponse, Event]):
    """Events as they happen, for ever."""

    def __init__(
        self,
        connection: Connection,
        method: "grpc.UnaryStreamMultiCallable[StreamEventsRequest, StreamEventsResponse]",
        progress: EventProgress,
        *,
        patience_s: float = PATIENCE_S,
    ) -> None:
        """As every watch."""
        super().__init__(connection, method, progress, patience_s=patience_s)
        self._position = progress

    @property
    def cursor(self) -> str:
        """Where a later stream may go on so that nothing is missed.

        Events come in groups, and a cursor stands behind a group: it moves when the last event of a group was told.
        Store it with the effect of the events; those of a group that was not finished come again.
        """
        return self._position.cursor_before if self._ready else self._position.cursor
