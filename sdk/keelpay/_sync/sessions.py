# Generated from sdk/keelpay/_async/sessions.py by sdk/generate_sync.py: do not edit.
"""Sessions: what a page, or an app that opens our links itself, begins with."""

from typing import NamedTuple

from keelpay._names import Named, name_of
from keelpay.api.gateway.v1 import checkout_service_pb2
from keelpay.api.gateway.v1.checkout_service_pb2_grpc import CheckoutServiceStub
from keelpay.models.checkout import Session
from keelpay.models.merchant import AccessToken
from keelpay.request_id import new_request_id

from .connection import Connection


class OpenedSession(NamedTuple):
    """What opening a link gave.

    Attributes:
        token: The session's token: `client.with_token(token)` is the client of its holder.
        session: What the first screen shows.
        replayed: This very opening was answered before.
    """

    token: AccessToken
    session: Session
    replayed: bool


class Sessions:
    """Sessions of payers: `client.sessions`."""

    def __init__(self, connection: Connection) -> None:
        """Made by the client."""
        self._connection = connection
        self._stub = CheckoutServiceStub(connection.channel)

    def open(
        self, token: str, *, device_id: str = "", request_id: str = "", timeout_s: float | None = None
    ) -> OpenedSession:
        """Exchanges a link for a session, once. Needs no credentials.

        Args:
            token: What stands behind the `#` in the link.
            device_id: The random id of 32 characters or more that this app keeps on this device: once the payer has
                confirmed something on it, mandates spare the finger there.
            request_id: To repeat the very same opening within two minutes, where its answer was lost; a new one if
                empty.
            timeout_s: Seconds for all tries together.

        Raises:
            FailedPreconditionError: CHECKOUT_LINK_USED, CHECKOUT_LINK_EXPIRED, CHECKOUT_LINK_REPLACED.
            NotFoundError: There is no such link.
        """
        request = checkout_service_pb2.OpenSessionRequest(
            token=token, request_id=request_id or new_request_id(), device_id=device_id
        )
        answer = self._connection.unary(self._stub.OpenSession, request, timeout_s=timeout_s)
        return OpenedSession(AccessToken.of(answer.token), Session.of(answer.session), answer.replayed)

    def get(self, *, merchant: str | Named = "", timeout_s: float | None = None) -> Session:
        """What the first screen of the token's session shows, as it is now.

        Args:
            merchant: Tell also what this merchant may be allowed (`mandate_offer`); in a session that manages.
            timeout_s: Seconds for all tries together.
        """
        request = checkout_service_pb2.GetSessionRequest(merchant=name_of(merchant))
        answer = self._connection.unary(self._stub.GetSession, request, timeout_s=timeout_s)
        return Session.of(answer.session)

    def refresh(self, *, timeout_s: float | None = None) -> AccessToken:
        """A new token for the session, while the held one still works and until the session ends.

        Raises:
            FailedPreconditionError: CHECKOUT_LINK_EXPIRED, CHECKOUT_LINK_REPLACED.
        """
        request = checkout_service_pb2.RefreshSessionRequest()
        answer = self._connection.unary(self._stub.RefreshSession, request, timeout_s=timeout_s)
        return AccessToken.of(answer.token)
