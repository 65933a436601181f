# Generated from sdk/keelpay/_async/connection.py by sdk/generate_sync.py: do not edit.
"""One connection: every call of the library goes through here, with its deadline, token, request id and retries.

In: a stub's method and a request. Out: the answer, or a KeelpayError. Invariant: a request is repeated with the same
request id and within the caller's deadline, or not at all; grpc's own errors stay inside, as `__cause__`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Generic, TypeVar

import grpc
from google.protobuf.message import Message

from keelpay._methods import facts_of
from keelpay._mode import InstallationMode
from keelpay._retry import Backoff, pause_before_retry
from keelpay._runtime import (
    CutShortError,
    Metadata,
    attempt,
    hear_stream,
    next_message,
    sleep,
    upload,
)
from keelpay._status import to_error
from keelpay.api.auth.v1 import partner_service_pb2
from keelpay.api.auth.v1.partner_service_pb2_grpc import PartnerServiceStub
from keelpay.errors import ConfigurationError, KeelpayError
from keelpay.request_id import new_request_id

from .token_source import TokenSource

if TYPE_CHECKING:
    from keelpay._runtime import StreamCall

Q = TypeVar("Q", bound=Message)
R = TypeVar("R", bound=Message)


class Connection:
    """A channel to the servers, and who calls over it."""

    def __init__(
        self,
        channel: grpc.Channel,
        tokens: TokenSource,
        *,
        target: str = "",
        language: str = "en",
        backoff: Backoff | None = None,
        mode: InstallationMode | None = None,
    ) -> None:
        """Takes over a channel.

        Args:
            channel: An open channel.
            tokens: Who calls.
            target: Where the channel leads, for people to read.
            language: Of the sentences meant for people, `en` or `zh`.
            backoff: The shortest pauses between tries.
            mode: What kind of installation is expected, and where its own word is kept.
        """
        self.mode = mode or InstallationMode()
        self._target = target
        self._channel = channel
        self.backoff = backoff or Backoff()
        self.is_closed = False
        self._tokens = tokens
        self._language = language

    @property
    def channel(self) -> grpc.Channel:
        """The channel, for stubs.

        Raises:
            ConfigurationError: It is closed; grpc itself crashes if a stub is made then.
        """
        self._require_open()
        return self._channel

    def unary(self, method: grpc.UnaryUnaryMultiCallable[Q, R], request: Q, *, timeout_s: float | None = None) -> R:
        """Makes a call, again where that may help.

        Args:
            method: The method of a stub.
            request: Its request, with its request id where it has one.
            timeout_s: Seconds for all tries together; None takes the contract's own for this RPC.
        """
        return self._repeat(
            type(request),
            getattr(request, "request_id", ""),
            timeout_s,
            lambda left_s, metadata: attempt(method, request, left_s, metadata, self.mode),
        )

    def upload(
        self,
        method: grpc.StreamUnaryMultiCallable[Q, R],
        requests: Callable[[], Iterable[Q]],
        *,
        request_type: type[Q],
        request_id: str,
        timeout_s: float | None = None,
    ) -> R:
        """Sends a stream of requests, from its beginning again where that may help.

        Args:
            method: The method of a stub.
            requests: Makes the stream anew for each try.
            request_type: The kind of its messages.
            request_id: The id that its first message carries.
            timeout_s: Seconds for all tries together; None takes the contract's own.
        """
        return self._repeat(
            request_type,
            request_id,
            timeout_s,
            lambda left_s, metadata: upload(method, requests(), left_s, metadata, self.mode),
        )

    def open(
        self, method: grpc.UnaryStreamMultiCallable[Q, R], request: Q, *, timeout_s: float | None = None
    ) -> OpenStream[R]:
        """Opens a stream of answers. Nothing is known of the server before the first message is read.

        Args:
            method: The method of a stub.
            request: Its request.
            timeout_s: Seconds that the stream may live; None takes the contract's own.
        """
        self._require_open()
        request_id = new_request_id()
        life_s = facts_of(type(request)).deadline_s if timeout_s is None else timeout_s
        metadata = self.metadata(request_id, timeout_s=life_s)
        return OpenStream(method(request, timeout=life_s, metadata=metadata), request_id, self.mode)

    def metadata(self, request_id: str = "", *, timeout_s: float | None = None) -> Metadata:
        """The metadata of a call: who calls, under which id, and in which language people read.

        Args:
            request_id: The id of the call; a new one if empty.
            timeout_s: Seconds for asking for the server's mode and a token, where they are needed.

        Raises:
            ConfigurationError: The client is for the other kind of installation.
        """
        if self.mode.expected:
            self._require_mode(timeout_s)
        token = self._tokens.token(timeout_s)
        base = self._base(request_id)
        return (*base, ("authorization", f"Bearer {token}")) if token else base

    def renews_token(self, error: KeelpayError) -> bool:
        """Whether an error means that the token has ended and another one can be asked for."""
        return self._tokens.drop_stale(error)

    def close(self) -> None:
        """Closes the channel; calls under way are cut."""
        self.is_closed = True
        self._channel.close()

    def _require_mode(self, timeout_s: float | None) -> None:
        """Asks the server which kind it is by a question that anybody may ask, before it is told anything."""
        if not self.mode.told:
            request, stub = partner_service_pb2.GetJwksRequest(), PartnerServiceStub(self.channel)
            self._repeat(
                type(request),
                "",
                timeout_s,
                lambda left_s, metadata: attempt(stub.GetJwks, request, left_s, metadata, self.mode),
                nameless=True,
            )
        self.mode.require(self._target)

    def _base(self, request_id: str) -> Metadata:
        return (("x-request-id", request_id or new_request_id()), ("accept-language", self._language))

    def _repeat(
        self,
        request_type: type[Q],
        request_id: str,
        timeout_s: float | None,
        send: Callable[[float, Metadata], R],
        *,
        nameless: bool = False,
    ) -> R:
        """Tries until there is an answer, an error that no try will change, or no time."""
        call_id = request_id or new_request_id()
        deadline = time.monotonic() + (facts_of(request_type).deadline_s if timeout_s is None else timeout_s)
        tries = 1
        while True:
            self._require_open()
            metadata = self._base(call_id) if nameless else self.metadata(call_id, timeout_s=_left_s(deadline))
            try:
                return send(_left_s(deadline), metadata)
            except (grpc.RpcError, CutShortError) as failure:
                error = to_error(failure, call_id, self.mode)
                pause_s = self._pause_s(error, tries, deadline)
                if pause_s is None:
                    raise error from failure
            sleep(pause_s)
            tries += 1

    def _pause_s(self, error: KeelpayError, tries: int, deadline: float) -> float | None:
        """The pause before the next try; None if there must not be one."""
        if self.is_closed:
            return None
        if tries == 1 and self.renews_token(error):
            return 0.0
        return pause_before_retry(error, attempt=tries, left_s=_left_s(deadline), backoff=self.backoff)

    def _require_open(self) -> None:
        if self.is_closed:
            raise ConfigurationError("this client is closed")


class OpenStream(Generic[R]):
    """A stream of answers under way."""

    def __init__(self, call: StreamCall[R], request_id: str, mode: InstallationMode) -> None:
        """Takes over a call.

        Args:
            call: The call.
            request_id: The id it was sent under.
            mode: Where the server's mode is kept.
        """
        self._call = call
        self._request_id = request_id
        self._mode = mode

    def read(self) -> R | None:
        """The next message, or None after the last one."""
        try:
            message = next_message(self._call)
            hear_stream(self._call, self._mode)
        except (grpc.RpcError, CutShortError) as failure:
            raise to_error(failure, self._request_id, self._mode) from failure
        return message

    def cancel(self) -> None:
        """Tells the server that nobody listens any more."""
        self._call.cancel()


def _left_s(deadline: float) -> float:
    return max(deadline - time.monotonic(), 0.0)
