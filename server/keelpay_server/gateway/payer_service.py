"""PayerService on the wire: parse, ask, render; the deciding is elsewhere in this room.

In: validated requests of authenticated callers. Out: payers, instruments, balances, transfers after their commit.
Invariant: a number of a card or account is in clear only between its request and the desk; no command carries it.
"""

import json
from collections.abc import Callable
from typing import Any

from keelpay.api.gateway.v1 import payer_pb2, payer_request_pb2, payer_service_pb2_grpc
from keelpay.api.gateway.v1 import payer_service_pb2 as pb
from keelpay_server.auth.names import parse_one
from keelpay_server.auth.settings import AuthSettings
from keelpay_server.auth.verification import verify
from keelpay_server.book.call import current
from keelpay_server.book.changes import Outcome
from keelpay_server.book.engine import Engine
from keelpay_server.book.filtering import Meaning, parse_filter
from keelpay_server.book.ownership import own_partner, own_payer
from keelpay_server.book.paging import Pager
from keelpay_server.book.payer import Payer
from keelpay_server.book.ports import Page
from keelpay_server.book.refusal import invalid
from keelpay_server.book.request import identify
from keelpay_server.book.times import SECOND_US

from . import names
from .card import check_card
from .instrument import Instrument
from .instrument_commands import RemoveInstrument, StoreInstrument
from .operation import Operation, OperationState
from .payer_commands import HANDLE_BYTES, CreatePayer
from .payer_reads import INSTRUMENT_FILTERS, PAYMENT_FILTERS, holdings, owned_instrument, owned_payer
from .payer_render import render_holding, render_instrument, render_payer, render_transfer
from .payment import Payment
from .payment_reads import ORDERS
from .payment_render import render_payment
from .tokenizer import BANK, CARD, STABLECOIN, WALLET, Details, InstrumentDesk
from .transfer import Transfer
from .transfer_commands import TopUp, Withdraw

WAIT_US_MAX = 3 * SECOND_US
"""How long TopUp and Withdraw wait for the bank's answer before they tell that it is under way."""
MARGIN_US = 200_000


class PayerService(payer_service_pb2_grpc.PayerServiceServicer):
    """Payers (see the contract).

    Args:
        engine: The book.
        pager: Page tokens.
        settings: The relying party that confirmations are for.
        desk: Where numbers are handed in.
        random: Returns so many random bytes.
    """

    def __init__(
        self, engine: Engine, pager: Pager, settings: AuthSettings, desk: InstrumentDesk, random: Callable[[int], bytes]
    ) -> None:
        self._engine, self._reader, self._pager = engine, engine.reader, pager
        self._settings, self._desk, self._random = settings, desk, random

    async def CreatePayer(
        self, request: payer_request_pb2.CreatePayerRequest, context: object
    ) -> payer_request_pb2.CreatePayerResponse:  # fmt: skip
        """See the contract."""
        call, draft = current(), request.payer
        partner = parse_one("partners", request.parent, "parent")
        own_partner(call.caller, partner)
        command = CreatePayer(
            request=identify(call, request, request.parent), caller=call.caller, deadline_us=call.deadline_us,
            partner=partner, person=request.payer_id, handle=self._random(HANDLE_BYTES), locale=draft.locale,
            region=draft.region,
            metadata=json.dumps(dict(draft.metadata), sort_keys=True) if draft.metadata else "",
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        payer = await self._engine.answer(Payer, outcome)
        return payer_request_pb2.CreatePayerResponse(payer=render_payer(payer), replayed=outcome.replayed)

    async def GetPayer(self, request: pb.GetPayerRequest, context: object) -> pb.GetPayerResponse:
        """See the contract."""
        payer = await owned_payer(self._reader, current().caller, request.name)
        return pb.GetPayerResponse(payer=render_payer(payer))

    async def TokenizeInstrument(
        self, request: payer_request_pb2.TokenizeInstrumentRequest, context: object
    ) -> payer_request_pb2.TokenizeInstrumentResponse:  # fmt: skip
        """See the contract."""
        call = current()
        payer = await owned_payer(self._reader, call.caller, request.parent, "parent")
        details = _details(request)
        if details.channel == CARD:
            clock = await self._reader.book()
            check_card(details.number, details.expire_month, details.expire_year, clock.business_us)
        command = StoreInstrument(
            request=identify(call, request, request.parent, self._desk.body_key), caller=call.caller,
            deadline_us=call.deadline_us, payer=payer.id, tokenised=await self._desk.take(payer.id, details),
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        instrument = await self._engine.answer(Instrument, outcome)
        return payer_request_pb2.TokenizeInstrumentResponse(
            instrument=render_instrument(instrument), replayed=outcome.replayed
        )

    async def RemoveInstrument(
        self, request: payer_request_pb2.RemoveInstrumentRequest, context: object
    ) -> payer_request_pb2.RemoveInstrumentResponse:  # fmt: skip
        """See the contract."""
        call = current()
        stored = await owned_instrument(self._reader, call.caller, request.name)
        command = RemoveInstrument(
            request=identify(call, request, request.name), caller=call.caller, deadline_us=call.deadline_us,
            instrument=stored.id,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        instrument = await self._engine.answer(Instrument, outcome)
        return payer_request_pb2.RemoveInstrumentResponse(
            instrument=render_instrument(instrument), replayed=outcome.replayed
        )

    async def ListInstruments(
        self, request: pb.ListInstrumentsRequest, context: object
    ) -> pb.ListInstrumentsResponse:  # fmt: skip
        """See the contract."""
        scope, where, page = await self._listing(request, INSTRUMENT_FILTERS)
        rows = await self._reader.find(Instrument, where, page)
        token = self._pager.next_token(scope, page, rows)
        return pb.ListInstrumentsResponse(instruments=[render_instrument(row) for row in rows], next_page_token=token)

    async def ListPayerPayments(
        self, request: pb.ListPayerPaymentsRequest, context: object
    ) -> pb.ListPayerPaymentsResponse:  # fmt: skip
        """See the contract."""
        scope, where, page = await self._listing(request, PAYMENT_FILTERS)
        rows = await self._reader.find(Payment, where, page)
        token = self._pager.next_token(scope, page, rows)
        return pb.ListPayerPaymentsResponse(payments=[render_payment(row) for row in rows], next_page_token=token)

    async def GetBalance(self, request: pb.GetBalanceRequest, context: object) -> pb.GetBalanceResponse:
        """See the contract."""
        payer = await owned_payer(self._reader, current().caller, request.name)
        found = await holdings(self._reader, payer)
        return pb.GetBalanceResponse(balances=[render_holding(holding) for holding in found])

    async def TopUp(
        self, request: payer_request_pb2.TopUpRequest, context: object
    ) -> payer_request_pb2.TopUpResponse:  # fmt: skip
        """See the contract."""
        outcome = await self._engine.execute(TopUp(**await self._transfer(request)))
        transfer = await self._settled(outcome)
        return payer_request_pb2.TopUpResponse(transfer=transfer, replayed=outcome.replayed)

    async def Withdraw(
        self, request: payer_request_pb2.WithdrawRequest, context: object
    ) -> payer_request_pb2.WithdrawResponse:  # fmt: skip
        """See the contract."""
        fields = await self._transfer(request)
        owner = names.parse_payer("/".join(request.confirmation.split("/")[:4]), "confirmation")
        own_payer(current().caller, owner)
        proof = await verify(
            self._reader, self._settings, request.confirmation, request.assertion_json, self._engine.wall()
        )
        outcome = await self._engine.execute(Withdraw(proof=proof, **fields))
        transfer = await self._settled(outcome)
        return payer_request_pb2.WithdrawResponse(transfer=transfer, replayed=outcome.replayed)

    async def _transfer(self, request: Any) -> dict[str, Any]:
        """Returns what both directions ask for."""
        call = current()
        payer = await owned_payer(self._reader, call.caller, request.parent, "parent")
        instrument = await owned_instrument(self._reader, call.caller, request.instrument, "instrument")
        return {
            "request": identify(call, request, request.parent), "caller": call.caller,
            "deadline_us": call.deadline_us, "payer": payer.id, "instrument": instrument.id,
            "currency": request.amount.currency_code, "amount": request.amount.amount_minor,
        }  # fmt: skip

    async def _settled(self, outcome: Outcome) -> payer_pb2.Transfer:
        """Waits for the bank as long as the caller has time, and returns the transfer as it is then."""
        deadline_us = current().deadline_us
        transfer = await self._engine.answer(Transfer, outcome)
        end_us = self._engine.wall() + WAIT_US_MAX
        end_us = min(end_us, deadline_us - MARGIN_US) if deadline_us else end_us
        with self._engine.hub.watch(transfer.id) as watch:
            while transfer.state == OperationState.SUBMITTED:
                left_us = end_us - self._engine.wall()
                if left_us <= 0 or not await watch.wait(left_us / 1e6):
                    break
                transfer = await self._reader.get(Transfer, transfer.id) or transfer
        return render_transfer(transfer, await self._reader.get(Operation, transfer.operation))

    async def _listing(self, request: Any, filters: dict[str, Meaning]) -> tuple[str, dict[str, object], Page]:
        call = current()
        payer = await owned_payer(self._reader, call.caller, request.parent, "parent")
        where = {"payer": payer.id, **parse_filter(request.filter, filters)}
        scope, page = self._pager.listed(call, request, ORDERS, request.parent)
        return scope, where, page


def _details(request: payer_request_pb2.TokenizeInstrumentRequest) -> Details:
    """Returns what the payer typed."""
    kind = request.WhichOneof("details")
    if kind is None:
        invalid("details", "one of card, bank_account, wallet and chain_address must be set")
    match kind:
        case "card":
            card = request.card
            return Details(CARD, card.number, "", card.expire_month, card.expire_year)
        case "bank_account":
            return Details(BANK, request.bank_account.account_number, request.bank_account.bank_code)
        case "wallet":
            return Details(WALLET, request.wallet.wallet_account, request.wallet.wallet)
        case "chain_address":
            return Details(STABLECOIN, request.chain_address.address, request.chain_address.network)
