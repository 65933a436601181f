# Generated from sdk/keelpay/_async/token_source.py by sdk/generate_sync.py: do not edit.
"""Access tokens: asked for once, kept, and renewed before they end.

In: who calls. Out: a token that is good now. Invariant: a proof is good for one exchange, so every try signs a new one;
many calls that need a token at once ask for it once.
"""

import time
from datetime import UTC, datetime
from typing import Final

import grpc

from keelpay._methods import facts_of
from keelpay._mode import InstallationMode
from keelpay._retry import Backoff
from keelpay._runtime import CutShortError, Lock, attempt, sleep
from keelpay._status import to_error
from keelpay._times import to_datetime
from keelpay.api.auth.v1 import partner_request_pb2
from keelpay.api.auth.v1.partner_service_pb2_grpc import PartnerServiceStub
from keelpay.credentials import Credentials
from keelpay.enums import Reason
from keelpay.errors import ExhaustedError, InterruptedCallError, KeelpayError, UnavailableError
from keelpay.request_id import new_request_id

# Part of a token's life after which it is renewed; the rest is for a server that cannot be reached just then.
RENEW_AFTER: Final = 0.75
STALE: Final = frozenset({Reason.TOKEN_EXPIRED, Reason.TOKEN_INVALID})


class TokenSource:
    """The token of one caller."""

    def __init__(
        self,
        channel: grpc.Channel,
        credentials: Credentials,
        *,
        backoff: Backoff | None = None,
        mode: InstallationMode | None = None,
    ) -> None:
        """Asks nothing yet.

        Args:
            channel: Where tokens are asked for.
            credentials: Who calls.
            backoff: The shortest pauses between tries.
            mode: Where the server's mode is kept.
        """
        self._mode = mode or InstallationMode()
        self._stub = PartnerServiceStub(channel)
        self._identity = credentials.identity
        self._scopes = credentials.scopes
        self._backoff = backoff or Backoff()
        self._lock = Lock()
        self._token = ""
        self._renew_time = 0.0
        self._end_time = 0.0

    def token(self, timeout_s: float | None = None) -> str:
        """A token that is good now; empty for a caller without one.

        Args:
            timeout_s: Seconds that asking may take; None takes the contract's own.

        Raises:
            UnauthenticatedError: The server does not believe the proof.
        """
        if not self._identity.asks_for_tokens:
            return self._identity.fixed_token
        if time.monotonic() < self._renew_time:
            return self._token
        with self._lock:
            if time.monotonic() >= self._renew_time:
                self._renew(timeout_s)
            return self._token

    def drop_stale(self, error: KeelpayError) -> bool:
        """Forgets the token if an error says that it has ended; returns whether another one can be asked for."""
        if error.reason not in STALE or not self._identity.asks_for_tokens:
            return False
        self._renew_time = self._end_time = 0.0
        return True

    def _renew(self, timeout_s: float | None) -> None:
        """Asks for a token until there is one, or no time; keeps the old one while it lives."""
        allowed_s = facts_of(partner_request_pb2.IssueTokenRequest).deadline_s
        deadline = time.monotonic() + min(allowed_s, allowed_s if timeout_s is None else timeout_s)
        tries = 1
        while True:
            request_id = new_request_id()
            try:
                self._ask(request_id, max(deadline - time.monotonic(), 0.0))
            except (grpc.RpcError, CutShortError) as failure:
                error = to_error(failure, request_id, self._mode)
                if time.monotonic() < self._end_time:
                    return
                pause_s = self._pause_s(error, tries)
                if pause_s is None or time.monotonic() + pause_s >= deadline:
                    raise error from failure
                sleep(pause_s)
                tries += 1
            else:
                return

    def _ask(self, request_id: str, timeout_s: float) -> None:
        request = partner_request_pb2.IssueTokenRequest(assertion=self._identity.assertion(), scopes=self._scopes)
        metadata = (("x-request-id", request_id),)
        answer = attempt(self._stub.IssueToken, request, timeout_s, metadata, self._mode)
        life_s = (to_datetime(answer.token.expire_time) - datetime.now(UTC)).total_seconds()
        now = time.monotonic()
        self._token = answer.token.value
        self._renew_time = now + life_s * RENEW_AFTER
        self._end_time = now + life_s

    def _pause_s(self, error: KeelpayError, tries: int) -> float | None:
        if isinstance(error, UnavailableError | InterruptedCallError):
            return self._backoff.pause_s(tries)
        if isinstance(error, ExhaustedError) and error.retry_after is not None:
            return max(error.retry_after.total_seconds(), self._backoff.pause_s(tries))
        return None
