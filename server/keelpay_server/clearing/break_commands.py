"""Settling a break: an operator proposes how, a second one approves, and the postings happen in that commit.

In: proposals and approvals. Out: Changes. Invariant: what is proposed is what is posted; a break is settled once; a
claim leaves its amount in 6900, told by the break, until a line of the bank pays it; an operation that nobody answers
for is given up only after a statement two business days later has lacked it.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import Changes
from keelpay_server.book.command import Command
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid
from keelpay_server.book.world import World
from keelpay_server.ledger.account import parse

from .bank_statement import BankLine, LineState, Statement, StatementState
from .calendar import statement_day_later
from .disagreement import BreakKind, BreakState, Disagreement, Resolution, event_of, move
from .matching import ASIDE
from .resolving import allowed, by_operation, missing_minor, pays_claim, post_resolution, tells_outcome
from .window import unsettled_account, window_needs

LACKING_DAYS: Final = 2
"""So many business days after an operation was reported, a statement that lacks it lets operators give it up."""


def given_up_from(row: Disagreement) -> int:
    """Returns from which moment on a statement must speak that lets an operation of unknown outcome be given up."""
    return statement_day_later(row.create_time, LACKING_DAYS)


def line_needs(need: Need, row: Disagreement) -> None:
    """Asks for a break's line, and for the lines of its operation where it has none itself."""
    if row.line is not None:
        need.row(BankLine, row.line)
    elif row.operation:
        need.all(BankLine, "operation", row.operation)


def line_kind(world: World, row: Disagreement) -> int | None:
    """Returns the StatementLineKind of a break's line, or None."""
    return None if row.line is None else world.require(BankLine, row.line).kind


@dataclass(frozen=True, slots=True, kw_only=True)
class ProposeResolution(Command):
    """Proposes how to settle a break.

    Attributes:
        disagreement: Its key.
        state_version: The version the decision rests on, or 0 not to check.
        resolution: How.
        merchant: Whom CREDIT_MERCHANT credits, or empty.
        claim: The break whose claim MATCH says is paid, or None where the line is its operation's.
        comment: Why.
        statement: The statement that lacks an operation of unknown outcome, or None.
    """

    disagreement: bytes
    state_version: int
    resolution: Resolution
    merchant: str
    claim: bytes | None
    comment: str
    statement: bytes | None = None
    depth: ClassVar[int] = 2
    emits: ClassVar[str] = "break.proposed"

    def needs(self, need: Need) -> None:
        """Asks for the break with its line, the merchant, the claim and the statement."""
        row = need.row(Disagreement, self.disagreement)
        if row is not None:
            line_needs(need, row)
        if self.statement is not None:
            need.row(Statement, self.statement)
        if self.merchant:
            need.row(Merchant, self.merchant)
        if self.claim is not None:
            need.row(Disagreement, self.claim)

    def decide(self, world: World) -> Changes:
        """Notes it, with the key of the proposal that the reaction stores.

        Raises:
            Refused: RESOURCE_NOT_FOUND, ETAG_MISMATCH, ILLEGAL_TRANSITION, FIELD_INVALID, CURRENCY_MISMATCH,
                OPERATION_UNRESOLVED where it is too early to give an operation up, CONFLICT where a line shows it.
        """
        row = world.require(Disagreement, self.disagreement)
        if self.state_version and self.state_version != row.state_version:
            raise Refused(Reason.ETAG_MISMATCH, state_version=str(row.state_version))
        proposed = move(
            row, BreakState.PROPOSED, world.business_us, proposal=world.new_id(), resolution=int(self.resolution),
            target=self.merchant, claim=self.claim, comment=self.comment,
        )  # fmt: skip
        line = line_kind(world, row)
        if self.resolution not in allowed(row, line):
            invalid("resolution", f"this break of kind {BreakKind(row.kind).name} cannot be settled that way")
        if (self.resolution is Resolution.CREDIT_MERCHANT) != bool(self.merchant):
            invalid("resource", "the merchant to credit is named, and only there")
        claims = self.resolution is Resolution.MATCH and pays_claim(row, line)
        named = self.claim is not None
        if (named and not claims) or (not named and claims and not tells_outcome(row, line)):
            invalid("resource", "the claim that the line pays is named, and only there")
        if self.merchant and world.require(Merchant, self.merchant).currency != row.currency:
            raise Refused(Reason.CURRENCY_MISMATCH)
        if self.claim is not None:
            paid_claim(world.require(Disagreement, self.claim), row, line)
        if row.kind == BreakKind.OPERATION_UNKNOWN:
            proposed = proposed._replace(statement=self._lacking(world, row))
        return Changes(proposed, events=(event_of(proposed),))

    def _lacking(self, world: World, row: Disagreement) -> bytes:
        """Returns the statement that lets the operation be given up.

        Raises:
            Refused: OPERATION_UNRESOLVED, CONFLICT.
        """
        _unshown(world, row)
        statement = None if self.statement is None else world.require(Statement, self.statement)
        late = statement is not None and statement.from_time >= given_up_from(row)
        if statement is None or not late or (statement.bank, statement.currency) != (row.bank, row.currency):
            raise Refused(
                Reason.OPERATION_UNRESOLVED,
                f"no statement of {row.bank} in {row.currency} is here yet that is {LACKING_DAYS} business days later",
            )
        if statement.state != StatementState.IMPORTED:
            raise Refused(Reason.OPERATION_UNRESOLVED, "the statement is not here whole")
        return statement.id


def _unshown(world: World, row: Disagreement) -> None:
    """Refuses where a statement shows the operation: then its line is to be settled.

    Raises:
        Refused: CONFLICT.
    """
    if any(line.kind not in ASIDE for line in world.all(BankLine, "operation", row.operation)):
        raise Refused(Reason.CONFLICT, "a statement shows the operation")


@dataclass(frozen=True, slots=True, kw_only=True)
class ResolveBreak(Command):
    """Settles a break as it was proposed: the act that a second operator approves.

    Higher rooms react on `break.resolved`, where an operation, a noun or a payer is concerned. Where the outcome of the
    operation settles it, they also tell the event: legs belong to the first of a commit, which then is the noun's.
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
        line_needs(need, row)
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
            Refused: ILLEGAL_TRANSITION, INSUFFICIENT_FUNDS, CONFLICT.
        """
        row = world.require(Disagreement, self.disagreement)
        line = line_kind(world, row)
        if row.kind == BreakKind.OPERATION_UNKNOWN:
            _unshown(world, row)
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
        posted = post_resolution(row, line, bank=bank.number, currency=currency, merchant=merchant, window=window)
        if row.claim is not None:
            rows.append(paid_claim(world.require(Disagreement, row.claim), row, line))
        if row.line is not None:
            rows.append(world.require(BankLine, row.line)._replace(state=LineState.RESOLVED))
        claimed = -missing_minor(row, line) if row.resolution == Resolution.CLAIM else 0
        row = move(row, BreakState.RESOLVED, world.business_us, in_suspense=claimed)
        events = () if by_operation(row) else (event_of(row),)
        return Changes(row, tuple(rows), legs=posted.legs, events=events, opens=opens)


def paid_claim(claim: Disagreement, row: Disagreement, line: int | None) -> Disagreement:
    """Returns a claim once the line of a break has paid it: nothing of it is in 6900 any more.

    Raises:
        Refused: FIELD_INVALID where it is not a claim of exactly that amount at the same bank.
    """
    if (claim.bank, claim.currency, claim.in_suspense) != (row.bank, row.currency, missing_minor(row, line)):
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
