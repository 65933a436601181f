"""Public keys on the wire: the part of PartnerService about a client's keys, and our own (the JWKS).

In: validated requests of partners; proofs that a new key is held. Out: public keys. Invariant: no key is added that its
client does not hold, and one that is revoked here is refused at once.
"""

from typing import Final

from keelpay.api.auth.v1 import partner_request_pb2 as rq
from keelpay.api.auth.v1 import partner_service_pb2 as pb
from keelpay.api.auth.v1 import partner_service_pb2_grpc
from keelpay_server.book import ids
from keelpay_server.book.call import current
from keelpay_server.book.engine import Engine
from keelpay_server.book.filtering import Meaning, one_of, parse_filter
from keelpay_server.book.ownership import own_partner
from keelpay_server.book.paging import Pager
from keelpay_server.book.refusal import invalid
from keelpay_server.book.request import identify

from . import names
from .client_commands import CreateSigningKey, RevokeSigningKey
from .client_key import KIND as KEY_KIND
from .client_key import ClientKey, ClientKeyState, algorithm_of, read_public_key
from .key_keeper import KeyKeeper
from .key_proof import verify_key_proof
from .partner_render import render_jwk, render_key
from .settings import AuthSettings
from .standing import Standing
from .token_failure import TokenInvalid

FILTERS: Final[dict[str, Meaning]] = {"state": one_of("state", ClientKeyState)}
ORDERS: Final = {"create_time": "id"}


class KeyMethods(partner_service_pb2_grpc.PartnerServiceServicer):
    """What PartnerService does about public keys (see the contract).

    Args:
        engine: The book.
        pager: Page tokens.
        settings: Limits.
        keeper: Our signing keys.
        standing: To look again at once at a client whose key was revoked here.
    """

    def __init__(
        self, engine: Engine, pager: Pager, settings: AuthSettings, keeper: KeyKeeper, standing: Standing
    ) -> None:
        self._engine, self._reader, self._pager, self._settings = engine, engine.reader, pager, settings
        self._keeper, self._standing = keeper, standing

    async def CreateSigningKey(
        self, request: rq.CreateSigningKeyRequest, context: object
    ) -> rq.CreateSigningKeyResponse:
        """See the contract."""
        call, asked = current(), request.signing_key
        own_partner(call.caller, names.parse_one("partners", request.parent, "parent"))
        _require_held(request)
        ends = asked.expire_time
        command = CreateSigningKey(
            request=identify(call, request, request.parent), caller=call.caller, deadline_us=call.deadline_us,
            client=request.parent, algorithm=asked.algorithm, public_key=asked.public_key_der,
            expire_time=ends.ToMicroseconds() if asked.HasField("expire_time") else 0,
            keys_max=self._settings.signing_keys_max,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        row = await self._engine.answer(ClientKey, outcome)
        return rq.CreateSigningKeyResponse(signing_key=render_key(row), replayed=outcome.replayed)

    async def RevokeSigningKey(
        self, request: rq.RevokeSigningKeyRequest, context: object
    ) -> rq.RevokeSigningKeyResponse:
        """See the contract."""
        call = current()
        client, _, kid = request.name.partition("/signingKeys/")
        own_partner(call.caller, names.parse_one("partners", client))
        command = RevokeSigningKey(
            request=identify(call, request, request.name), caller=call.caller, deadline_us=call.deadline_us,
            key=ids.parse(KEY_KIND, kid), client=client,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        self._standing.forget(client)
        row = await self._engine.answer(ClientKey, outcome)
        return rq.RevokeSigningKeyResponse(signing_key=render_key(row), replayed=outcome.replayed)

    async def ListSigningKeys(self, request: pb.ListSigningKeysRequest, context: object) -> pb.ListSigningKeysResponse:
        """See the contract."""
        call = current()
        own_partner(call.caller, names.parse_one("partners", request.parent, "parent"))
        where = {**parse_filter(request.filter, FILTERS), "client": request.parent}
        scope, page = self._pager.listed(call, request, ORDERS, request.parent)
        rows = await self._reader.find(ClientKey, where, page)
        return pb.ListSigningKeysResponse(
            signing_keys=[render_key(row) for row in rows], next_page_token=self._pager.next_token(scope, page, rows)
        )

    async def GetJwks(self, request: pb.GetJwksRequest, context: object) -> pb.GetJwksResponse:
        """See the contract."""
        wall_us = self._engine.wall()
        if not self._keeper.fresh(wall_us):
            await self._keeper.look(wall_us)
        return pb.GetJwksResponse(keys=[render_jwk(key) for key in self._keeper.public(wall_us)])


def _require_held(request: rq.CreateSigningKeyRequest) -> None:
    """Verifies the proof, and takes it out: a repeat of the request, proven anew, is the same request.

    Raises:
        Refused: FIELD_INVALID.
    """
    try:
        key = read_public_key(request.signing_key.public_key_der)
    except ValueError as error:
        invalid("signing_key.public_key_der", str(error))
    try:
        verify_key_proof(
            request.proof, public_key=key, algorithm=algorithm_of(key), client=request.parent,
            request_id=request.request_id.lower(),
        )  # fmt: skip
    except TokenInvalid:
        invalid("proof", "is not this key's, for this parent and this request_id")
    request.ClearField("proof")
