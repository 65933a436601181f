# Generated from sdk/keelpay/_async/mandates.py by sdk/generate_sync.py: do not edit.
"""Mandates: small payments to one merchant without a finger each time."""

from datetime import datetime
from typing import Any

from keelpay._filter import conditions, member
from keelpay._names import Defaults, Named, name_of
from keelpay._times import to_timestamp
from keelpay.api.auth.v1 import confirmation_service_pb2, mandate_pb2
from keelpay.api.auth.v1.confirmation_service_pb2_grpc import ConfirmationServiceStub
from keelpay.enums import MandateState
from keelpay.models.confirmation import Confirmation
from keelpay.models.mandate import Mandate
from keelpay.money import Money
from keelpay.payment_draft import to_raw_money
from keelpay.request_id import new_request_id
from keelpay.signer import Signer

from .ceremony import Ceremony
from .connection import Connection
from .pager import Pager, pager


class Mandates:
    """Limits that payers signed once: `client.mandates`."""

    def __init__(self, connection: Connection, defaults: Defaults) -> None:
        """Made by the client."""
        self._connection = connection
        self._defaults = defaults
        self._stub = ConfirmationServiceStub(connection.channel)
        self._ceremony = Ceremony(connection)

    def create(
        self,
        signer: Signer,
        *,
        payer: str | Named,
        payment_max: Money,
        day_max: Money,
        expire_time: datetime,
        total_max: Money | None = None,
        instrument: str | Named = "",
        merchant: str | Named | None = None,
        timeout_s: float | None = None,
    ) -> Mandate:
        """Has a payer sign limits, and makes the mandate.

        Args:
            signer: Who signs.
            payer: Who pays.
            payment_max: The most for one payment.
            day_max: The most for one day in the merchant's time zone.
            expire_time: When it ends, at most 400 days ahead.
            total_max: The most over its whole life; None for no such limit.
            instrument: What is paid from; empty for the payer's balance.
            merchant: The only one who may use it; the client's default if not given.
            timeout_s: Seconds for each call.

        Raises:
            TermsDifferError: The server asked to sign other limits. Nothing was signed.
            PayerDeclinedError: The person said no.
        """
        payee = self._defaults.merchant_or(merchant)
        confirmation = self.start(
            payer=payer,
            payment_max=payment_max,
            day_max=day_max,
            expire_time=expire_time,
            total_max=total_max,
            instrument=instrument,
            merchant=payee,
            timeout_s=timeout_s,
        )
        expected: dict[str, Any] = {
            "payer_id": name_of(payer),
            "payee_id": payee,
            "currency": payment_max.currency_code,
            "payment_max_minor": payment_max.amount_minor,
            "day_max_minor": day_max.amount_minor,
            "total_max_minor": total_max.amount_minor if total_max is not None else 0,
            "instrument_id": name_of(instrument) or "balance",
            "valid_until_s": int(expire_time.timestamp()),
        }
        signed = self._ceremony.sign(confirmation, signer, expected)
        return self.finish(signed.confirmation, signed.assertion_json, merchant=payee, timeout_s=timeout_s)

    def start(
        self,
        *,
        payer: str | Named,
        payment_max: Money,
        day_max: Money,
        expire_time: datetime,
        total_max: Money | None = None,
        instrument: str | Named = "",
        merchant: str | Named | None = None,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Confirmation:
        """Makes the terms, the challenge and the options for a mandate; `create` does all of it."""
        request = confirmation_service_pb2.StartMandateRequest(
            parent=self._defaults.merchant_or(merchant),
            request_id=request_id or new_request_id(),
            mandate=mandate_pb2.Mandate(
                payer=name_of(payer),
                instrument=name_of(instrument),
                payment_max=to_raw_money(payment_max),
                day_max=to_raw_money(day_max),
                total_max=to_raw_money(total_max) if total_max is not None else None,
                expire_time=to_timestamp(expire_time),
            ),
        )
        answer = self._connection.unary(self._stub.StartMandate, request, timeout_s=timeout_s)
        return Confirmation.of(answer.confirmation, replayed=answer.replayed)

    def finish(
        self,
        confirmation: str | Named,
        assertion_json: str,
        *,
        merchant: str | Named | None = None,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Mandate:
        """Spends the confirmation and makes the mandate."""
        request = confirmation_service_pb2.FinishMandateRequest(
            parent=self._defaults.merchant_or(merchant),
            request_id=request_id or new_request_id(),
            confirmation=name_of(confirmation),
            assertion_json=assertion_json,
        )
        answer = self._connection.unary(self._stub.FinishMandate, request, timeout_s=timeout_s)
        return Mandate.of(answer.mandate, replayed=answer.replayed)

    def revoke(self, mandate: str | Named, *, request_id: str = "", timeout_s: float | None = None) -> Mandate:
        """Ends a mandate at once."""
        request = confirmation_service_pb2.RevokeMandateRequest(
            name=name_of(mandate), request_id=request_id or new_request_id()
        )
        answer = self._connection.unary(self._stub.RevokeMandate, request, timeout_s=timeout_s)
        return Mandate.of(answer.mandate, replayed=answer.replayed)

    def list(
        self,
        *,
        merchant: str | Named | None = None,
        payer: str | Named = "",
        state: MandateState | str | None = None,
        order_by: str = "",
        page_size: int = 0,
        timeout_s: float | None = None,
    ) -> Pager[Mandate]:
        """Lists the mandates a merchant was given, or with `merchant="merchants/-"` those a payer gave."""
        request = confirmation_service_pb2.ListMandatesRequest(
            parent=self._defaults.merchant_or(merchant),
            page_size=page_size,
            filter=conditions(payer=name_of(payer), state=member(MandateState, state)),
            order_by=order_by,
        )
        return pager(
            self._connection,
            self._stub.ListMandates,
            request,
            lambda answer: map(Mandate.of, answer.mandates),
            timeout_s=timeout_s,
        )
