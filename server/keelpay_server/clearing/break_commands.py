"""Settling a break: an operator proposes how, a second one approves, and the postings happen in that commit.

In: proposals and approvals. Out: Changes. Invariant: what is proposed is what is posted; a break is settled once; a
claim leaves its amount in 6900, told by the break, until a line of the bank pays it.
"""

from dataclasses import dataclass
from typing import ClassVar

from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import Changes
from keelpay_server.book.command import Command
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid
from keelpay_server.book.world import World
from keelpay_server.ledger.account import parse

from .bank_statement import BankLine, LineState
from .disagreement import BreakKind, BreakState, Disagreement, Resolution, event_of, move
from .resolving import allowed, missing_minor, post_resolution
from .window import unsettled_account, window_needs


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeResolution(Command):
    """Proposes how to settle a break.

    Attributes:
        disagreement: Its key.
        state_version: The version the decision rests on, or 0 not to check.
        resolution: How.
        merchant: Whom CREDIT_MERCHANT credits, or empty.
        claim: The break whose claim MATCH says is paid, or None.
        comment: Why.
    """

    disagreement: bytes
    state_version: int
    resolution: Resolution
    merchant: str
    claim: bytes | None
    comment: str
    depth: ClassVar[int] = 1
    emits: ClassVar[str] = "break.proposed"

    def needs(self, need: Need) -> None:
        """Asks for the break and the merchant."""
        need.row(Disagreement, self.disagreement)
        if self.merchant:
            need.row(Merchant, self.merchant)
        if self.claim is not None:
            need.row(Disagreement, self.claim)

    def decide(self, world: World) -> Changes:
        """Notes it, with the key of the proposal that the reaction stores.

        Raises:
            Refused: RESOURCE_NOT_FOUND, ETAG_MISMATCH, ILLEGAL_TRANSITION, FIELD_INVALID, CURRENCY_MISMATCH.
        """
        row = world.require(Disagreement, self.disagreement)
        if self.state_version and self.state_version != row.state_version:
            raise Refused(Reason.ETAG_MISMATCH, state_version=str(row.state_version))
        if self.resolution not in allowed(row):
            invalid("resolution", f"a break of kind {BreakKind(row.kind).name} cannot be settled that way")
        if (self.resolution is Resolution.CREDIT_MERCHANT) != bool(self.merchant):
            invalid("resource", "the merchant to credit is named, and only there")
        if (self.resolution is Resolution.MATCH) != (self.claim is not None):
            invalid("resource", "the claim that the line pays is named, and only there")
        if self.merchant and world.require(Merchant, self.merchant).currency != row.currency:
            raise Refused(Reason.CURRENCY_MISMATCH)
        if self.claim is not None:
            paid_claim(world.require(Disagreement, self.claim), row)
        row = move(
            row, BreakState.PROPOSED, world.business_us, proposal=world.new_id(), resolution=int(self.resolution),
            target=self.merchant, claim=self.claim, comment=self.comment,
        )  # fmt: skip
        return Changes(row, events=(event_of(row),))


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveBreak(Command):
    """Settles a break as it was proposed: the act that a second operator approves.

    Higher rooms react on `break.resolved`, where the operation of a refund or withdrawal is concerned.
    """

    disagreement: bytes
    depth: ClassVar[int] = 2
    emits: ClassVar[str] = "break.resolved"

    def needs(self, need: Need) -> None:
        """Asks for the break, its line, its bank's accounts and the merchant it credits."""
        window_needs(need)
        row = need.row(Disagreement, self.disagreement)
        if row is None:
            return
        if row.line is not None:
            need.row(BankLine, row.line)
        if row.target:
            need.row(Merchant, row.target)
        if row.claim is not None:
            need.row(Disagreement, row.claim)
        bank = need.row(Bank, row.bank)
        if bank is not None:
            need.account(bank.reserve(row.currency))

    def decide(self, world: World) -> Changes:
        """Posts it.

        Raises:
            Refused: ILLEGAL_TRANSITION, INSUFFICIENT_FUNDS.
        """
        row = world.require(Disagreement, self.disagreement)
        bank = world.require(Bank, row.bank)
        currency = parse(bank.reserve(row.currency)).currency
        rows: list[object] = []
        opens: tuple[int, ...] = ()
        merchant = window = 0
        if row.target:
            target = world.require(Merchant, row.target)
            account, opens, opened = unsettled_account(world, target)
            merchant, window = target.number, parse(account).window
            rows += [] if opened is None else [opened]
        posted = post_resolution(row, bank=bank.number, currency=currency, merchant=merchant, window=window)
        if row.claim is not None:
            rows.append(paid_claim(world.require(Disagreement, row.claim), row))
        if row.line is not None:
            rows.append(world.require(BankLine, row.line)._replace(state=LineState.RESOLVED))
        claimed = -missing_minor(row) if row.resolution == Resolution.CLAIM else 0
        row = move(row, BreakState.RESOLVED, world.business_us, in_suspense=claimed)
        return Changes(row, tuple(rows), legs=posted.legs, events=(event_of(row),), opens=opens)


def paid_claim(claim: Disagreement, row: Disagreement) -> Disagreement:
    """Returns a claim once the line of a break has paid it: nothing of it is in 6900 any more.

    Raises:
        Refused: FIELD_INVALID where it is not a claim of exactly that amount at the same bank.
    """
    if (claim.bank, claim.currency, claim.in_suspense) != (row.bank, row.currency, missing_minor(row)):
        invalid("resource", "it is no open claim of that amount at this bank")
    return claim._replace(in_suspense=0, state_version=claim.state_version + 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class ReopenBreak(Command):
    """Opens a break again whose proposal was rejected or expired."""

    disagreement: bytes
    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """Asks for the break."""
        need.row(Disagreement, self.disagreement)

    def decide(self, world: World) -> Changes:
        """Opens it.

        Raises:
            Refused: ILLEGAL_TRANSITION.
        """
        row = move(world.require(Disagreement, self.disagreement), BreakState.OPEN, world.business_us, resolution=0)
        row = row._replace(target="", claim=None)
        return Changes(row, events=(event_of(row),))
