# Generated from sdk/keelpay/_async/merchants.py by sdk/generate_sync.py: do not edit.
"""Merchants: whoever is paid, and what decides when, where and for what fee."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from keelpay._descriptor import descriptor_of
from keelpay._filter import conditions, member
from keelpay._names import Defaults, Named, name_of
from keelpay.api.auth.v1 import merchant_pb2, partner_request_pb2, partner_service_pb2
from keelpay.api.auth.v1.partner_service_pb2_grpc import PartnerServiceStub
from keelpay.enums import MerchantState
from keelpay.merchant_terms import Calendar, Fees, PayoutDestination
from keelpay.models.merchant import Merchant, Proposal
from keelpay.request_id import new_request_id

from .connection import Connection
from .pager import Pager, pager


class MerchantChange(NamedTuple):
    """What became of a change.

    Attributes:
        merchant: The merchant as it is now.
        proposal: What waits for a second person; None if nothing does.
    """

    merchant: Merchant
    proposal: Proposal | None


class Merchants:
    """Whoever is paid: `client.merchants`."""

    def __init__(self, connection: Connection, defaults: Defaults) -> None:
        """Made by the client."""
        self._connection = connection
        self._defaults = defaults
        self._stub = PartnerServiceStub(connection.channel)

    def create(
        self,
        merchant_id: str,
        *,
        display_name: str,
        settlement_currency: str,
        calendar: Calendar,
        fees: Fees,
        statement_descriptor: str = "",
        payout_account: PayoutDestination | None = None,
        metadata: Mapping[str, str] | None = None,
        return_origins: Sequence[str] = (),
        partner: str | Named | None = None,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> Merchant:
        """Creates a merchant under an id that the partner chooses.

        Args:
            merchant_id: 1 to 63 lower-case letters, digits and hyphens.
            display_name: Who the payer pays, as shown and signed; 1 to 64 characters.
            settlement_currency: ISO 4217 code or registered token.
            calendar: When its windows close.
            fees: What it pays us.
            statement_descriptor: What the payer's bank statement shows, at most 22 characters; empty takes the
                beginning of the display name.
            payout_account: Where its money goes.
            metadata: The partner's own notes, at most 20; never personal data.
            return_origins: Where payers may be sent back to: `https://shop.example`, or an app's `com.example.shop:`.
            partner: Whose it is; the client's default if not given.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.

        Raises:
            AlreadyExistsError: RESOURCE_ALREADY_EXISTS.
        """
        request = partner_request_pb2.CreateMerchantRequest(
            parent=self._defaults.partner_or(partner),
            request_id=request_id or new_request_id(),
            merchant_id=merchant_id,
            merchant=merchant_pb2.Merchant(
                display_name=display_name,
                statement_descriptor=statement_descriptor or descriptor_of(display_name),
                settlement_currency=settlement_currency,
                settlement_calendar=calendar.to_raw(),
                fee_plan=fees.to_raw(),
                payout_account=payout_account.to_raw() if payout_account is not None else None,
                metadata=metadata,
                return_origins=return_origins,
            ),
        )
        answer = self._connection.unary(self._stub.CreateMerchant, request, timeout_s=timeout_s)
        return Merchant.of(answer.merchant, replayed=answer.replayed)

    def get(self, merchant: str | Named, *, timeout_s: float | None = None) -> Merchant:
        """Returns one merchant as it is now."""
        request = partner_service_pb2.GetMerchantRequest(name=name_of(merchant))
        answer = self._connection.unary(self._stub.GetMerchant, request, timeout_s=timeout_s)
        return Merchant.of(answer.merchant)

    def update(
        self,
        merchant: str | Merchant,
        *,
        display_name: str | None = None,
        statement_descriptor: str | None = None,
        fees: Fees | None = None,
        payout_account: PayoutDestination | None = None,
        metadata: Mapping[str, str] | None = None,
        return_origins: Sequence[str] | None = None,
        request_id: str = "",
        timeout_s: float | None = None,
    ) -> MerchantChange:
        """Changes what is given and nothing else. Fees and payout account become a proposal for a second person.

        Args:
            merchant: Which. A `Merchant` is changed only if it is still as it was read; a name is changed anyway.
            display_name: Who the payer pays.
            statement_descriptor: What the payer's bank statement shows.
            fees: What it pays us.
            payout_account: Where its money goes.
            metadata: The partner's own notes, all of them.
            return_origins: Where payers may be sent back to, all of them.
            request_id: To repeat an earlier request; a new one if empty.
            timeout_s: Seconds for all tries together.

        Raises:
            ConflictError: ETAG_MISMATCH: it changed since it was read.
        """
        request = partner_request_pb2.UpdateMerchantRequest(
            name=name_of(merchant), request_id=request_id or new_request_id()
        )
        changed = request.merchant
        changed.state_version = merchant.state_version if isinstance(merchant, Merchant) else 0
        paths = request.update_mask.paths
        if display_name is not None:
            changed.display_name = display_name
            paths.append("display_name")
        if statement_descriptor is not None:
            changed.statement_descriptor = statement_descriptor
            paths.append("statement_descriptor")
        if fees is not None:
            changed.fee_plan.CopyFrom(fees.to_raw())
            paths.append("fee_plan")
        if payout_account is not None:
            changed.payout_account.CopyFrom(payout_account.to_raw())
            paths.append("payout_account")
        if metadata is not None:
            changed.metadata.update(metadata)
            paths.append("metadata")
        if return_origins is not None:
            changed.return_origins.extend(return_origins)
            paths.append("return_origins")
        answer = self._connection.unary(self._stub.UpdateMerchant, request, timeout_s=timeout_s)
        proposal = Proposal.of(answer.proposal) if answer.HasField("proposal") else None
        return MerchantChange(Merchant.of(answer.merchant, replayed=answer.replayed), proposal)

    def list(
        self,
        *,
        partner: str | Named | None = None,
        state: MerchantState | str | None = None,
        filter: str = "",  # noqa: A002  (the contract's word)
        order_by: str = "",
        page_size: int = 0,
        timeout_s: float | None = None,
    ) -> Pager[Merchant]:
        """Lists the merchants of a partner."""
        request = partner_service_pb2.ListMerchantsRequest(
            parent=self._defaults.partner_or(partner),
            page_size=page_size,
            filter=conditions(filter, state=member(MerchantState, state)),
            order_by=order_by,
        )
        return pager(
            self._connection,
            self._stub.ListMerchants,
            request,
            lambda answer: map(Merchant.of, answer.merchants),
            timeout_s=timeout_s,
        )
