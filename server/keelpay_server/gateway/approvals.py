"""Approvals of clearing's acts: what two people decide about payouts, breaks and adjustments.

In: clearing's proposing commands, and proposals that were approved or dropped. Out: proposals, and clearing's acts.
Invariant: the noun and its proposal are one commit, and each tells the other's key.
"""

import json
from collections.abc import Mapping
from typing import Any, Final

from keelpay_server.auth.proposal import LIFE_US, Proposal, ProposalState, event_of, expiry_of, propose
from keelpay_server.auth.proposal_commands import ApproveProposal, ExpireProposal, Rebuild, RejectProposal
from keelpay_server.book.changes import Changes
from keelpay_server.book.command import Command
from keelpay_server.book.ids import text
from keelpay_server.book.need import Need
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import World
from keelpay_server.clearing import adjustment, disagreement, payout
from keelpay_server.clearing.acts import ACTS
from keelpay_server.clearing.adjustment import Adjustment
from keelpay_server.clearing.disagreement import BreakKind, Disagreement, Resolution
from keelpay_server.clearing.payout import Payout

_CLEARING: Final = "keelpay.api.clearing.v1"
Dropping = ApproveProposal | RejectProposal | ExpireProposal
_METHODS: Final = {
    Payout: f"{_CLEARING}.PayoutService/CreatePayout",
    Disagreement: f"{_CLEARING}.ReconciliationService/ResolveBreak",
    Adjustment: f"{_CLEARING}.LedgerService/PostAdjustment",
}


class AskSecondPerson:
    """The reaction on `payout.created`, `break.proposed` and `adjustment.proposed`: stores the proposal."""

    def needs(self, _command: Command, _need: Need) -> None:
        """Asks for nothing: what is proposed is what the command changes."""

    def decide(self, command: Command, changes: Changes, world: World) -> Changes:
        """Stores it under the key that the noun carries already."""
        noun = changes.row
        if not changes.events or not isinstance(noun, Payout | Disagreement | Adjustment) or noun.proposal is None:
            return Changes()
        resource, shown = _shown(noun)
        made: Proposal = propose(
            world, kind=command.emits, arguments=json.dumps({"subject": noun.id.hex()}), method=_METHODS[type(noun)],
            resource=resource, shown=json.dumps(shown, sort_keys=True), proposer=command.caller,
            origin=b"" if command.request is None else command.request.key, life_us=LIFE_US,
        ).row._replace(id=noun.proposal)  # fmt: skip
        return Changes(rows=(made,), events=(event_of(made, "created"),), work=(expiry_of(made),))


class DropProposed:
    """The reaction on `proposal.dropped`: what nobody approved, or what was refused then, does not happen."""

    def needs(self, command: Dropping, need: Need) -> None:
        """Asks for the proposal, and for what dropping its noun needs."""
        row = need.row(Proposal, command.proposal)
        if row is not None and row.kind in ACTS:
            ACTS[row.kind].reject(_subject(row), "").needs(need)

    def decide(self, _command: Dropping, changes: Changes, world: World) -> Changes:
        """Drops the noun if the command has just ended the proposal, unless the noun has gone on by itself."""
        row = changes.row
        if not isinstance(row, Proposal) or row.kind not in ACTS or row.state == ProposalState.PENDING:
            return Changes()
        try:
            return ACTS[row.kind].reject(_subject(row), row.reason).decide(world)
        except Refused:
            return Changes()


def _rebuild(kind: str) -> Rebuild:
    def rebuild(arguments: Mapping[str, Any]) -> Command:
        return ACTS[kind].approve(bytes.fromhex(arguments["subject"]))

    return rebuild


REBUILDS: Final[dict[str, Rebuild]] = {kind: _rebuild(kind) for kind in ACTS}
"""Clearing's part of the table of rebuilds."""


def _subject(row: Proposal) -> bytes:
    return bytes.fromhex(json.loads(row.arguments)["subject"])


def _shown(noun: Payout | Disagreement | Adjustment) -> tuple[str, dict[str, object]]:
    """Returns the resource name and what the second person reads."""
    match noun:
        case Payout():
            return f"merchants/{noun.merchant}/payouts/{text(payout.KIND, noun.id)}", {
                "merchant_payout_id": noun.number, "amount_minor": noun.amount, "currency_code": noun.currency,
                "bank": noun.bank, "account_last_four": noun.last_four, "statement_descriptor": noun.descriptor,
            }  # fmt: skip
        case Disagreement():
            return f"breaks/{text(disagreement.KIND, noun.id)}", {
                "kind": BreakKind(noun.kind).name, "resolution": Resolution(noun.resolution).name,
                "bank": noun.bank, "currency_code": noun.currency, "ledger_amount_minor": noun.ledger_amount,
                "channel_amount_minor": noun.channel_amount, "bank_amount_minor": noun.bank_amount,
                "about": "" if noun.subject is None else text(noun.subject_kind, noun.subject),
                "merchant": noun.target, "comment": noun.comment,
                "claim": "" if noun.claim is None else f"breaks/{text(disagreement.KIND, noun.claim)}",
            }  # fmt: skip
        case Adjustment():
            return f"adjustments/{text(adjustment.KIND, noun.id)}", {
                "legs": [
                    {"debit_account": debit, "credit_account": credit, "amount_minor": amount}
                    for debit, credit, amount in json.loads(noun.legs)
                ],
                "comment": noun.comment,
            }
