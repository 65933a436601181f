# Generated from sdk/keelpay/_async/confirmations.py by sdk/generate_sync.py: do not edit.
"""Confirmations, step by step: for apps that show the terms and sign in another place."""

from keelpay._names import Named, name_of
from keelpay.api.auth.v1 import confirmation_service_pb2
from keelpay.api.auth.v1.confirmation_service_pb2_grpc import ConfirmationServiceStub
from keelpay.enums import ConfirmationMethod, Rejection
from keelpay.models.confirmation import Confirmation
from keelpay.money import Money
from keelpay.payment_draft import to_raw_money
from keelpay.payment_method import payer_of
from keelpay.request_id import new_request_id

from .connection import Connection


class Confirmations:
    """Requests to payers to confirm: `client.confirmations`."""

    def __init__(self, connection: Connection) -> None:
        """Made by the client."""
        self._connection = connection
        self._stub = ConfirmationServiceStub(connection.channel)

    def start(
        self,
        payer: str | Named,
        *,
        payment: str | Named,
        method: ConfirmationMethod = ConfirmationMethod.WEBAUTHN,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Confirmation:
        """Makes the terms, the challenge and the options for a payment. Supersedes an earlier one.

        Whoever signs it must check it first: `keelpay.signer.signing_request`. `client.payments.confirm` does all.
        """
        request = confirmation_service_pb2.StartConfirmationRequest(
            parent=name_of(payer),
            request_id=request_id or new_request_id(),
            payment=name_of(payment),
            method=method.wire,
        )
        return self._start(request, timeout_s)

    def start_withdrawal(
        self,
        payer: str | Named,
        *,
        amount: Money,
        instrument: str | Named,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Confirmation:
        """The same for a withdrawal."""
        request = confirmation_service_pb2.StartConfirmationRequest(
            parent=name_of(payer),
            request_id=request_id or new_request_id(),
            withdrawal=confirmation_service_pb2.StartConfirmationRequest.Withdrawal(
                amount=to_raw_money(amount), instrument=name_of(instrument)
            ),
        )
        return self._start(request, timeout_s)

    def start_passkey_addition(
        self, registration: str | Named, *, request_id: str = "", timeout_s: float | None = None
    ) -> Confirmation:
        """The same for a further passkey, by its registration."""
        request = confirmation_service_pb2.StartConfirmationRequest(
            parent=payer_of(name_of(registration)),
            request_id=request_id or new_request_id(),
            registration=name_of(registration),
        )
        return self._start(request, timeout_s)

    def start_recovery_veto(
        self, passkey: str | Named, *, request_id: str = "", timeout_s: float | None = None
    ) -> Confirmation:
        """The same for a veto against the recovery that made this cooling passkey."""
        request = confirmation_service_pb2.StartConfirmationRequest(
            parent=payer_of(name_of(passkey)),
            request_id=request_id or new_request_id(),
            recovery_veto=name_of(passkey),
        )
        return self._start(request, timeout_s)

    def start_passkey_resumption(
        self, passkey: str | Named, *, request_id: str = "", timeout_s: float | None = None
    ) -> Confirmation:
        """The same for a suspended passkey that may sign again."""
        request = confirmation_service_pb2.StartConfirmationRequest(
            parent=payer_of(name_of(passkey)),
            request_id=request_id or new_request_id(),
            passkey_resume=name_of(passkey),
        )
        return self._start(request, timeout_s)

    def reject(
        self,
        confirmation: str | Named,
        *,
        rejection: Rejection = Rejection.BY_PAYER,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Confirmation:
        """Says that it will not be signed, and why."""
        request = confirmation_service_pb2.RejectConfirmationRequest(
            name=name_of(confirmation), request_id=request_id or new_request_id(), rejection=rejection.wire
        )
        answer = self._connection.unary(self._stub.RejectConfirmation, request, timeout_s=timeout_s)
        return Confirmation.of(answer.confirmation, replayed=answer.replayed)

    def get(self, confirmation: str | Named, *, timeout_s: float | None = None) -> Confirmation:
        """Returns one confirmation, with its evidence once it is spent."""
        request = confirmation_service_pb2.GetConfirmationRequest(name=name_of(confirmation))
        answer = self._connection.unary(self._stub.GetConfirmation, request, timeout_s=timeout_s)
        return Confirmation.of(answer.confirmation)

    def _start(
        self, request: confirmation_service_pb2.StartConfirmationRequest, timeout_s: float | None
    ) -> Confirmation:
        answer = self._connection.unary(self._stub.StartConfirmation, request, timeout_s=timeout_s)
        return Confirmation.of(answer.confirmation, replayed=answer.replayed)
