"""The sandbox bank itself: its transactions, one caller at a time, each after whatever fell due before it.

In: operations, queries, the levers of a test. Out: answers and statements. Invariant: what falls due before a day ends
is decided on that day; a closed day's statement never changes; nothing is answered before it is committed.
"""

from collections.abc import Callable, Sequence
from datetime import date
from typing import Final

from keelpay_server.book.rail import (
    ChallengeKind,
    OperationKind,
    OperationOutcome,
    OperationRequest,
    OperationResult,
    RailCapabilities,
    Statement,
    StatementLineKind,
    StatementUnavailableError,
)
from keelpay_server.book.sandbox_bank import ChallengeAnswer, ChallengeState, SandboxChallenge

from .behaviour import BankProfile, capabilities_of
from .challenge import asked_of, key_of, shown, ticket_of
from .clock import BankClock
from .closing import close_accounts, closed_statement
from .desk import Answer, Desk
from .news import News
from .operation import Operation, result_of
from .orders import ScenarioOrders
from .rebooking import misstate_line, take_back
from .store import BankStore, Notice

_APPROVE: Final = b"approve"


class SandboxBank:
    """One bank.

    Args:
        profile: Which bank it is.
        store: Its file. The bank owns it.
        clock: Microseconds since the epoch; the bank adds what `advance` was told.
        tells: Keep news for keelpay until `drop_notice`; off where nobody fetches it.
        page: URL of the page that asks redirected payers; empty where nobody serves one.
    """

    def __init__(
        self,
        profile: BankProfile,
        store: BankStore,
        clock: Callable[[], int],
        *,
        tells: bool = False,
        page: str = "",
    ) -> None:
        self.profile = profile
        self._page = page
        self._store = store
        self._news = News(store, profile.bank, tells=tells)
        self._lost_keys: set[bytes] = set()
        self.orders = ScenarioOrders()
        self._clock = BankClock(store, clock, profile.utc_offset_minutes)

    @property
    def durable(self) -> bool:
        """Whether a commit waits for a disk."""
        return self._store.durable

    @property
    def business_date(self) -> date:
        """The open business day."""
        return date.fromordinal(self._clock.day)

    @property
    def now_us(self) -> int:
        """The bank's time; never goes back while the bank runs."""
        return self._clock.now_us

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
            waiting = [request for request in requests if self._redirects(desk.changed.get(request.key))]
            self._store.save_asked(map(asked_of, waiting))
        for key, difference in self.orders.take_misstated():
            self.misstate(key, **difference)
        return [answer._replace(result=self._told(answer.result)) for answer in answers]

    def query(self, keys: Sequence[bytes]) -> list[OperationResult]:
        """Tells what became of operations."""
        with self._store.transaction():
            self._catch_up()
            rows = self._store.load(keys)
        missing = OperationOutcome.NOT_FOUND
        return [self._told(result_of(rows[key])) if key in rows else OperationResult(key, missing) for key in keys]

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

    def knows(self, ticket: str) -> bool:
        """Whether the bank has made a ticket; its file is not asked."""
        return key_of(self._store.secret, ticket) is not None

    def challenge(self, ticket: str) -> SandboxChallenge | None:
        """Returns what a redirected payer is asked; None where the ticket is not ours, or somebody has answered."""
        key = key_of(self._store.secret, ticket) or b""
        with self._store.transaction():
            self._catch_up()
            row, asked = self._store.load((key,)).get(key), self._store.asked(key)
        return shown(row, asked, "", self.profile.bank, self.now_us) if row and asked else None

    def answer_challenge(self, ticket: str, answer_id: str, *, approved: bool) -> ChallengeAnswer | None:
        """Decides an open challenge, once; None where `challenge` gives none and this request has not answered it."""
        key = key_of(self._store.secret, ticket) or b""
        with self._store.transaction():
            self._catch_up()
            rows, asked = self._store.load((key,)), self._store.asked(key)
            row = rows.get(key)
            if row is None or asked is None:
                return None
            known = shown(row, asked, answer_id, self.profile.bank, self.now_us)
            if known is not None and known.state is ChallengeState.OPEN:
                desk = self._desk(self.now_us, rows)
                row, asked = desk.resume(row, approved=approved), asked._replace(answer_id=answer_id)
                self._save(desk)
                self._store.save_asked((asked,))
        now = shown(row, asked, answer_id, self.profile.bank, self.now_us)
        return None if now is None else ChallengeAnswer(now, result_of(row), replayed=now == known)

    def advance(self, *, step_us: int = 0, days: int = 0) -> int:
        """Moves the bank's clock forward and returns its time.

        Args:
            step_us: By how much, at least 0.
            days: How many business days are closed besides, at least 0.
        """
        assert min(step_us, days) >= 0, "the bank's clock never goes back"
        with self._store.transaction():
            self._clock.push(step_us)
            self._catch_up()
            if days:
                self._clock.push(self._clock.start_of(self._clock.day + days) - self.now_us)
                self._catch_up()
            self._clock.save()
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
            take_back(self._store, desk, self._clock.day)
            self._news.tell([(key, self.now_us)], self.now_us)
        return result_of(desk.changed[key])

    def force(self, scenario: str, operation_count: int) -> None:
        """Makes the next operations that a scenario can befall follow it.

        Raises:
            KeyError: There is no such scenario.
        """
        self.orders.force(scenario, operation_count)

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
            return misstate_line(self._store, self._clock.day, operation_key, day_shift, delta, twice=twice)

    def statement(self, day: date, currency: str) -> Statement:
        """Returns the statement of a closed day.

        Raises:
            StatementUnavailableError: The day is open, or the account had no such day.
        """
        with self._store.transaction():
            self._catch_up()  # kept whatever is answered: a day that was closed stays closed
        if day.toordinal() >= self._clock.day:
            raise StatementUnavailableError(f"{day} is not closed")
        with self._store.transaction():
            return closed_statement(self._store, self.profile.bank, day, currency)

    def notices(self, items_max: int) -> list[tuple[Notice, OperationResult | None]]:
        """Returns the oldest news, with the result where it is about an operation."""
        with self._store.transaction():
            self._catch_up()
            news = self._news.oldest(items_max)
            rows = self._store.load(notice.operation_key for notice in news if notice.operation_key)
        return [(n, result_of(rows[n.operation_key]) if n.operation_key else None) for n in news]

    def drop_notice(self, notice_id: bytes) -> None:
        """Forgets news that keelpay has taken."""
        with self._store.transaction():
            self._news.drop(notice_id)

    def _redirects(self, row: Operation | None) -> bool:
        return row is not None and row.challenge == ChallengeKind.REDIRECT

    def _told(self, result: OperationResult) -> OperationResult:
        """Puts the address of our page in, where there is one."""
        if not self._page or result.challenge is not ChallengeKind.REDIRECT:
            return result
        return result._replace(challenge_uri=f"{self._page}#{ticket_of(self._store.secret, result.key)}")

    def _desk(self, now_us: int, rows: dict[bytes, Operation]) -> Desk:
        return Desk(
            profile=self.profile,
            now_us=now_us,
            day=self._clock.day,
            rows=rows,
            accounts={account.currency: account for account in self._store.accounts()},
            next_posted=self._store.next_posted,
            lost_keys=self._lost_keys,
            forced=self.orders.take_forced,
            ordered=self.orders.take,
        )

    def _catch_up(self) -> None:
        """Decides what is due and closes days that have ended, day by day."""
        now_us = self.now_us
        while True:
            day_end_us = self._clock.start_of(self._clock.day + 1)
            until_us = min(now_us, day_end_us - 1)
            due = self._store.load_due(until_us)
            if due:
                rows = {row.key: row for row in due}
                rows |= self._store.load({row.original_key for row in due if row.original_key} - rows.keys())
                desk = self._desk(until_us, rows)
                for row in due:
                    desk.fall_due(row)
                self._save(desk)
                take_back(self._store, desk, self._clock.day)
                self._news.tell([(row.key, row.due_us) for row in due], now_us)
            if now_us < day_end_us:
                return
            self._close_day()

    def _close_day(self) -> None:
        day = self._clock.day
        for currency in close_accounts(self._store, day):
            self._news.tell_closed(currency, day, self.now_us)
        self._clock.next_day()

    def _save(self, desk: Desk) -> None:
        self._store.save(desk.changed.values())
        if desk.entries:
            self._store.post(desk.entries)
            self._store.save_accounts(desk.accounts.values())


def _can_become(row: Operation, outcome: OperationOutcome) -> bool:
    if outcome is OperationOutcome.RETURNED:
        return row.kind == OperationKind.PAY and row.outcome == OperationOutcome.SUCCEEDED
    return row.outcome == OperationOutcome.PENDING
