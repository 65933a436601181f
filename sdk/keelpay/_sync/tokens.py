# Generated from sdk/keelpay/_async/tokens.py by sdk/generate_sync.py: do not edit.
"""Tokens: short-lived proof of who calls. A client with a key asks for its own by itself."""

from collections.abc import Sequence

from keelpay._names import Named, name_of
from keelpay.api.auth.v1 import attestation_pb2, partner_request_pb2
from keelpay.api.auth.v1.partner_service_pb2_grpc import PartnerServiceStub
from keelpay.enums import PayerTokenKind
from keelpay.models.checkout import PayerLink
from keelpay.models.merchant import AccessToken
from keelpay.request_id import new_request_id

from .connection import Connection


class Tokens:
    """Tokens for others: `client.tokens`."""

    def __init__(self, connection: Connection) -> None:
        """Made by the client."""
        self._connection = connection
        self._stub = PartnerServiceStub(connection.channel)

    def issue(self, assertion: str, *, scopes: Sequence[str] = (), timeout_s: float | None = None) -> AccessToken:
        """Exchanges a signed assertion for an access token. An assertion is good once.

        Args:
            assertion: Made by `SigningPrivateKey.client_assertion`.
            scopes: Which scopes are wanted; empty means all that the caller may have.
            timeout_s: Seconds for the one try.
        """
        request = partner_request_pb2.IssueTokenRequest(assertion=assertion, scopes=scopes)
        answer = self._connection.unary(self._stub.IssueToken, request, timeout_s=timeout_s)
        return AccessToken.of(answer.token)

    def pay(
        self, payer: str | Named, payment: str | Named, *, request_id: str = "", timeout_s: float | None = None
    ) -> AccessToken:
        """A token to see, confirm, reject or cancel one payment: hand it to the person's app or page."""
        request = partner_request_pb2.IssuePayerTokenRequest(
            parent=name_of(payer),
            request_id=request_id or new_request_id(),
            kind=PayerTokenKind.PAY.wire,
            payment=name_of(payment),
        )
        return self._issue_payer(request, timeout_s)

    def enrol(
        self,
        payer: str | Named,
        attestation: attestation_pb2.PersonAttestation,
        *,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> AccessToken:
        """A token to set up a first passkey.

        Args:
            payer: Whose.
            attestation: How the partner knows the person, made by `client.attest`.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.
        """
        request = partner_request_pb2.IssuePayerTokenRequest(
            parent=name_of(payer),
            request_id=request_id or new_request_id(),
            kind=PayerTokenKind.ENROL.wire,
            attestation=attestation,
        )
        return self._issue_payer(request, timeout_s)

    def manage(self, payer: str | Named, *, request_id: str = "", timeout_s: float | None = None) -> AccessToken:
        """A token to manage the payer's own passkeys, instruments, mandates and balance, and to read own payments."""
        request = partner_request_pb2.IssuePayerTokenRequest(
            parent=name_of(payer), request_id=request_id or new_request_id(), kind=PayerTokenKind.MANAGE.wire
        )
        return self._issue_payer(request, timeout_s)

    def enrol_link(
        self,
        payer: str | Named,
        attestation: attestation_pb2.PersonAttestation,
        *,
        merchant: str | Named = "",
        return_url: str = "",
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> PayerLink:
        """A link to the page on which a payer sets up a first passkey; it opens once.

        After `passkeys.start_recovery` the same page goes on with the recovery.

        Args:
            payer: `partners/{p}/payers/{u}`.
            attestation: How the partner knows the person, made by `client.attest`.
            merchant: The merchant whose `return_origins` allow the `return_url`.
            return_url: Where the payer goes back to when all is done; needs a merchant.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.
        """
        request = partner_request_pb2.CreatePayerLinkRequest(
            parent=name_of(payer),
            request_id=request_id or new_request_id(),
            kind=PayerTokenKind.ENROL.wire,
            attestation=attestation,
            merchant=name_of(merchant),
            return_url=return_url,
        )
        return self._link(request, timeout_s)

    def manage_link(
        self,
        payer: str | Named,
        *,
        merchant: str | Named = "",
        return_url: str = "",
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> PayerLink:
        """A link to the page on which a payer manages passkeys and mandates; it opens once. See `enrol_link`."""
        request = partner_request_pb2.CreatePayerLinkRequest(
            parent=name_of(payer),
            request_id=request_id or new_request_id(),
            kind=PayerTokenKind.MANAGE.wire,
            merchant=name_of(merchant),
            return_url=return_url,
        )
        return self._link(request, timeout_s)

    def _link(self, request: partner_request_pb2.CreatePayerLinkRequest, timeout_s: float | None) -> PayerLink:
        answer = self._connection.unary(self._stub.CreatePayerLink, request, timeout_s=timeout_s)
        return PayerLink.of(answer.link, replayed=answer.replayed)

    def _issue_payer(self, request: partner_request_pb2.IssuePayerTokenRequest, timeout_s: float | None) -> AccessToken:
        answer = self._connection.unary(self._stub.IssuePayerToken, request, timeout_s=timeout_s)
        return AccessToken.of(answer.token, replayed=answer.replayed)
