"""How far a watch has come: what to ask for after a break, and what of an answer is new. Pure.

In: the messages of a stream. Out: what is new in them, and the request that goes on from there.
Invariant: nothing is told twice, and nothing between two messages is left out, however often the stream breaks.
"""

from collections.abc import Sequence
from typing import Protocol, TypeVar

from google.protobuf.message import Message

from .api.event.v1 import event_service_pb2
from .api.gateway.v1 import payment_service_pb2
from .errors import KeelpayError
from .models.event import Event
from .models.payment import Payment

Q_co = TypeVar("Q_co", bound=Message, covariant=True)
R_contra = TypeVar("R_contra", bound=Message, contravariant=True)
T_co = TypeVar("T_co", covariant=True)


class Progress(Protocol[Q_co, R_contra, T_co]):
    """The position of a watch."""

    @property
    def has_ended(self) -> bool:
        """Whether nothing more will come."""

    def request(self) -> Q_co:
        """What to ask for, to go on from here."""

    def accept(self, response: R_contra) -> Sequence[T_co]:
        """Takes a message and returns what is new in it."""

    def broken(self, error: KeelpayError) -> None:
        """Takes what the server said when it ended the stream."""


class PaymentProgress:
    """The version of a payment that was seen last."""

    def __init__(self, name: str, after_state_version: int = 0) -> None:
        """Begins after a version.

        Args:
            name: `merchants/{m}/payments/{p}`.
            after_state_version: The version seen last; 0 to be told the payment as it is now first.
        """
        self._name = name
        self.state_version = after_state_version
        self.has_ended = False

    def request(self) -> payment_service_pb2.WatchPaymentRequest:
        """Only newer versions."""
        return payment_service_pb2.WatchPaymentRequest(name=self._name, after_state_version=self.state_version)

    def accept(self, response: payment_service_pb2.WatchPaymentResponse) -> Sequence[Payment]:
        """The payment, if it is newer."""
        payment = Payment.of(response.payment)
        self.has_ended = self.has_ended or payment.has_ended
        if payment.state_version <= self.state_version:
            return ()
        self.state_version = payment.state_version
        return (payment,)

    def broken(self, error: KeelpayError) -> None:
        """The version says it all."""


class EventProgress:
    """The cursor after the events that were told."""

    has_ended = False

    def __init__(self, first: event_service_pb2.StreamEventsRequest) -> None:
        """Begins where the first request says."""
        self._first = first
        self._sequences: dict[int, int] = {}
        self.cursor = self.cursor_before = first.cursor

    def request(self) -> event_service_pb2.StreamEventsRequest:
        """From the cursor on."""
        request = event_service_pb2.StreamEventsRequest()
        request.CopyFrom(self._first)
        if self.cursor:
            request.cursor = self.cursor
            request.from_beginning = False
        return request

    def accept(self, response: event_service_pb2.StreamEventsResponse) -> Sequence[Event]:
        """The events that come after those of the same book that were told."""
        new = [each for each in response.events if each.sequence > self._sequences.get(each.book, 0)]
        for each in new:
            self._sequences[each.book] = each.sequence
        self.cursor_before = self.cursor
        self.cursor = response.cursor or self.cursor
        return [Event.of(each) for each in new]

    def broken(self, error: KeelpayError) -> None:
        """A server that leaves before its first message tells the cursor of "now", so that nothing is missed."""
        if not self.cursor and not self._first.from_beginning:
            self.cursor = error.metadata.get("cursor", "")
