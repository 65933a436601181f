# Generated from sdk/keelpay/_async/partners.py by sdk/generate_sync.py: do not edit.
"""Partners: who they are, their public keys, and ours."""

from collections.abc import Sequence
from datetime import datetime

from keelpay._filter import conditions, member
from keelpay._names import Defaults, Named, name_of
from keelpay._times import to_timestamp
from keelpay.api.auth.v1 import partner_request_pb2, partner_service_pb2, signing_key_pb2
from keelpay.api.auth.v1.partner_service_pb2_grpc import PartnerServiceStub
from keelpay.enums import KeyAlgorithm, SigningKeyState
from keelpay.models.merchant import Partner, SigningKey
from keelpay.request_id import new_request_id
from keelpay.signing_key import SigningPrivateKey

from .connection import Connection
from .pager import Pager, pager


class Partners:
    """Platforms and their keys: `client.partners`."""

    def __init__(self, connection: Connection, defaults: Defaults) -> None:
        """Made by the client."""
        self._connection = connection
        self._defaults = defaults
        self._stub = PartnerServiceStub(connection.channel)

    def get(self, partner: str | Named | None = None, *, timeout_s: float | None = None) -> Partner:
        """Returns one partner; the client's default if not given."""
        request = partner_service_pb2.GetPartnerRequest(name=self._defaults.partner_or(partner))
        answer = self._connection.unary(self._stub.GetPartner, request, timeout_s=timeout_s)
        return Partner.of(answer.partner)

    def create_signing_key(
        self,
        key: SigningPrivateKey,
        *,
        expire_time: datetime | None = None,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> SigningKey:
        """Adds the public half of a key, with proof that the private half is here; that half never leaves.

        Add the new key, use it under the name that is returned, then revoke the old one.

        Args:
            key: The new key, of the partner that it names: `SigningPrivateKey.from_pem(pem, holder="partners/shop")`.
            expire_time: When it stops by itself; None for never.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.
        """
        request_id = request_id or new_request_id()
        request = partner_request_pb2.CreateSigningKeyRequest(
            parent=key.holder,
            request_id=request_id,
            signing_key=signing_key_pb2.SigningKey(
                algorithm=KeyAlgorithm[key.algorithm.upper()].wire,
                public_key_der=key.public_key_der,
                expire_time=to_timestamp(expire_time),
            ),
            proof=key.possession_proof(request_id),
        )
        answer = self._connection.unary(self._stub.CreateSigningKey, request, timeout_s=timeout_s)
        return SigningKey.of(answer.signing_key, replayed=answer.replayed)

    def revoke_signing_key(
        self, signing_key: str | Named, *, request_id: str = "", timeout_s: float | None = None
    ) -> SigningKey:
        """Revokes a public key at once."""
        request = partner_request_pb2.RevokeSigningKeyRequest(
            name=name_of(signing_key), request_id=request_id or new_request_id()
        )
        answer = self._connection.unary(self._stub.RevokeSigningKey, request, timeout_s=timeout_s)
        return SigningKey.of(answer.signing_key, replayed=answer.replayed)

    def signing_keys(
        self,
        *,
        partner: str | Named | None = None,
        state: SigningKeyState | str | None = None,
        order_by: str = "",
        page_size: int = 0,
        timeout_s: float | None = None,
    ) -> Pager[SigningKey]:
        """Lists a partner's public keys."""
        request = partner_service_pb2.ListSigningKeysRequest(
            parent=self._defaults.partner_or(partner),
            page_size=page_size,
            filter=conditions(state=member(SigningKeyState, state)),
            order_by=order_by,
        )
        return pager(
            self._connection,
            self._stub.ListSigningKeys,
            request,
            lambda answer: map(SigningKey.of, answer.signing_keys),
            timeout_s=timeout_s,
        )

    def jwks(self, *, timeout_s: float | None = None) -> Sequence[signing_key_pb2.Jwk]:
        """Returns the installation's own public keys (RFC 7517), by which its tokens and evidence can be verified."""
        request = partner_service_pb2.GetJwksRequest()
        answer = self._connection.unary(self._stub.GetJwks, request, timeout_s=timeout_s)
        return tuple(answer.keys)
