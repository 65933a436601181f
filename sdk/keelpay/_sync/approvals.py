# Generated from sdk/keelpay/_async/approvals.py by sdk/generate_sync.py: do not edit.
"""Approvals: four eyes on everything that moves money by hand."""

from keelpay._filter import conditions, member
from keelpay._names import Named, name_of
from keelpay.api.auth.v1 import approval_service_pb2
from keelpay.api.auth.v1.approval_service_pb2_grpc import ApprovalServiceStub
from keelpay.enums import ProposalState
from keelpay.models.merchant import Proposal
from keelpay.request_id import new_request_id

from .connection import Connection
from .pager import Pager, pager


class Approvals:
    """What waits for a second person: `client.approvals`."""

    def __init__(self, connection: Connection) -> None:
        """Made by the client."""
        self._connection = connection
        self._stub = ApprovalServiceStub(connection.channel)

    def get(self, proposal: str | Named, *, timeout_s: float | None = None) -> Proposal:
        """Returns one proposal."""
        request = approval_service_pb2.GetProposalRequest(name=name_of(proposal))
        answer = self._connection.unary(self._stub.GetProposal, request, timeout_s=timeout_s)
        return Proposal.of(answer.proposal)

    def list(
        self,
        *,
        state: ProposalState | str | None = None,
        method: str = "",
        proposer: str | Named = "",
        filter: str = "",  # noqa: A002  (the contract's word)
        order_by: str = "",
        page_size: int = 0,
        timeout_s: float | None = None,
    ) -> Pager[Proposal]:
        """Lists proposals, the newest first."""
        request = approval_service_pb2.ListProposalsRequest(
            page_size=page_size,
            filter=conditions(filter, state=member(ProposalState, state), method=method, proposer=name_of(proposer)),
            order_by=order_by,
        )
        return pager(
            self._connection,
            self._stub.ListProposals,
            request,
            lambda answer: map(Proposal.of, answer.proposals),
            timeout_s=timeout_s,
        )

    def approve(
        self, proposal: str | Named, *, comment: str = "", request_id: str = "", timeout_s: float | None = None
    ) -> Proposal:
        """Approves a proposal and carries it out in the same commit.

        Raises:
            PermissionDeniedError: PROPOSAL_SELF_APPROVAL.
        """
        request = approval_service_pb2.ApproveProposalRequest(
            name=name_of(proposal), request_id=request_id or new_request_id(), comment=comment
        )
        answer = self._connection.unary(self._stub.ApproveProposal, request, timeout_s=timeout_s)
        return Proposal.of(answer.proposal, replayed=answer.replayed)

    def reject(
        self, proposal: str | Named, *, comment: str, request_id: str = "", timeout_s: float | None = None
    ) -> Proposal:
        """Refuses a proposal; its proposer may also withdraw it this way."""
        request = approval_service_pb2.RejectProposalRequest(
            name=name_of(proposal), request_id=request_id or new_request_id(), comment=comment
        )
        answer = self._connection.unary(self._stub.RejectProposal, request, timeout_s=timeout_s)
        return Proposal.of(answer.proposal, replayed=answer.replayed)
