"""Commands on proposals: approve and carry out in one commit, reject, expire.

In: the second person's word, and the command rebuilt from what was stored. Out: the proposal, and the command's own
effect with it. Invariant: the rebuilt command decides on the world of now; if it refuses, the proposal says why, and
what was proposed is dropped as if nobody had approved it, so that it can be asked for again.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, ClassVar, Final

from keelpay_server.book.changes import Changes
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.reaction import Reactions
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, refuse_transition
from keelpay_server.book.world import World

from .client import client_of
from .proposal import Proposal, ProposalState, event_of, expiry_of, move

DROPPED: Final = "proposal.dropped"
"""The name under which what was proposed is told that it does not happen."""
Rebuild = Callable[[Mapping[str, Any]], Command]
"""Makes the command of a kind from its stored arguments; registered by `app`, one a kind."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ApproveProposal(Command):
    """Approves a proposal and carries it out.

    Attributes:
        proposal: Its key.
        comment: What the second person says.
        act: The command rebuilt from the stored kind and arguments, which never change.
        reactions: The table of reactions, for the act's own `emits`.
    """

    proposal: bytes
    comment: str
    act: Command
    reactions: Reactions = field(default_factory=dict)

    depth: ClassVar[int] = 6

    def needs(self, need: Need) -> None:
        """The proposal, and whatever the act and the reactions to it need."""
        need.row(Proposal, self.proposal)
        self.act.needs(need)
        for reaction in self.reactions.get(self.act.emits, ()):
            reaction.needs(self.act, need)
        for reaction in self.reactions.get(DROPPED, ()):
            reaction.needs(self, need)

    def decide(self, world: World) -> Changes:
        """An act that is refused now leaves an approved proposal that tells the reason, and drops its subject."""
        row = world.require(Proposal, self.proposal)
        decider = client_of(self.caller.kind, self.caller.subject)
        _open(row, world.wall_us, ProposalState.APPROVED)
        if row.proposer == decider:
            raise Refused(Reason.PROPOSAL_SELF_APPROVAL, "a second person has to approve")
        said = {"decider": decider, "comment": self.comment}
        try:
            done = self._act(world)
        except Refused as refused:
            done = Changes(refusal=refused)
        if done.refusal is not None:
            row = move(row, ProposalState.APPROVED, world.wall_us, reason=done.refusal.reason.name, **said)
            done = done._replace(refusal=None)
            for reaction in self.reactions.get(DROPPED, ()):
                done = done.join(reaction.decide(self, Changes(row), world))
        else:
            row = move(row, ProposalState.APPROVED, world.wall_us, result=row.resource, **said)
        approved = Changes(row, done=(row.id,), events=(event_of(row),))
        # Legs belong to the first event of a commit's part, and those of the act are its own.
        both = done.join(approved)
        return both._replace(row=row, rows=_all_but(both, row))

    def _act(self, world: World) -> Changes:
        changes = self.act.decide(world)
        for reaction in self.reactions.get(self.act.emits, ()):
            changes = changes.join(reaction.decide(self.act, changes, world))
        return changes


def _all_but(changes: Changes, row: Proposal) -> tuple[Any, ...]:
    every = changes.rows if changes.row is None else (changes.row, *changes.rows)
    return tuple(each for each in every if each is not row)


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectProposal(Command):
    """Refuses a proposal; its proposer may take it back this way.

    Attributes:
        proposal: Its key.
        comment: Why.
    """

    proposal: bytes
    comment: str

    depth: ClassVar[int] = 1
    emits: ClassVar[str] = DROPPED

    def needs(self, need: Need) -> None:
        """The proposal."""
        need.row(Proposal, self.proposal)

    def decide(self, world: World) -> Changes:
        """Ends it."""
        row = world.require(Proposal, self.proposal)
        _open(row, world.wall_us, ProposalState.REJECTED)
        decider = client_of(self.caller.kind, self.caller.subject)
        row = move(row, ProposalState.REJECTED, world.wall_us, decider=decider, comment=self.comment)
        return Changes(row, events=(event_of(row),), done=(row.id,))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireProposal(Command):
    """Ends a proposal that nobody decided in time.

    Attributes:
        proposal: Its key.
    """

    proposal: bytes

    depth: ClassVar[int] = 1
    emits: ClassVar[str] = DROPPED

    def needs(self, need: Need) -> None:
        """The proposal."""
        need.row(Proposal, self.proposal)

    def decide(self, world: World) -> Changes:
        """Leaves alone what was decided meanwhile, or is not due by the wall clock."""
        row = world.get(Proposal, self.proposal)
        if row is None or row.state != ProposalState.PENDING:
            return Changes(done=(self.proposal,))
        if world.wall_us < row.expire_time:
            return Changes(work=(expiry_of(row),))
        row = move(row, ProposalState.EXPIRED, world.wall_us)
        return Changes(row, events=(event_of(row),), done=(row.id,))


def _open(row: Proposal, wall_us: int, to: ProposalState) -> None:
    """Refuses what is decided or out of time, even before the work of expiring it was done."""
    late = row.state == ProposalState.PENDING and wall_us >= row.expire_time
    if row.state != ProposalState.PENDING or late:
        origin = ProposalState.EXPIRED if late else ProposalState(row.state)
        refuse_transition("proposal", origin.name, to.name)
