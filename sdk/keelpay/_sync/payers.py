# Generated from sdk/keelpay/_async/payers.py by sdk/generate_sync.py: do not edit.
"""Payers: who they are, what they pay from, and the balance they hold here."""

from collections.abc import Mapping, Sequence

from keelpay._filter import conditions, member
from keelpay._names import Defaults, Named, name_of
from keelpay.api.auth.v1 import confirmation_service_pb2
from keelpay.api.gateway.v1 import payer_pb2, payer_request_pb2, payer_service_pb2
from keelpay.api.gateway.v1.payer_service_pb2_grpc import PayerServiceStub
from keelpay.enums import Channel, InstrumentState, PaymentState
from keelpay.instrument_details import InstrumentDetails
from keelpay.models.payer import Balance, Instrument, Payer, Transfer
from keelpay.models.payment import Payment
from keelpay.money import Money
from keelpay.payment_draft import to_raw_money
from keelpay.request_id import new_request_id
from keelpay.signer import Signer

from .ceremony import Ceremony
from .connection import Connection
from .pager import Pager, pager


class Payers:
    """People who pay: `client.payers`."""

    def __init__(self, connection: Connection, defaults: Defaults) -> None:
        """Made by the client."""
        self._connection = connection
        self._defaults = defaults
        self._stub = PayerServiceStub(connection.channel)
        self._ceremony = Ceremony(connection)

    def create(
        self,
        payer_id: str,
        *,
        partner: str | Named | None = None,
        locale: str = "",
        region: str = "",
        metadata: Mapping[str, str] | None = None,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Payer:
        """Creates a payer under an id that the partner chooses.

        Args:
            payer_id: 1 to 63 lower-case letters, digits and hyphens; not a phone number or e-mail.
            partner: Who vouches for the person; the client's default if not given.
            locale: The person's language, BCP 47.
            region: Where the person lives: `CN`, `CN-EAST`.
            metadata: The partner's own notes, at most 20; never personal data.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.

        Raises:
            AlreadyExistsError: RESOURCE_ALREADY_EXISTS.
        """
        request = payer_request_pb2.CreatePayerRequest(
            parent=self._defaults.partner_or(partner),
            request_id=request_id or new_request_id(),
            payer_id=payer_id,
            payer=payer_pb2.Payer(locale=locale, region=region, metadata=metadata),
        )
        answer = self._connection.unary(self._stub.CreatePayer, request, timeout_s=timeout_s)
        return Payer.of(answer.payer, replayed=answer.replayed)

    def get(self, payer: str | Named, *, timeout_s: float | None = None) -> Payer:
        """Returns one payer as it is now."""
        request = payer_service_pb2.GetPayerRequest(name=name_of(payer))
        answer = self._connection.unary(self._stub.GetPayer, request, timeout_s=timeout_s)
        return Payer.of(answer.payer)

    def tokenize(
        self,
        payer: str | Named,
        details: InstrumentDetails,
        *,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Instrument:
        """Stores a card, account, wallet or address. The only call that ever takes their numbers.

        Args:
            payer: Whose.
            details: A `Card`, `BankAccount`, `Wallet` or `ChainAddress`.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.

        Raises:
            InvalidArgumentError: CARD_INVALID.
        """
        request = payer_request_pb2.TokenizeInstrumentRequest(
            parent=name_of(payer), request_id=request_id or new_request_id()
        )
        details.put(request)
        answer = self._connection.unary(self._stub.TokenizeInstrument, request, timeout_s=timeout_s)
        return Instrument.of(answer.instrument, replayed=answer.replayed)

    def instruments(
        self,
        payer: str | Named,
        *,
        channel: Channel | str | None = None,
        state: InstrumentState | str | None = None,
        order_by: str = "",
        page_size: int = 0,
        timeout_s: float | None = None,
    ) -> Pager[Instrument]:
        """Lists what a payer can pay from.

        Args:
            payer: Whose.
            channel: Only those that serve this channel.
            state: Only those in this state.
            order_by: `create_time desc` (the default) or `create_time`.
            page_size: How many are fetched at once, at most 200; 0 means 50.
            timeout_s: Seconds for each page.
        """
        request = payer_service_pb2.ListInstrumentsRequest(
            parent=name_of(payer),
            page_size=page_size,
            filter=conditions(channel=member(Channel, channel), state=member(InstrumentState, state)),
            order_by=order_by,
        )
        return pager(
            self._connection,
            self._stub.ListInstruments,
            request,
            lambda answer: map(Instrument.of, answer.instruments),
            timeout_s=timeout_s,
        )

    def remove_instrument(
        self, instrument: str | Named, *, request_id: str = "", timeout_s: float | None = None
    ) -> Instrument:
        """Removes an instrument and destroys its number. Payments made with it can still be refunded."""
        request = payer_request_pb2.RemoveInstrumentRequest(
            name=name_of(instrument), request_id=request_id or new_request_id()
        )
        answer = self._connection.unary(self._stub.RemoveInstrument, request, timeout_s=timeout_s)
        return Instrument.of(answer.instrument, replayed=answer.replayed)

    def balance(self, payer: str | Named, *, timeout_s: float | None = None) -> Sequence[Balance]:
        """Returns what a payer holds here, one entry a currency."""
        request = payer_service_pb2.GetBalanceRequest(name=name_of(payer))
        answer = self._connection.unary(self._stub.GetBalance, request, timeout_s=timeout_s)
        return tuple(map(Balance.of, answer.balances))

    def top_up(
        self,
        payer: str | Named,
        *,
        amount: Money,
        instrument: str | Named,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Transfer:
        """Moves money from the payer's instrument into the balance. Repeating the request tells how it stands."""
        request = payer_request_pb2.TopUpRequest(
            parent=name_of(payer),
            request_id=request_id or new_request_id(),
            amount=to_raw_money(amount),
            instrument=name_of(instrument),
        )
        answer = self._connection.unary(self._stub.TopUp, request, timeout_s=timeout_s)
        return Transfer.of(answer.transfer, replayed=answer.replayed)

    def withdraw(
        self,
        payer: str | Named,
        signer: Signer,
        *,
        amount: Money,
        instrument: str | Named,
        timeout_s: float | None = None,
    ) -> Transfer:
        """Moves money from the balance to the payer's instrument, on the payer's finger or face.

        Args:
            payer: Whose.
            signer: Who signs.
            amount: How much.
            instrument: Where it goes.
            timeout_s: Seconds for each call.

        Raises:
            TermsDifferError: The server asked to sign something else. Nothing was signed.
            PayerDeclinedError: The person said no.
        """
        act = confirmation_service_pb2.StartConfirmationRequest(
            parent=name_of(payer),
            withdrawal=confirmation_service_pb2.StartConfirmationRequest.Withdrawal(
                amount=to_raw_money(amount), instrument=name_of(instrument)
            ),
        )
        expected = {
            "payer_id": name_of(payer),
            "currency": amount.currency_code,
            "amount_minor": amount.amount_minor,
            "instrument_id": name_of(instrument),
        }
        signed = self._ceremony.confirm(act, signer, expected, timeout_s=timeout_s)
        request = payer_request_pb2.WithdrawRequest(
            parent=name_of(payer),
            request_id=new_request_id(),
            amount=to_raw_money(amount),
            instrument=name_of(instrument),
            confirmation=signed.confirmation,
            assertion_json=signed.assertion_json,
        )
        answer = self._connection.unary(self._stub.Withdraw, request, timeout_s=timeout_s)
        return Transfer.of(answer.transfer, replayed=answer.replayed)

    def payments(
        self,
        payer: str | Named,
        *,
        state: PaymentState | str | None = None,
        order_by: str = "",
        page_size: int = 0,
        timeout_s: float | None = None,
    ) -> Pager[Payment]:
        """Lists a payer's payments, over all merchants of the payer's partner."""
        request = payer_service_pb2.ListPayerPaymentsRequest(
            parent=name_of(payer),
            page_size=page_size,
            filter=conditions(state=member(PaymentState, state)),
            order_by=order_by,
        )
        return pager(
            self._connection,
            self._stub.ListPayerPayments,
            request,
            lambda answer: map(Payment.of, answer.payments),
            timeout_s=timeout_s,
        )
