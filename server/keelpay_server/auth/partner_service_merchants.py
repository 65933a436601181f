"""Merchants on the wire: the part of PartnerService that makes, changes, shows and lists them.

In: validated requests of partners. Out: merchants as they are after their commit. Invariant: what moves a merchant's
money (fees, where it is paid out) changes only by a proposal that a second person approves.
"""

from collections.abc import Mapping
from typing import Final

from keelpay.api.auth.v1 import merchant_pb2, partner_service_pb2_grpc, proposal_pb2
from keelpay.api.auth.v1 import partner_request_pb2 as rq
from keelpay.api.auth.v1 import partner_service_pb2 as pb
from keelpay_server.book.call import current
from keelpay_server.book.caller import CallerKind
from keelpay_server.book.engine import Engine
from keelpay_server.book.filtering import Meaning, one_of, parse_filter, time_of
from keelpay_server.book.merchant import Merchant, MerchantState
from keelpay_server.book.ownership import own_partner, owned_merchant
from keelpay_server.book.paging import Pager
from keelpay_server.book.ports import Page
from keelpay_server.book.refusal import invalid, known_currency
from keelpay_server.book.request import identify

from . import names
from .merchant_commands import CreateMerchant, UpdateMerchant
from .partner_render import (
    metadata_text,
    payout_account_text,
    read_calendar,
    read_fee_plan,
    redacted,
    render_merchant,
    render_proposal,
)
from .payout_vault import PayoutVault
from .proposal import Proposal

FILTERS: Final[dict[str, Meaning]] = {
    "state": one_of("state", MerchantState), "create_time": time_of("create_time"),
}  # fmt: skip
ORDERS: Final = {"create_time": "create_time"}
CHANGEABLE: Final = frozenset(
    {"display_name", "statement_descriptor", "fee_plan", "payout_account", "metadata", "return_origins"}
)


class MerchantMethods(partner_service_pb2_grpc.PartnerServiceServicer):
    """What PartnerService does about merchants (see the contract).

    Args:
        engine: The book.
        pager: Page tokens.
        vault: Keeps account numbers.
    """

    def __init__(self, engine: Engine, pager: Pager, vault: PayoutVault) -> None:
        self._engine, self._reader, self._pager, self._vault = engine, engine.reader, pager, vault

    async def CreateMerchant(self, request: rq.CreateMerchantRequest, context: object) -> rq.CreateMerchantResponse:
        """See the contract."""
        call, asked = current(), request.merchant
        partner = names.parse_one("partners", request.parent, "parent")
        own_partner(call.caller, partner)
        known_currency("settlement_currency", asked.settlement_currency)
        payout = await self._payout(asked, asked.settlement_currency) if asked.HasField("payout_account") else {}
        command = CreateMerchant(
            request=identify(call, request, request.parent), caller=call.caller, deadline_us=call.deadline_us,
            merchant=request.merchant_id, partner=partner, display_name=asked.display_name,
            statement_descriptor=asked.statement_descriptor, currency=asked.settlement_currency,
            calendar=read_calendar(asked.settlement_calendar), fee_plan=read_fee_plan(asked.fee_plan),
            payout_bank=payout.get("payout_bank", ""), payout_account=payout.get("payout_account", ""),
            metadata=metadata_text(asked), return_origins=" ".join(asked.return_origins),
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        row = await self._engine.answer(Merchant, outcome)
        return rq.CreateMerchantResponse(merchant=render_merchant(row), replayed=outcome.replayed)

    async def GetMerchant(self, request: pb.GetMerchantRequest, context: object) -> pb.GetMerchantResponse:
        """See the contract."""
        key = names.parse_one("merchants", request.name)
        return pb.GetMerchantResponse(
            merchant=render_merchant(await owned_merchant(self._reader, current().caller, key))
        )

    async def UpdateMerchant(self, request: rq.UpdateMerchantRequest, context: object) -> rq.UpdateMerchantResponse:
        """See the contract."""
        call, asked = current(), request.merchant
        stored = await owned_merchant(self._reader, call.caller, names.parse_one("merchants", request.name))
        paths = CHANGEABLE if list(request.update_mask.paths) == ["*"] else frozenset(request.update_mask.paths)
        if not paths or not paths <= CHANGEABLE:
            invalid("update_mask", f"must name some of {', '.join(sorted(CHANGEABLE))}")
        identity = identify(call, request, request.name)
        command = UpdateMerchant(
            request=identity, caller=call.caller, deadline_us=call.deadline_us, merchant=stored.id,
            partner=call.caller.partner if call.caller.kind is CallerKind.PARTNER else "",
            state_version=asked.state_version, plain=_plain(asked, paths),
            money=await self._money(asked, paths, stored.currency), shown=redacted(request),
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        row = await self._engine.answer(Merchant, outcome)
        return rq.UpdateMerchantResponse(
            merchant=render_merchant(row), replayed=outcome.replayed, proposal=await self._proposed(identity.key)
        )

    async def ListMerchants(self, request: pb.ListMerchantsRequest, context: object) -> pb.ListMerchantsResponse:
        """See the contract."""
        call = current()
        partner = names.parse_one("partners", request.parent, "parent")
        own_partner(call.caller, partner)
        where = {**parse_filter(request.filter, FILTERS), "partner": partner}
        scope, page = self._pager.listed(call, request, ORDERS, request.parent)
        rows = await self._reader.find(Merchant, where, page)
        return pb.ListMerchantsResponse(
            merchants=[render_merchant(row) for row in rows], next_page_token=self._pager.next_token(scope, page, rows)
        )

    async def _payout(self, asked: merchant_pb2.Merchant, code: str) -> dict[str, str]:
        account = asked.payout_account
        if not account.account_number:
            invalid("merchant.payout_account.account_number", "is needed to set the payout account")
        target = await self._vault.protect_account(
            currency=code, bank_code=account.bank_code, account_holder=account.account_holder,
            account_number=account.account_number,
        )  # fmt: skip
        return {"payout_bank": target.bank, "payout_account": payout_account_text(account, target)}

    async def _money(self, asked: merchant_pb2.Merchant, paths: frozenset[str], code: str) -> Mapping[str, str]:
        """Returns what a second person has to agree to."""
        money: dict[str, str] = {}
        if "fee_plan" in paths:
            money["fee_plan"] = read_fee_plan(asked.fee_plan)
        if "payout_account" in paths:
            money |= await self._payout(asked, code)
        return money

    async def _proposed(self, origin: bytes) -> proposal_pb2.Proposal | None:
        found = await self._reader.find(Proposal, {"origin": origin}, Page(1))
        return render_proposal(found[0]) if found else None


def _plain(asked: merchant_pb2.Merchant, paths: frozenset[str]) -> dict[str, str]:
    """Returns what changes at once."""
    values = {
        "display_name": asked.display_name, "statement_descriptor": asked.statement_descriptor,
        "metadata": metadata_text(asked), "return_origins": " ".join(asked.return_origins),
    }  # fmt: skip
    chosen = {name: value for name, value in values.items() if name in paths}
    for name in ("display_name", "statement_descriptor"):
        if name in chosen and not chosen[name]:
            invalid(f"merchant.{name}", "must not be empty")
    return chosen
