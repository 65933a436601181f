"""Proposal: an act that one person asked for and a second one must approve (four eyes).

In: `propose` from the command of any room. Out: a stored act, later APPROVED with what came of it, or not.
Invariant: what is carried out is what was stored, in the commit of the approval; nobody approves their own.
"""

from enum import IntEnum
from typing import Any, Final, NamedTuple

from keelpay_server.book.caller import Caller
from keelpay_server.book.changes import WALL, Changes, Event, Work
from keelpay_server.book.refusal import refuse_transition
from keelpay_server.book.times import DAY_US
from keelpay_server.book.world import World

from .client import client_of
from .names import PROPOSAL

KIND: Final = PROPOSAL
EXPIRY_WORK: Final = "proposal.expiry"
LIFE_US: Final = 7 * DAY_US
"""How long a proposal waits for a second person."""


class ProposalState(IntEnum):
    """Life of a proposal, numbered as in the contract."""

    PENDING = 1
    APPROVED = 2
    REJECTED = 3
    EXPIRED = 4


_S = ProposalState
TRANSITIONS: Final[dict[ProposalState, frozenset[ProposalState]]] = {
    _S.PENDING: frozenset({_S.APPROVED, _S.REJECTED, _S.EXPIRED}),
    _S.APPROVED: frozenset(),
    _S.REJECTED: frozenset(),
    _S.EXPIRED: frozenset(),
}


class Proposal(NamedTuple):
    """One proposal. Times are wall clock.

    Attributes:
        id: Its key.
        kind: Which command carries it out; a key of the table of rebuilds.
        arguments: That command's arguments, JSON.
        method: The RPC that asked, without its leading slash.
        resource: What it is about, a resource name.
        shown: The request as JSON for the second person, its secrets redacted.
        proposer: Who asked: `operators/ops-1`, `partners/acme`.
        origin: Key of the request that asked, so that a repeat finds its proposal; empty without one.
        decider: Who decided, or empty.
        comment: What the decider said.
        state: A ProposalState.
        result: What changed, a resource name; set when it was carried out.
        reason: Name of the reason for which it could not be carried out, or empty.
        state_version: Counts its changes.
        expire_time: When nobody can decide any more.
        create_time: When it was asked.
        update_time: When it last changed.
    """

    id: bytes
    kind: str
    arguments: str
    method: str
    resource: str
    shown: str
    proposer: str
    origin: bytes
    decider: str
    comment: str
    state: int
    result: str
    reason: str
    state_version: int
    expire_time: int
    create_time: int
    update_time: int


def propose(
    world: World,
    *,
    kind: str,
    arguments: str,
    method: str,
    resource: str,
    shown: str,
    proposer: Caller,
    origin: bytes = b"",
    life_us: int = LIFE_US,
) -> Changes:
    """Returns a new proposal, for the commands of any room to answer with or to join.

    Args:
        world: As the command sees it.
        kind: A key of the table of rebuilds that `app` wires.
        arguments: What the rebuild needs, JSON.
        method: Full RPC name, such as `keelpay.api.auth.v1.PartnerService/UpdateMerchant`.
        resource: What it is about, a resource name.
        shown: The request as JSON, redacted.
        proposer: Who asks.
        origin: The request's key, to find the proposal again.
        life_us: How long it waits.
    """
    row = Proposal(
        id=world.new_id(), kind=kind, arguments=arguments, method=method.lstrip("/"), resource=resource, shown=shown,
        proposer=client_of(proposer.kind, proposer.subject), origin=origin, decider="", comment="",
        state=ProposalState.PENDING, result="", reason="", state_version=1, expire_time=world.wall_us + life_us,
        create_time=world.wall_us, update_time=world.wall_us,
    )  # fmt: skip
    return Changes(row, events=(event_of(row, "created"),), work=(expiry_of(row),))


def move(proposal: Proposal, to: ProposalState, wall_us: int, **changes: Any) -> Proposal:
    """Returns the proposal at its end.

    Raises:
        Refused: ILLEGAL_TRANSITION.
    """
    if to not in TRANSITIONS[ProposalState(proposal.state)]:
        refuse_transition("proposal", ProposalState(proposal.state).name, to.name)
    return proposal._replace(state=to, state_version=proposal.state_version + 1, update_time=wall_us, **changes)


def expiry_of(proposal: Proposal) -> Work:
    """Returns the work of ending it in time."""
    return Work(proposal.id, EXPIRY_WORK, proposal.id, WALL, proposal.expire_time)


def event_of(proposal: Proposal, what: str = "") -> Event:
    """Returns the event of a proposal's step, by default named after its state."""
    name = what or ProposalState(proposal.state).name.lower()
    data = {
        "state": int(proposal.state), "kind": proposal.kind, "resource": proposal.resource,
        "proposer": proposal.proposer, "decider": proposal.decider, "reason": proposal.reason,
    }  # fmt: skip
    owner = proposal.proposer if proposal.proposer.startswith("partners/") else ""
    return Event(f"proposal.{name}", KIND, proposal.id, proposal.state_version, owner, data)
