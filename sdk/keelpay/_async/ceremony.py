"""The ceremony around a signature: ask the server, check what it asks, let the person sign, tell the server if not.

In: what is meant, and a signer. Out: a confirmation's name and what the passkey signed. Invariant: a signer only ever
sees terms that were checked; a confirmation that was not signed is rejected at once, with the reason.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

from keelpay._runtime import async_settle
from keelpay.api.auth.v1 import confirmation_service_pb2
from keelpay.api.auth.v1.confirmation_service_pb2_grpc import ConfirmationServiceStub
from keelpay.enums import ConfirmationMethod, Rejection
from keelpay.errors import KeelpayError, PayerDeclinedError, TermsDifferError
from keelpay.models.confirmation import Confirmation
from keelpay.request_id import new_request_id
from keelpay.signer import AsyncSigner, require_assertion, require_signer, signing_request

from .connection import AsyncConnection


class Signed(NamedTuple):
    """A signature, ready to be spent.

    Attributes:
        confirmation: The confirmation's name.
        assertion_json: What the passkey signed.
    """

    confirmation: str
    assertion_json: str


class AsyncCeremony:
    """Confirmations from start to signature."""

    def __init__(self, connection: AsyncConnection) -> None:
        """Made by whoever needs a signature."""
        self._connection = connection
        self._stub = ConfirmationServiceStub(connection.channel)

    async def confirm(
        self,
        act: confirmation_service_pb2.StartConfirmationRequest,
        signer: AsyncSigner,
        expected: Mapping[str, Any],
        *,
        timeout_s: float | None = None,
    ) -> Signed:
        """Starts a confirmation and has it signed.

        Args:
            act: What is to be confirmed; it is given a request id here.
            signer: Who signs.
            expected: What the terms must say.
            timeout_s: Seconds for each call to the server; the person has as long as the confirmation lives.

        Raises:
            TermsDifferError: The server asked for something else. Nothing was signed.
            PayerDeclinedError: The person said no.
            ConfigurationError: The signer is none, or returns something else than what a browser returns.
        """
        require_signer(signer)
        act.request_id = new_request_id()
        answer = await self._connection.unary(self._stub.StartConfirmation, act, timeout_s=timeout_s)
        return await self.sign(Confirmation.of(answer.confirmation), signer, expected)

    async def sign(self, confirmation: Confirmation, signer: AsyncSigner, expected: Mapping[str, Any]) -> Signed:
        """Has a confirmation signed that was started already; otherwise as `confirm`."""
        try:
            request = signing_request(confirmation, expected)
            assertion_json = require_assertion(await async_settle(signer(request)))
        except TermsDifferError:
            await self._reject(confirmation, Rejection.TERMS_DIFFER)
            raise
        except PayerDeclinedError:
            await self._reject(confirmation, Rejection.BY_PAYER)
            raise
        except Exception:
            is_spc = confirmation.method is ConfirmationMethod.SPC
            await self._reject(confirmation, Rejection.SPC_UNAVAILABLE if is_spc else Rejection.VERIFICATION_FAILED)
            raise
        return Signed(confirmation.name, assertion_json)

    async def _reject(self, confirmation: Confirmation, rejection: Rejection) -> None:
        request = confirmation_service_pb2.RejectConfirmationRequest(
            name=confirmation.name, request_id=new_request_id(), rejection=rejection.wire
        )
        try:
            await self._connection.unary(self._stub.RejectConfirmation, request)
        except KeelpayError:
            # What the caller has to hear is why nothing was signed; the confirmation ends by itself in two minutes.
            return
