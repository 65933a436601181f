"""Passkeys: set up, list, revoke, recover."""

from collections.abc import Mapping
from typing import Any

from keelpay._filter import conditions, member
from keelpay._names import Named, name_of
from keelpay._runtime import async_settle
from keelpay.api.auth.v1 import attestation_pb2, confirmation_service_pb2, passkey_service_pb2
from keelpay.api.auth.v1.passkey_service_pb2_grpc import PasskeyServiceStub
from keelpay.enums import PasskeyState
from keelpay.errors import ConfigurationError
from keelpay.models.passkey import Passkey, Registration
from keelpay.payment_method import payer_of
from keelpay.request_id import new_request_id
from keelpay.signer import AsyncAuthenticator, AsyncSigner

from .ceremony import AsyncCeremony, Signed
from .connection import AsyncConnection
from .pager import AsyncPager, async_pager


class AsyncPasskeys:
    """The keys with which payers sign: `client.passkeys`."""

    def __init__(self, connection: AsyncConnection) -> None:
        """Made by the client."""
        self._connection = connection
        self._stub = PasskeyServiceStub(connection.channel)
        self._ceremony = AsyncCeremony(connection)

    async def register(
        self,
        payer: str | Named,
        authenticator: AsyncAuthenticator,
        *,
        display_name: str,
        signer: AsyncSigner | None = None,
        spc: bool = False,
        timeout_s: float | None = None,
    ) -> Passkey:
        """Sets up a passkey from start to end.

        Args:
            payer: Whose. The first passkey needs a payer token of kind ENROL.
            authenticator: Makes the key: the browser, or `keelpay.testing.SoftPasskey(...).create`.
            display_name: What the person calls it, 1 to 64 characters.
            signer: An active passkey of the person, which allows a further one.
            spc: Make it usable with Secure Payment Confirmation.
            timeout_s: Seconds for each call.

        Raises:
            PermissionDeniedError: ENROL_TOKEN_REQUIRED, PASSKEY_REGISTRATION_INVALID.
            ConfigurationError: An active passkey must allow it, and no signer is given.
        """
        registration = await self.start_registration(payer, display_name=display_name, spc=spc, timeout_s=timeout_s)
        signed: Signed | None = None
        if registration.confirmation_required:
            if signer is None:
                raise ConfigurationError("a further passkey must be allowed by an active one: pass signer=...")
            act = confirmation_service_pb2.StartConfirmationRequest(
                parent=name_of(payer), registration=registration.name
            )
            expected: Mapping[str, Any] = {
                "registration_id": registration.name,
                "payer_id": name_of(payer),
                "passkey_display": display_name,
            }
            signed = await self._ceremony.confirm(act, signer, expected, timeout_s=timeout_s)
        return await self.finish_registration(
            registration,
            await async_settle(authenticator(registration.options_json)),
            confirmation=signed.confirmation if signed is not None else "",
            assertion_json=signed.assertion_json if signed is not None else "",
            timeout_s=timeout_s,
        )

    async def start_registration(
        self,
        payer: str | Named,
        *,
        display_name: str,
        spc: bool = False,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Registration:
        """Begins to set up a passkey; `register` does all of it."""
        request = passkey_service_pb2.StartRegistrationRequest(
            parent=name_of(payer), request_id=request_id or new_request_id(), display_name=display_name, spc=spc
        )
        answer = await self._connection.unary(self._stub.StartRegistration, request, timeout_s=timeout_s)
        return Registration.of(answer.registration, replayed=answer.replayed)

    async def finish_registration(
        self,
        registration: str | Named,
        credential_json: str,
        *,
        confirmation: str | Named = "",
        assertion_json: str = "",
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Passkey:
        """Verifies what the device made and stores the passkey. It starts with low limits.

        Args:
            registration: What was begun.
            credential_json: The browser's PublicKeyCredential as JSON.
            confirmation: The confirmation by an active passkey, for a further one.
            assertion_json: What that passkey signed.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.
        """
        request = passkey_service_pb2.FinishRegistrationRequest(
            name=name_of(registration),
            request_id=request_id or new_request_id(),
            credential_json=credential_json,
            confirmation=name_of(confirmation),
            assertion_json=assertion_json,
        )
        answer = await self._connection.unary(self._stub.FinishRegistration, request, timeout_s=timeout_s)
        return Passkey.of(answer.passkey, replayed=answer.replayed)

    def list(
        self,
        payer: str | Named,
        *,
        state: PasskeyState | str | None = None,
        order_by: str = "",
        page_size: int = 0,
        timeout_s: float | None = None,
    ) -> AsyncPager[Passkey]:
        """Lists a payer's passkeys."""
        request = passkey_service_pb2.ListPasskeysRequest(
            parent=name_of(payer),
            page_size=page_size,
            filter=conditions(state=member(PasskeyState, state)),
            order_by=order_by,
        )
        return async_pager(
            self._connection,
            self._stub.ListPasskeys,
            request,
            lambda answer: map(Passkey.of, answer.passkeys),
            timeout_s=timeout_s,
        )

    async def revoke(self, passkey: str | Named, *, request_id: str = "", timeout_s: float | None = None) -> Passkey:
        """Ends a passkey for ever: the device is lost, or sold."""
        request = passkey_service_pb2.RevokePasskeyRequest(
            name=name_of(passkey), request_id=request_id or new_request_id()
        )
        answer = await self._connection.unary(self._stub.RevokePasskey, request, timeout_s=timeout_s)
        return Passkey.of(answer.passkey, replayed=answer.replayed)

    async def start_recovery(
        self,
        payer: str | Named,
        attestation: attestation_pb2.PersonAttestation,
        *,
        display_name: str,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Registration:
        """Begins to set up a passkey for a person who has none left, on the partner's signed word.

        Args:
            payer: Whose.
            attestation: Made by `client.attest(..., purpose="recover")`.
            display_name: What the person calls the new passkey.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.
        """
        request = passkey_service_pb2.StartRecoveryRequest(
            parent=name_of(payer),
            request_id=request_id or new_request_id(),
            display_name=display_name,
            attestation=attestation,
        )
        answer = await self._connection.unary(self._stub.StartRecovery, request, timeout_s=timeout_s)
        return Registration.of(answer.registration, replayed=answer.replayed)

    async def veto_recovery(
        self, passkey: str | Named, signer: AsyncSigner, *, timeout_s: float | None = None
    ) -> Passkey:
        """Stops a recovery: the payer still has an old passkey, and signs with it.

        Args:
            passkey: The cooling passkey.
            signer: The old one.
            timeout_s: Seconds for each call.
        """
        cooling = name_of(passkey)
        act = confirmation_service_pb2.StartConfirmationRequest(parent=payer_of(cooling), recovery_veto=cooling)
        expected = {"passkey_id": cooling, "payer_id": payer_of(cooling)}
        signed = await self._ceremony.confirm(act, signer, expected, timeout_s=timeout_s)
        request = passkey_service_pb2.VetoRecoveryRequest(
            name=cooling,
            request_id=new_request_id(),
            confirmation=signed.confirmation,
            assertion_json=signed.assertion_json,
        )
        answer = await self._connection.unary(self._stub.VetoRecovery, request, timeout_s=timeout_s)
        return Passkey.of(answer.passkey, replayed=answer.replayed)

    async def resume(self, passkey: str | Named, signer: AsyncSigner, *, timeout_s: float | None = None) -> Passkey:
        """Lets a suspended passkey sign again, with the limits of a new one.

        Args:
            passkey: The suspended passkey.
            signer: Another passkey of the payer, an active one.
            timeout_s: Seconds for each call.
        """
        suspended = name_of(passkey)
        act = confirmation_service_pb2.StartConfirmationRequest(parent=payer_of(suspended), passkey_resume=suspended)
        expected = {"passkey_id": suspended, "payer_id": payer_of(suspended)}
        signed = await self._ceremony.confirm(act, signer, expected, timeout_s=timeout_s)
        request = passkey_service_pb2.ResumePasskeyRequest(
            name=suspended,
            request_id=new_request_id(),
            confirmation=signed.confirmation,
            assertion_json=signed.assertion_json,
        )
        answer = await self._connection.unary(self._stub.ResumePasskey, request, timeout_s=timeout_s)
        return Passkey.of(answer.passkey, replayed=answer.replayed)
