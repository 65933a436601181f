"""Window: the stretch of a book's events that settles together, for one settlement calendar and one currency.

In: merchants that are created or paid, cut-offs that are reached. Out: windows and the accounts opened in them.
Invariant: a (calendar, currency) in use has exactly one OPEN window, and the window with the highest number is OPEN.
"""

from enum import IntEnum
from typing import Any, Final, NamedTuple

from keelpay_server.book import ids
from keelpay_server.book.changes import BUSINESS, WALL, Event, Work
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.need import Need
from keelpay_server.book.refusal import refuse_transition
from keelpay_server.book.world import World

from .calendar import next_cut_off

KIND: Final = "win"
CLOSE: Final = "window.close"
"""The work of closing a window at its cut-off."""
SETTLE: Final = "window.settle"
"""The work of settling the next merchants of a closed window."""


class WindowState(IntEnum):
    """Life of a window, numbered as in the contract."""

    OPEN = 1
    CLOSED = 2
    SETTLED = 3


TRANSITIONS: Final[dict[WindowState, frozenset[WindowState]]] = {
    WindowState.OPEN: frozenset({WindowState.CLOSED}),
    WindowState.CLOSED: frozenset({WindowState.SETTLED}),
    WindowState.SETTLED: frozenset(),
}


class Window(NamedTuple):
    """One window. Its times, but for the last two, are the business clock's.

    Attributes:
        id: Its number, from 1; also in the numbers of its accounts.
        calendar: `<IANA zone>@<HH:MM>`.
        currency: ISO 4217 code or token.
        state: A WindowState.
        state_version: Counts its changes.
        first_sequence: The book's first event in it.
        last_sequence: The last; 0 while it is open.
        open_time: When it opened.
        cut_off_time: When it is to be closed.
        due_time: When every merchant must be settled at the latest: one cut-off later (T+1).
        close_time: When it was closed, or 0.
        settle_time: When the last merchant was settled, or 0.
        settled_through: The account that was settled last: where settling goes on.
        settled_count: How many merchants are settled.
        create_time: Wall clock.
        update_time: Wall clock.
    """

    id: int
    calendar: str
    currency: str
    state: int
    state_version: int
    first_sequence: int
    last_sequence: int
    open_time: int
    cut_off_time: int
    due_time: int
    close_time: int
    settle_time: int
    settled_through: int
    settled_count: int
    create_time: int
    update_time: int


def window_key(book: int, number: int) -> bytes:
    """Returns the 16 bytes behind a window's name: no time, its book, its number."""
    return ids.first_id(0, book, number).to_bytes(16, "big")


def window_number(key: bytes) -> int:
    """Returns the number of the window that a key names."""
    return int.from_bytes(key[8:], "big") & ids.TAIL_MAX


def window_needs(need: Need) -> None:
    """Asks for the open windows: a handful, one for each calendar and currency."""
    need.all(Window, "state", WindowState.OPEN)


def find_open(world: World, calendar: str, currency: str) -> Window | None:
    """Returns the open window of a calendar and currency, or None before its first merchant."""
    for window in world.all(Window, "state", WindowState.OPEN):
        if window.calendar == calendar and window.currency == currency:
            return window
    return None


def open_window(world: World, merchant: Merchant) -> Window:
    """Returns the window that takes the merchant's money now; `window_needs` must have been asked.

    Raises:
        LookupError: The merchant's window was never opened: the reaction on `merchant.created` is not wired.
    """
    window = find_open(world, merchant.calendar, merchant.currency)
    if window is None:
        raise LookupError(f"no window of {merchant.calendar} {merchant.currency} is open")
    return window


def unsettled_account(world: World, merchant: Merchant) -> tuple[int, tuple[int, ...], Merchant | None]:
    """Returns where a merchant's captured money goes now: its account 2100 of the open window.

    Args:
        world: With the open windows and the merchant as it is now.
        merchant: Whose account.

    Returns:
        The account; the numbers to open with it (none or that one); the merchant to save if that account is new.
    """
    window = open_window(world, merchant)
    account = merchant.unsettled(window.id)
    if merchant.window_opened == window.id:
        return account, (), None
    return account, (account,), merchant._replace(window_opened=window.id)


def next_number(world: World) -> int:
    """Returns the number of the next window: one above the highest, which is always an open one."""
    return max((window.id for window in world.all(Window, "state", WindowState.OPEN)), default=0) + 1


def begin(world: World, number: int, calendar: str, currency: str, first_sequence: int) -> tuple[Window, Event, Work]:
    """Returns a new open window, its event, and the work of closing it at its cut-off.

    Args:
        world: For its clocks.
        number: `next_number`.
        calendar: Its calendar.
        currency: Its currency.
        first_sequence: The sequence that its event will have.
    """
    cut_off = next_cut_off(calendar, world.business_us)
    window = Window(
        id=number, calendar=calendar, currency=currency, state=WindowState.OPEN, state_version=1,
        first_sequence=first_sequence, last_sequence=0, open_time=world.business_us, cut_off_time=cut_off,
        due_time=next_cut_off(calendar, cut_off), close_time=0, settle_time=0, settled_through=0, settled_count=0,
        create_time=world.wall_us, update_time=world.wall_us,
    )  # fmt: skip
    key = window_key(world.book, number)
    return window, event_of(world, window), Work(key, CLOSE, key, BUSINESS, cut_off)


def move(window: Window, to: WindowState, wall_us: int, **changes: Any) -> Window:
    """Returns the window in its next state.

    Raises:
        Refused: ILLEGAL_TRANSITION.
    """
    if to not in TRANSITIONS[WindowState(window.state)]:
        refuse_transition("window", WindowState(window.state).name, to.name)
    return touch(window, wall_us, state=to, **changes)


def touch(window: Window, wall_us: int, **changes: Any) -> Window:
    """Returns the window with other fields, one version on."""
    return window._replace(state_version=window.state_version + 1, update_time=wall_us, **changes)


def settle_work(world: World, window: Window) -> Work:
    """Returns the work of settling a closed window's next merchants, due at once; it follows the work of closing."""
    key = window_key(world.book, window.id)
    return Work(key, SETTLE, key, WALL, world.wall_us)


def event_of(world: World, window: Window) -> Event:
    """Returns the event of a window's step: `window.open`, `window.closed`, `window.settled`."""
    data = {
        "number": window.id, "calendar": window.calendar, "currency": window.currency, "state": int(window.state),
        "first_sequence": window.first_sequence, "last_sequence": window.last_sequence,
        "cut_off_time": window.cut_off_time, "due_time": window.due_time,
    }  # fmt: skip
    name = {WindowState.OPEN: "opened"}.get(WindowState(window.state), WindowState(window.state).name.lower())
    return Event(f"window.{name}", KIND, window_key(world.book, window.id), window.state_version, "", data)
