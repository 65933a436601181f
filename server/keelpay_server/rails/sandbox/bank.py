"""The sandbox bank itself: its clock, its transactions, its days and statements. Synchronous, one caller at a time.

In: operations, queries, the levers of a test. Out: answers and statements. Invariant: what falls due before a day ends
is decided on that day; a closed day's statement never changes; nothing is answered before it is committed.
"""

from collections.abc import Callable, Sequence
from datetime import date
from hashlib import blake2b
from typing import Final

from keelpay_server.book.rail import (
    OperationKind,
    OperationOutcome,
    OperationRequest,
    OperationResult,
    RailCapabilities,
    Statement,
    StatementLine,
    StatementLineKind,
    StatementUnavailableError,
)
from keelpay_server.book.times import DAY_US, MINUTE_US

from .behaviour import BankProfile, capabilities_of
from .desk import Answer, Desk
from .magic import SCENARIOS
from .operation import Operation, line_key_of, result_of
from .orders import ScenarioOrders
from .store import NEVER_DAY, Account, BankStore, ClosedDay, Entry, Notice

_EPOCH_DAY: Final = date(1970, 1, 1).toordinal()
_APPROVE: Final = b"approve"


class SandboxBank:
    """One bank.

    Args:
        profile: Which bank it is.
        store: Its file. The bank owns it.
        clock: Microseconds since the epoch; the bank adds what `advance` was told.
        tells: Keep news for keelpay until `drop_notice`; off where nobody fetches it.
    """

    def __init__(
        self, profile: BankProfile, store: BankStore, clock: Callable[[], int], *, tells: bool = False
    ) -> None:
        self.profile = profile
        self._store = store
        self._clock = clock
        self._tells = tells
        self._latest_us = 0
        self._lost_keys: set[bytes] = set()
        self._forced = ("", 0)
        self.orders = ScenarioOrders()
        saved = store.clock()
        self._offset_us, self._day = saved or (0, self._day_of(clock()))
        if saved is None:
            with store.transaction():
                store.set_clock(self._offset_us, self._day)

    @property
    def durable(self) -> bool:
        """Whether a commit waits for a disk."""
        return self._store.durable

    @property
    def business_date(self) -> date:
        """The open business day."""
        return date.fromordinal(self._day)

    @property
    def now_us(self) -> int:
        """The bank's time; never goes back while the bank runs."""
        self._latest_us = max(self._latest_us, self._clock() + self._offset_us)
        return self._latest_us

    def close(self) -> None:
        """Closes the file."""
        self._store.close()

    def capabilities(self) -> RailCapabilities:
        """Returns what the bank declares."""
        return capabilities_of(self.profile)

    def operate(self, requests: Sequence[OperationRequest]) -> list[Answer]:
        """Carries out operations of any kind, in order, in one commit."""
        with self._store.transaction():
            self._catch_up()
            named = {request.key: None for request in requests}
            named |= {request.original_key: None for request in requests if request.original_key}
            desk = self._desk(self.now_us, self._store.load(named))
            answers = [desk.operate(request) for request in requests]
            self._save(desk)
        for key, difference in self.orders.take_misstated():
            self.misstate(key, **difference)
        return answers

    def query(self, keys: Sequence[bytes]) -> list[OperationResult]:
        """Tells what became of operations."""
        with self._store.transaction():
            self._catch_up()
            rows = self._store.load(keys)
        missing = OperationOutcome.NOT_FOUND
        return [result_of(rows[key]) if key in rows else OperationResult(key, missing) for key in keys]

    def resume(self, key: bytes, payload: bytes) -> OperationResult:
        """Takes what a redirected payer brought back: `approve`, or anything else for no."""
        with self._store.transaction():
            self._catch_up()
            rows = self._store.load((key,))
            row = rows.get(key)
            if row is not None and row.challenge and row.outcome == OperationOutcome.PENDING:
                desk = self._desk(self.now_us, rows)
                row = desk.resume(row, approved=payload == _APPROVE)
                self._save(desk)
        return result_of(row) if row else OperationResult(key, OperationOutcome.NOT_FOUND)

    def advance(self, *, step_us: int = 0, days: int = 0) -> int:
        """Moves the bank's clock forward and returns its time.

        Args:
            step_us: By how much, at least 0.
            days: How many business days are closed besides, at least 0.
        """
        assert min(step_us, days) >= 0, "the bank's clock never goes back"
        with self._store.transaction():
            self._offset_us += step_us
            self._catch_up()
            if days:
                self._offset_us += self._start_of(self._day + days) - self.now_us
                self._catch_up()
            self._store.set_clock(self._offset_us, self._day)
        return self.now_us

    def advance_to(self, time_us: int) -> int:
        """Moves the bank's clock forward to a time, if it is not there yet, and returns its time."""
        return self.advance(step_us=max(0, time_us - self.now_us))

    def decide(self, key: bytes, outcome: OperationOutcome, code: str) -> OperationResult | None:
        """Decides an operation now: ends a pending one, or returns a payment out. None where that cannot be."""
        with self._store.transaction():
            self._catch_up()
            rows = self._store.load((key,))
            row = rows.get(key)
            if row is None or not _can_become(row, outcome):
                return None
            rows[key] = row._replace(due_outcome=outcome, due_code=code)
            rows |= self._store.load((row.original_key,) if row.original_key else ())
            desk = self._desk(self.now_us, rows)
            desk.fall_due(row)
            self._save(desk)
            self._return_payouts(desk)
            self._tell([(key, self.now_us)], self.now_us)
        return result_of(desk.changed[key])

    def force(self, scenario: str, operation_count: int) -> None:
        """Makes the next operations that a scenario can befall follow it.

        Raises:
            KeyError: There is no such scenario.
        """
        if scenario not in SCENARIOS:
            raise KeyError(scenario)
        self._forced = (scenario, operation_count)

    def post_entry(
        self, kind: StatementLineKind, amount_minor: int, currency: str, *, operation_key: bytes = b"", text: str = "",
        entry_id: bytes = b"",
    ) -> str:  # fmt: skip
        """Books a movement that no operation caused, once under an id, and returns its natural key."""
        with self._store.transaction():
            self._catch_up()
            natural_key = f"entry-{entry_id.hex()}" if entry_id else f"entry-{self._store.next_posted()}"
            if entry_id and self._store.entry_of(natural_key) is not None:
                return natural_key
            rows = self._store.load((operation_key,) if operation_key else ())
            desk = self._desk(self.now_us, rows)
            desk.post(kind, natural_key, currency, amount_minor, cause=rows.get(operation_key), text=text)
            self._save(desk)
        return natural_key

    def misstate(self, operation_key: bytes, *, day_shift: int | None = 0, twice: bool = False, delta: int = 0) -> bool:
        """Makes the open day's statement differ from what happened; False where the operation has no line on it.

        Args:
            operation_key: Whose line.
            day_shift: Days by which the line is late; None leaves it out for ever.
            twice: Whether the line stands there a second time.
            delta: Added to its amount; the sum must not be zero.
        """
        with self._store.transaction():
            self._catch_up()
            entry = self._store.entry_of(line_key_of(operation_key))
            if entry is None or entry.day != self._day:
                return False
            day = NEVER_DAY if day_shift is None else entry.day + day_shift
            self._store.rebook(entry.natural_key, day, entry.amount_minor + delta)
            if twice:
                second = entry._replace(natural_key=entry.natural_key + ":2", posted=self._store.next_posted())
                self._store.post((second,))
        return True

    def statement(self, day: date, currency: str) -> Statement:
        """Returns the statement of a closed day.

        Raises:
            StatementUnavailableError: The day is open, or the account had no such day.
        """
        with self._store.transaction():
            self._catch_up()
            if day.toordinal() >= self._day:
                raise StatementUnavailableError(f"{day} is not closed")
            head = self._store.closed_day(currency, day.toordinal())
            entries = self._store.lines_of(currency, day.toordinal()) if head else []
        if head is None:
            raise StatementUnavailableError(f"there is no account in {currency} on {day}")
        lines = tuple(
            StatementLine(
                number, entry.natural_key, StatementLineKind(entry.kind), entry.amount_minor, currency,
                entry.operation_key, day, entry.bank_reference, entry.text,
            )
            for number, entry in enumerate(entries, start=1)
        )  # fmt: skip
        return Statement(self.profile.bank, head.number, day, currency, head.opening_minor, head.closing_minor, lines)

    def notices(self, items_max: int) -> list[tuple[Notice, OperationResult | None]]:
        """Returns the oldest news, with the result where it is about an operation."""
        with self._store.transaction():
            self._catch_up()
            news = self._store.notices(items_max)
            rows = self._store.load(notice.operation_key for notice in news if notice.operation_key)
        return [(n, result_of(rows[n.operation_key]) if n.operation_key else None) for n in news]

    def drop_notice(self, notice_id: bytes) -> None:
        """Forgets news that keelpay has taken."""
        with self._store.transaction():
            self._store.drop_notice(notice_id)

    def _desk(self, now_us: int, rows: dict[bytes, Operation]) -> Desk:
        return Desk(
            profile=self.profile,
            now_us=now_us,
            day=self._day,
            rows=rows,
            accounts={account.currency: account for account in self._store.accounts()},
            next_posted=self._store.next_posted,
            lost_keys=self._lost_keys,
            forced=self._take_forced,
            ordered=self.orders.take,
        )

    def _take_forced(self, kind: OperationKind) -> str:
        name, count = self._forced
        if not count or kind not in SCENARIOS[name].kinds:
            return ""
        self._forced = (name, count - 1)
        return name

    def _catch_up(self) -> None:
        """Decides what is due and closes days that have ended, day by day."""
        now_us = self.now_us
        while True:
            day_end_us = self._start_of(self._day + 1)
            until_us = min(now_us, day_end_us - 1)
            due = self._store.load_due(until_us)
            if due:
                rows = {row.key: row for row in due}
                rows |= self._store.load({row.original_key for row in due if row.original_key} - rows.keys())
                desk = self._desk(until_us, rows)
                for row in due:
                    desk.fall_due(row)
                self._save(desk)
                self._return_payouts(desk)
                self._tell([(row.key, row.due_us) for row in due], now_us)
            if now_us < day_end_us:
                return
            self._close_day()

    def _return_payouts(self, desk: Desk) -> None:
        """Takes back payments out: without a trace where their line is not stated yet, else by a line of its own."""
        for key, kind in desk.rebooked:
            entry = self._store.entry_of(line_key_of(key))
            assert entry is not None, "a payment out that succeeded has posted its line"
            account = desk.accounts[entry.currency]
            desk.accounts[entry.currency] = account._replace(balance_minor=account.balance_minor - entry.amount_minor)
            if entry.day == self._day:
                self._store.rebook(entry.natural_key, NEVER_DAY, entry.amount_minor)
            else:
                back = entry._replace(natural_key=f"{entry.natural_key}:return", posted=self._store.next_posted())
                self._store.post((back._replace(day=self._day, kind=kind, amount_minor=-entry.amount_minor),))
        if desk.rebooked:
            self._store.save_accounts(desk.accounts.values())

    def _close_day(self) -> None:
        accounts: list[Account] = []
        for account in self._store.accounts():
            lines: list[Entry] = self._store.lines_of(account.currency, self._day)
            closing = account.stated_minor + sum(line.amount_minor for line in lines)
            number = account.number + 1
            head = ClosedDay(account.currency, self._day, number, account.stated_minor, closing, len(lines))
            self._store.close_day(head)
            accounts.append(account._replace(stated_minor=closing, number=number))
            if self._tells:
                name = f"{self.profile.bank}/{account.currency}/{self._day}".encode()
                notice_id = blake2b(name, digest_size=16).digest()
                self._store.add_notices((Notice(notice_id, self.now_us, b"", self._day, account.currency),))
        self._store.save_accounts(accounts)
        self._day += 1
        self._store.set_clock(self._offset_us, self._day)

    def _tell(self, decided: list[tuple[bytes, int]], now_us: int) -> None:
        """Keeps news of decisions; the id follows from the key and the moment, so that a repeat is the same news."""
        if self._tells:
            self._store.add_notices(
                Notice(blake2b(key + due_us.to_bytes(8, "big"), digest_size=16).digest(), now_us, key, 0, "")
                for key, due_us in decided
            )

    def _save(self, desk: Desk) -> None:
        self._store.save(desk.changed.values())
        if desk.entries:
            self._store.post(desk.entries)
            self._store.save_accounts(desk.accounts.values())

    def _day_of(self, time_us: int) -> int:
        return _EPOCH_DAY + (time_us + self.profile.utc_offset_minutes * MINUTE_US) // DAY_US

    def _start_of(self, day: int) -> int:
        return (day - _EPOCH_DAY) * DAY_US - self.profile.utc_offset_minutes * MINUTE_US


def _can_become(row: Operation, outcome: OperationOutcome) -> bool:
    if outcome is OperationOutcome.RETURNED:
        return row.kind == OperationKind.PAY and row.outcome == OperationOutcome.SUCCEEDED
    return row.outcome == OperationOutcome.PENDING
