"""ApprovalService on the wire: the second person's desk.

In: validated requests of operators. Out: proposals. Invariant: what is approved is rebuilt from what was stored.
"""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from keelpay.api.auth.v1 import approval_service_pb2 as pb
from keelpay.api.auth.v1 import approval_service_pb2_grpc
from keelpay_server.book import ids
from keelpay_server.book.call import current
from keelpay_server.book.engine import Engine
from keelpay_server.book.filtering import Meaning, one_of, parse_filter, text_of, time_of
from keelpay_server.book.paging import Pager
from keelpay_server.book.reaction import Reactions
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.request import identify

from .names import PROPOSAL, parse_one
from .partner_render import render_proposal
from .proposal import Proposal, ProposalState
from .proposal_commands import ApproveProposal, Rebuild, RejectProposal

FILTERS: Final[dict[str, Meaning]] = {
    "state": one_of("state", ProposalState),
    "method": text_of("method"),
    "proposer": text_of("proposer"),
    "create_time": time_of("create_time"),
}
ORDERS: Final = {"create_time": "id"}


class ApprovalService(approval_service_pb2_grpc.ApprovalServiceServicer):
    """Proposals (see the contract).

    Args:
        engine: The book.
        pager: Page tokens.
        rebuilds: How the command of each kind of proposal is made again.
        reactions: The engine's table of reactions.
    """

    def __init__(self, engine: Engine, pager: Pager, rebuilds: Mapping[str, Rebuild], reactions: Reactions) -> None:
        self._engine, self._pager, self._rebuilds, self._reactions = engine, pager, rebuilds, reactions

    async def GetProposal(self, request: pb.GetProposalRequest, context: object) -> pb.GetProposalResponse:
        """See the contract."""
        return pb.GetProposalResponse(proposal=render_proposal(await self._stored(request.name)))

    async def ListProposals(self, request: pb.ListProposalsRequest, context: object) -> pb.ListProposalsResponse:
        """See the contract."""
        call = current()
        where = parse_filter(request.filter, FILTERS)
        scope, page = self._pager.listed(call, request, ORDERS, "")
        rows = await self._engine.reader.find(Proposal, where, page)
        return pb.ListProposalsResponse(
            proposals=[render_proposal(row) for row in rows], next_page_token=self._pager.next_token(scope, page, rows)
        )

    async def ApproveProposal(self, request: pb.ApproveProposalRequest, context: object) -> pb.ApproveProposalResponse:
        """See the contract."""
        call = current()
        row = await self._stored(request.name)
        act = self._rebuilds[row.kind](json.loads(row.arguments))
        command = ApproveProposal(
            request=identify(call, request, request.name), caller=call.caller, deadline_us=call.deadline_us,
            proposal=row.id, comment=request.comment, act=replace(act, caller=call.caller),
            reactions=self._reactions,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        row = await self._engine.answer(Proposal, outcome)
        return pb.ApproveProposalResponse(proposal=render_proposal(row), replayed=outcome.replayed)

    async def RejectProposal(self, request: pb.RejectProposalRequest, context: object) -> pb.RejectProposalResponse:
        """See the contract."""
        call = current()
        command = RejectProposal(
            request=identify(call, request, request.name), caller=call.caller, deadline_us=call.deadline_us,
            proposal=_key(request.name), comment=request.comment,
        )  # fmt: skip
        outcome = await self._engine.execute(command)
        row = await self._engine.answer(Proposal, outcome)
        return pb.RejectProposalResponse(proposal=render_proposal(row), replayed=outcome.replayed)

    async def _stored(self, name: str) -> Proposal:
        row = await self._engine.reader.get(Proposal, _key(name))
        if row is None:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="proposal")
        return row


def _key(name: str) -> bytes:
    return ids.parse(PROPOSAL, parse_one("proposals", name))
