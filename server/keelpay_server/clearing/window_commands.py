"""The two steps of a window's life that people and clocks ask for: it opens with its first merchant, and closes.

In: a merchant just created; a cut-off or an operator. Out: Changes. Invariant: a window closes at a sequence, and the
next one opens in the same commit, so that money always has exactly one window to go to.
"""

from dataclasses import dataclass
from typing import ClassVar

from keelpay_server.book.changes import Changes, Work
from keelpay_server.book.command import Command
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import World

from .window import (
    Window,
    WindowState,
    begin,
    event_of,
    find_open,
    move,
    next_number,
    settle_work,
    window_key,
    window_needs,
)


class OpenFirstWindow:
    """The reaction on `merchant.created`: the first merchant of a calendar and currency opens their first window."""

    def needs(self, _command: Command, need: Need) -> None:
        """Asks for the open windows."""
        window_needs(need)

    def decide(self, _command: Command, changes: Changes, world: World) -> Changes:
        """Opens the window unless there is one."""
        merchant = changes.row
        if not isinstance(merchant, Merchant) or find_open(world, merchant.calendar, merchant.currency) is not None:
            return Changes()
        sequence = world.sequence + len(changes.events) + 1
        window, event, work = begin(world, next_number(world), merchant.calendar, merchant.currency, sequence)
        return Changes(rows=(window,), events=(event,), work=(work,))


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseWindow(Command):
    """Closes an open window and opens the next one in the same commit.

    Attributes:
        window: Its number.
        state_version: The version the decision rests on, or 0 not to check.
        due: Whether the cut-off closes it: a window that is not open any more is then no mistake.
    """

    window: int
    state_version: int = 0
    due: bool = False
    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """Asks for the window, its work and the open windows."""
        need.row(Window, self.window)
        need.row(Work, window_key(need.world.book, self.window))
        window_needs(need)

    def decide(self, world: World) -> Changes:
        """Closes at this sequence.

        Raises:
            Refused: RESOURCE_NOT_FOUND, ETAG_MISMATCH, ILLEGAL_TRANSITION.
        """
        window = world.require(Window, self.window)
        if self.state_version and self.state_version != window.state_version:
            raise Refused(Reason.ETAG_MISMATCH, state_version=str(window.state_version))
        if self.due and (window.state != WindowState.OPEN or world.business_us < window.cut_off_time):
            return Changes()
        last = world.sequence + 1
        closed = move(window, WindowState.CLOSED, world.wall_us, last_sequence=last, close_time=world.business_us)
        number = next_number(world)
        following, opened, close = begin(world, number, window.calendar, window.currency, last + 1)
        return Changes(
            row=closed,
            rows=(following,),
            events=(event_of(world, closed), opened),
            work=(settle_work(world, closed), close),
        )
