"""Lines that are booked otherwise after all: payments out that come back, and what a test has misstated.

In: a store in a transaction, the open day. Out: changed or further lines. Invariant: a line of a closed day stays as it
is; whatever changes it is a line of the open day.
"""

from .desk import Desk
from .operation import line_key_of
from .store import NEVER_DAY, BankStore


def take_back(store: BankStore, desk: Desk, today: int) -> None:
    """Takes back payments out: without a trace where their line is not stated yet, else by a line of its own."""
    for key, kind in desk.rebooked:
        entry = store.entry_of(line_key_of(key))
        assert entry is not None, "a payment out that succeeded has posted its line"
        account = desk.accounts[entry.currency]
        desk.accounts[entry.currency] = account._replace(balance_minor=account.balance_minor - entry.amount_minor)
        if entry.day == today:
            store.rebook(entry.natural_key, NEVER_DAY, entry.amount_minor)
        else:
            back = entry._replace(natural_key=f"{entry.natural_key}:return", posted=store.next_posted())
            store.post((back._replace(day=today, kind=kind, amount_minor=-entry.amount_minor),))
    if desk.rebooked:
        store.save_accounts(desk.accounts.values())


def misstate_line(
    store: BankStore, today: int, operation_key: bytes, day_shift: int | None, delta: int, *, twice: bool
) -> bool:
    """Makes the line of an operation differ from what happened; False where it is not on the open day.

    Args:
        store: The bank's.
        today: Ordinal of the open day.
        operation_key: Whose line.
        day_shift: Days by which the line is late; None leaves it out for ever.
        delta: Added to its amount; the sum must not be zero.
        twice: Whether the line stands there a second time.
    """
    entry = store.entry_of(line_key_of(operation_key))
    if entry is None or entry.day != today:
        return False
    day = NEVER_DAY if day_shift is None else entry.day + day_shift
    store.rebook(entry.natural_key, day, entry.amount_minor + delta)
    if twice:
        store.post((entry._replace(natural_key=entry.natural_key + ":2", posted=store.next_posted()),))
    return True
