"""Settling: one command a merchant of a closed window, and one that says how far the window has come.

In: figures read at one moment, and the money as it is now. Out: legs 2100 → 1230, 2110 and the settlement, one commit.
Invariant: a merchant's window is settled once; figures that are not true any more refuse, and are read again.
"""

from dataclasses import dataclass
from typing import ClassVar

from keelpay_server.book.changes import WALL, Changes, Work
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import World
from keelpay_server.ledger.account import merchant_owed, parse
from keelpay_server.ledger.posting.settlement import settle

from .settlement import Line, LineKind, Settlement, event_of, settlement_key, total, with_repayment, write_lines
from .window import Window, WindowState, move, settle_work, touch, window_key
from .window import event_of as window_event

PAYOUT_WORK = "settlement.payout"
"""The work of paying out what a settlement made available."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SettleMerchant(Command):
    """Settles one merchant's account of a closed window.

    Attributes:
        account: The account 2100 of the window.
        merchant: Its merchant's name.
        lines: What its legs came to.
        through: The sequence as of which they did.
        pay_out: Whether the net is paid out afterwards.
    """

    account: int
    merchant: str
    lines: tuple[Line, ...]
    through: int
    pay_out: bool = False
    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """Asks for the window, what is free on the account and what the merchant owes."""
        parts = parse(self.account)
        need.row(Window, parts.window)
        need.row(Settlement, settlement_key(need.world.book, parts.window, parts.owner))
        need.account(self.account)
        need.account(merchant_owed(parts.owner, parts.currency))

    def decide(self, world: World) -> Changes:
        """Settles what is free.

        Raises:
            Refused: ILLEGAL_TRANSITION while the window is open; CONFLICT if the figures are not true any more.
        """
        parts = parse(self.account)
        window = world.require(Window, parts.window)
        key = settlement_key(world.book, parts.window, parts.owner)
        if (done := world.get(Settlement, key)) is not None:
            return Changes(done)
        if window.state != WindowState.CLOSED:
            raise Refused(Reason.ILLEGAL_TRANSITION, "only a closed window is settled")
        free, owed = world.headroom(self.account), -world.balance(merchant_owed(parts.owner, parts.currency))
        if free != total(self.lines):
            raise Refused(Reason.CONFLICT, "the account has moved since its legs were summed")
        lines = with_repayment(self.lines, max(owed, 0))
        settlement = Settlement(
            id=key, merchant=self.merchant, window=window.id, currency=window.currency,
            gross=total(lines, LineKind.CAPTURE, LineKind.PROMOTION),
            fees=-total(lines, LineKind.FEE, LineKind.FEE_RETURN),
            refunds=-total(lines, LineKind.REFUND, LineKind.REFUND_RETURN), reserved=-total(lines, LineKind.RESERVED),
            repaid=-total(lines, LineKind.REPAYMENT), net=total(lines), lines=write_lines(lines),
            through_sequence=self.through, payout=None, state_version=1, due_time=window.due_time,
            settle_time=world.business_us, create_time=world.wall_us, update_time=world.wall_us,
        )  # fmt: skip
        posted = settle(
            merchant=parts.owner, window=window.id, currency=parts.currency, free=free, owed=settlement.repaid
        )
        pay_out = self.pay_out and settlement.net > 0
        work = (Work(key, PAYOUT_WORK, key, WALL, world.wall_us),) if pay_out else ()
        return Changes(settlement, legs=posted.legs, events=(event_of(settlement, "created"),), work=work)


@dataclass(frozen=True, slots=True, kw_only=True)
class AdvanceWindow(Command):
    """Notes how far settling a window has come, and ends it after its last merchant.

    Attributes:
        window: Its number.
        after: Where this step began; a step that another process has done already changes nothing.
        through: The last account that is settled now.
        count: How many this step settled.
        last: Whether the window has no account after it.
    """

    window: int
    after: int
    through: int
    count: int
    last: bool
    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """Asks for the window and its work."""
        need.row(Window, self.window)
        need.row(Work, window_key(need.world.book, self.window))

    def decide(self, world: World) -> Changes:
        """Goes on or ends."""
        window = world.require(Window, self.window)
        if window.state != WindowState.CLOSED or window.settled_through != self.after:
            return Changes()
        count = window.settled_count + self.count
        if not self.last:
            window = touch(window, world.wall_us, settled_through=self.through, settled_count=count)
            return Changes(window, work=(settle_work(world, window),))
        window = move(
            window, WindowState.SETTLED, world.wall_us,
            settled_through=self.through, settled_count=count, settle_time=world.business_us,
        )  # fmt: skip
        return Changes(window, events=(window_event(world, window),), done=(window_key(world.book, window.id),))
