"""Comparing: one command a line of a statement, and one an operation that no statement shows.

In: a line and the channel's record it names. Out: postings that move 1000, or breaks. Invariant: an operation explains
at most one line of a kind, a line is posted once, and whatever is not posted is a break.
"""

from dataclasses import dataclass
from typing import Any, ClassVar, Final

from keelpay_server.book.bank import Bank
from keelpay_server.book.changes import Changes
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.rail import StatementLineKind
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import World
from keelpay_server.ledger.account import floor_sign

from . import payout as payout_noun
from .bank_statement import BankLine, LineState, line_event
from .channel import ChannelRecord
from .disagreement import UNSETTLED, BreakKind, BreakState, Disagreement, event_of, move
from .matching import ASIDE, MOVES, Mismatch, expected, mismatch, noun_posts, post
from .payout import Payout
from .payout_result import match_returned, match_sent

_TOLD: Final = frozenset({LineState.MATCHED, LineState.RESOLVED})


@dataclass(frozen=True, slots=True, kw_only=True)
class MatchLine(Command):
    """Compares one line. Higher rooms react on `line.matched` where the answering line is MATCHED.

    Attributes:
        line: Its key.
        record: The channel's record of the operation it names, as it was read, or None.
    """

    line: bytes
    record: ChannelRecord | None
    depth: ClassVar[int] = 3
    emits: ClassVar[str] = "line.matched"

    def needs(self, need: Need) -> None:
        """Asks for the line, its namesakes, its bank's accounts, earlier breaks, and the payout it may prove."""
        line = need.row(BankLine, self.line)
        record = self.record
        if record is not None and record.subject_kind == payout_noun.KIND:
            need.row(Payout, record.subject)
        if line is None:
            return
        need.all(BankLine, "natural", line.natural)
        if line.operation:
            need.all(BankLine, "operation", line.operation)
            need.all(Disagreement, "operation", line.operation)
        if line.disagreement is not None:
            need.row(Disagreement, line.disagreement)
        bank = need.row(Bank, line.bank)
        if bank is not None:
            for account in (bank.reserve, bank.payout_transit, bank.refund_transit):
                need.account(account(line.currency))

    def decide(self, world: World) -> Changes:
        """Posts it, or opens a break, once; a line that was broken before is tried again."""
        line = world.require(BankLine, self.line)
        if line.state not in {LineState.NEW, LineState.BROKEN}:
            return Changes(line)
        wrong = _repeated(world, line) or mismatch(line, self.record)
        if wrong is None:
            posted = _posted(world, line, self.record)
            if isinstance(posted, Changes):
                return _explained(world, line, posted)
            wrong = posted
        return _broken(world, line, self.record, wrong)


def _repeated(world: World, line: BankLine) -> Mismatch | None:
    """Returns whether another line has told the same before."""
    namesakes = [row for row in world.all(BankLine, "natural", line.natural) if row.id != line.id]
    if line.operation:
        same = world.all(BankLine, "operation", line.operation)
        namesakes += [row for row in same if row.id != line.id and row.kind == line.kind]
    if any(row.state in _TOLD for row in namesakes):
        return Mismatch(BreakKind.DUPLICATE, "an earlier line has told the same")
    about = world.all(Disagreement, "operation", line.operation) if line.operation else []
    settled = [row for row in about if row.state == BreakState.RESOLVED and row.line is None]
    if any(row.kind != BreakKind.OPERATION_UNKNOWN for row in settled):  # of such a one its operation's state tells
        return Mismatch(BreakKind.BANK_ONLY, "operators have settled its operation before it came")
    return None


def _posted(world: World, line: BankLine, record: ChannelRecord | None) -> Changes | Mismatch:
    """Returns what the line posts, or why our own accounts do not allow it."""
    if record is not None and record.subject_kind == payout_noun.KIND and line.kind in MOVES:
        payout = world.require(Payout, record.subject)
        step = match_returned if line.kind == StatementLineKind.PAYOUT_RETURN else match_sent
        try:
            changes = step(world, payout, line.id)
        except Refused as refusal:
            return Mismatch(BreakKind.CHANNEL, refusal.message)
    elif noun_posts(line, record):
        return _room(world, line) or Changes()
    else:
        changes = Changes(legs=post(line, world.require(Bank, line.bank)).legs)
    for debit, credit, amount, _ in changes.legs:
        for account, sign in ((debit, 1), (credit, -1)):
            if floor_sign(account) == sign and account in world.room and world.headroom(account) < amount:
                return Mismatch(BreakKind.CHANNEL, "our own account holds less than the line takes out of it")
    return changes


def _room(world: World, line: BankLine) -> Mismatch | None:
    """Returns why a line that its noun posts cannot be: our reserve has too little, or what came back never left."""
    reserve = world.require(Bank, line.bank).reserve(line.currency)
    if line.amount < 0 and world.headroom(reserve) < -line.amount:
        return Mismatch(BreakKind.CHANNEL, "our own account holds less than the line takes out of it")
    same = world.all(BankLine, "operation", line.operation)
    left = any(row.kind == StatementLineKind.PAYOUT and row.state in _TOLD for row in same)
    if line.kind == StatementLineKind.PAYOUT_RETURN and not left:
        return Mismatch(BreakKind.CHANNEL, "no statement has shown that it left")
    return None


def _explained(world: World, line: BankLine, posted: Changes) -> Changes:
    """The line is matched; what was open about it or its operation is explained."""
    matched = line._replace(state=LineState.MATCHED)
    event = line_event(matched, "matched")
    rows: list[Any] = [] if posted.row is None else [posted.row]
    events = [event, *posted.events]
    about = world.all(Disagreement, "operation", line.operation) if line.operation else []
    if line.disagreement is not None:
        about = [*about, world.require(Disagreement, line.disagreement)]
    told = {line.id} if line.kind in ASIDE else {None, line.id}
    unsettled = {row.id: row for row in about if row.state in UNSETTLED and row.line in told}
    if line.kind == StatementLineKind.FEE:
        for row in about:
            if row.state in UNSETTLED and row.line is None and (row.ledger_amount or 0) > 0:
                rows.append(_gross(world, row, line))
                events.append(event_of(rows[-1]))
    for row in unsettled.values():
        withdrawn = move(row, BreakState.OPEN, world.business_us) if row.state == BreakState.PROPOSED else row
        explained = move(
            withdrawn, BreakState.EXPLAINED, world.business_us, comment="a statement shows it", line=line.id
        )
        rows.append(explained)
        events.append(event_of(explained))
    return Changes(matched, tuple(rows), legs=posted.legs, events=tuple(events))


def _gross(world: World, row: Disagreement, line: BankLine) -> Disagreement:
    """A missing capture is missing whole once its charge was taken apart; a proposal about less is withdrawn."""
    if row.state == BreakState.PROPOSED:
        row = move(row, BreakState.OPEN, world.business_us)
    return row._replace(ledger_amount=(row.ledger_amount or 0) - line.amount, state_version=row.state_version + 1)


def _broken(world: World, line: BankLine, record: ChannelRecord | None, wrong: Mismatch) -> Changes:
    """Opens a break for the line; one that it has already, and that nobody decides on, follows what is known now."""
    found = _break(world, wrong, line.bank, line.currency, record)._replace(
        statement=line.statement, line=line.id, bank_reference=line.bank_reference, operation=line.operation,
        ledger_amount=None if record is None else _ours(world, line, record), bank_amount=line.amount,
    )  # fmt: skip
    if line.disagreement is not None:
        before = world.require(Disagreement, line.disagreement)
        if before.state != BreakState.OPEN or _says(before) == _says(found):
            return Changes(line)
        now = before._replace(
            kind=found.kind, ledger_amount=found.ledger_amount, channel_amount=found.channel_amount,
            comment=found.comment, state_version=before.state_version + 1, update_time=world.business_us,
        )  # fmt: skip
        return Changes(line, (now,), events=(event_of(now),))
    broken = line._replace(state=LineState.BROKEN, disagreement=found.id)
    return Changes(broken, (found,), events=(event_of(found),))


def _says(row: Disagreement) -> tuple[int, int | None, int | None]:
    """What a break says of our side; its comment may be a person's."""
    return row.kind, row.ledger_amount, row.channel_amount


def _ours(world: World, line: BankLine, record: ChannelRecord) -> int | None:
    """Returns what our ledger has of a line: of a capture the net, unless the bank shows its charge apart.

    Nothing (None) as long as the bank's answer is not known: then nobody can say.
    """
    if not record.resolved:
        return None
    amounts = expected(StatementLineKind(line.kind), record) or (0,)
    same = world.all(BankLine, "operation", line.operation) if line.operation else []
    return amounts[0] if any(row.kind == StatementLineKind.FEE for row in same) else amounts[-1]


def _break(world: World, wrong: Mismatch, bank: str, currency: str, record: ChannelRecord | None) -> Disagreement:
    """Returns a new break with what our ledger and the channel's record say."""
    return Disagreement(
        id=world.new_id(), kind=wrong.kind, state=BreakState.OPEN, state_version=1, bank=bank, currency=currency,
        statement=None, line=None, bank_reference="", operation=b"" if record is None else record.key,
        subject_kind="" if record is None else record.subject_kind,
        subject=None if record is None else record.subject, merchant="" if record is None else record.merchant,
        ledger_amount=None if record is None else record.movement - record.cost * (record.movement > 0),
        channel_amount=None if record is None else record.movement, bank_amount=None, proposal=None, resolution=0,
        target="", claim=None, comment=wrong.comment, in_suspense=0, create_time=world.business_us,
        update_time=world.business_us,
    )  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class ReportMissing(Command):
    """Opens a break for an operation that two statements have not shown.

    Attributes:
        record: The channel's record.
        statement: The statement with which it was found.
    """

    record: ChannelRecord
    statement: bytes
    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """Asks for what is known about the operation."""
        need.all(BankLine, "operation", self.record.key)
        need.all(Disagreement, "operation", self.record.key)

    def decide(self, world: World) -> Changes:
        """Opens it once."""
        key = self.record.key
        lines = world.all(BankLine, "operation", key)
        known = any(row.line is None for row in world.all(Disagreement, "operation", key))
        if known or any(line.kind not in ASIDE for line in lines):
            return Changes()
        wrong = Mismatch(BreakKind.LEDGER_ONLY, "two statements of the bank have not shown it")
        found = _break(world, wrong, self.record.bank, self.record.currency, self.record)
        apart = any(line.kind == StatementLineKind.FEE and line.state == LineState.MATCHED for line in lines)
        ours = self.record.movement if apart else found.ledger_amount
        found = found._replace(statement=self.statement, ledger_amount=ours)
        return Changes(found, events=(event_of(found),))
