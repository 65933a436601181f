"""How the sandbox bank decides: one desk a transaction, over the operations that transaction loaded.

In: loaded rows, accounts, the bank's time. Out: answers, changed rows, entries, news. Pure but for its own lists.
Invariant: the key is looked up before anything else; nothing is decided that an obstacle stands against; every success
that moves our money posts exactly one line (and its fee line).
"""

from collections.abc import Callable
from typing import Final, NamedTuple

from keelpay_server.book.rail import (
    OperationKind,
    OperationOutcome,
    OperationRequest,
    OperationResult,
    StatementLineKind,
)
from keelpay_server.book.times import SECOND_US

from .behaviour import BEHAVIOURS, BankProfile, cost_of
from .magic import NEVER_S, SCENARIOS, Scenario, scenario_of
from .obstacle import obstacle
from .operation import Operation, body_of, fence, line_key_of, new_operation, result_of
from .store import Account, Entry

_KEY_BYTES: Final = 16
_PLAIN: Final = Scenario(0, ())
_OUT: Final = {OperationKind.REFUND: StatementLineKind.REFUND, OperationKind.PAY: StatementLineKind.PAYOUT}

SUCCEEDED, DECLINED, PENDING, FAILED, RETURNED = (
    OperationOutcome.SUCCEEDED, OperationOutcome.DECLINED, OperationOutcome.PENDING, OperationOutcome.FAILED,
    OperationOutcome.RETURNED,
)  # fmt: skip


class Answer(NamedTuple):
    """What the bank answers to one request.

    Attributes:
        result: What it says.
        silent: It says nothing this time.
    """

    result: OperationResult
    silent: bool = False


class Desk:
    """One transaction's worth of decisions.

    Args:
        profile: Which bank this is.
        now_us: The bank's time.
        day: Ordinal of the open business day.
        rows: The operations named by the requests, as far as they exist.
        accounts: All accounts by currency.
        next_posted: Gives the order of posting.
        lost_keys: Keys whose first request was already lost; the desk adds to it.
        forced: Gives the scenario ordered for the next operation of a kind, or an empty text.
        ordered: Gives what a test's order makes of an operation, or None.
    """

    def __init__(
        self,
        *,
        profile: BankProfile,
        now_us: int,
        day: int,
        rows: dict[bytes, Operation],
        accounts: dict[str, Account],
        next_posted: Callable[[], int],
        lost_keys: set[bytes],
        forced: Callable[[OperationKind], str],
        ordered: Callable[[OperationRequest], Scenario | None],
    ) -> None:
        self.changed: dict[bytes, Operation] = {}
        self.entries: list[Entry] = []
        self.rebooked: list[tuple[bytes, StatementLineKind]] = []
        self.decided: list[Operation] = []
        self.accounts = accounts
        self._profile = profile
        self._behaviour = BEHAVIOURS[profile.behaviour]
        self._now_us = now_us
        self._day = day
        self._rows = rows
        self._next_posted = next_posted
        self._lost_keys = lost_keys
        self._forced = forced
        self._ordered = ordered

    def operate(self, request: OperationRequest) -> Answer:
        """Carries out one operation, or tells what became of it; without a key there is nothing to remember."""
        if len(request.key) != _KEY_BYTES:
            return Answer(OperationResult(request.key, FAILED, "INVALID_REQUEST"))
        body = body_of(request)
        known = self._rows.get(request.key)
        if known is not None:
            if known.body not in {body, b""}:
                return Answer(OperationResult(request.key, OperationOutcome.MISMATCH, "MISMATCH"))
            return Answer(result_of(known))
        ordered = None if request.key in self._lost_keys else self._ordered(request)
        name = "" if ordered else self._scenario_name(request)
        scenario = ordered or (SCENARIOS[name] if name else _PLAIN)
        if request.kind not in scenario.kinds:
            scenario = _PLAIN
        if scenario.lost and request.key not in self._lost_keys:
            self._lost_keys.add(request.key)
            return Answer(OperationResult(request.key, OperationOutcome.NOT_FOUND), silent=True)
        row = new_operation(request, body, name, self._now_us)
        code = obstacle(request, self._rows.get(request.original_key), self._profile, self._now_us)
        row = self._end(row, FAILED, code) if code else self._decide(row, request, scenario)
        self._put(row)
        answer = Answer(result_of(row), scenario.silent)
        if scenario.contradicted and row.outcome == SUCCEEDED:
            answer = Answer(OperationResult(row.key, FAILED, "PROCESSING_ERROR", row.reference))
        return answer

    def fall_due(self, row: Operation) -> None:
        """Carries out the second decision of an operation."""
        row = self._rows.get(row.key, row)
        outcome, code = OperationOutcome(row.due_outcome), row.due_code
        row = row._replace(due_us=0, due_outcome=0, due_code="")
        if outcome is RETURNED:
            self.rebooked.append((row.key, StatementLineKind.PAYOUT_RETURN))
            row = self._end(row, RETURNED, code)
        elif outcome is SUCCEEDED:
            row = self._succeed(row)
        else:
            row = self._end(row, outcome, code)
        self._put(row)
        if row.outcome not in {SUCCEEDED, PENDING} and row.kind == OperationKind.REFUND:
            original = self._rows[row.original_key]
            self._put(original._replace(refunded_minor=original.refunded_minor - row.amount_minor))
        self.decided.append(row)

    def resume(self, row: Operation, *, approved: bool) -> Operation:
        """Decides an operation that waited for a redirected payer."""
        row = row._replace(due_us=0, due_outcome=0, due_code="")
        row = self._succeed(row) if approved else self._end(row, DECLINED, "REJECTED_BY_PAYER")
        self._put(row)
        return row

    def post(self, kind: StatementLineKind, key: str, currency: str, amount_minor: int, *, cause: Operation | None,
             text: str = "") -> None:  # fmt: skip
        """Books a movement of our account on the open day."""
        account = self.accounts.get(currency) or Account(currency, 0, 0, 0)
        self.accounts[currency] = account._replace(balance_minor=account.balance_minor + amount_minor)
        operation_key, reference = (cause.key, cause.reference) if cause else (b"", "")
        self.entries.append(
            Entry(key, self._next_posted(), currency, self._day, kind, amount_minor, operation_key, reference, text)
        )

    def _scenario_name(self, request: OperationRequest) -> str:
        name = self._forced(request.kind) or scenario_of(request.amount_minor, request.instrument)
        if not name and request.original_key and not request.instrument:
            original = self._rows.get(request.original_key)
            name = original.scenario if original else ""
        return name

    def _decide(self, row: Operation, request: OperationRequest, scenario: Scenario) -> Operation:
        if scenario.outcome in {DECLINED, FAILED}:
            return self._end(row, scenario.outcome, scenario.code)
        if row.kind == OperationKind.CAPTURE:
            return self._capture(row, final=request.final)
        if row.kind == OperationKind.VOID:
            return self._void(row)
        if scenario.outcome is PENDING:
            row = self._schedule(row._replace(challenge=scenario.challenge), scenario)
        else:
            row = self._succeed(row)
            if scenario.later_s and row.outcome == SUCCEEDED:
                row = self._schedule(row, scenario)
        if row.kind == OperationKind.REFUND and row.outcome in {SUCCEEDED, PENDING}:
            original = self._rows[row.original_key]
            self._put(original._replace(refunded_minor=original.refunded_minor + row.amount_minor))
        return row

    def _schedule(self, row: Operation, scenario: Scenario) -> Operation:
        if scenario.later_s == NEVER_S:
            return row
        due_us = self._now_us + scenario.later_s * SECOND_US
        return row._replace(due_us=due_us, due_outcome=scenario.later, due_code=scenario.later_code)

    def _succeed(self, row: Operation) -> Operation:
        """Ends an AUTHORIZE, REFUND or PAY well, and posts what it moves."""
        kind = OperationKind(row.kind)
        if kind is OperationKind.AUTHORIZE:
            row = self._end(row, SUCCEEDED, "")
            if not row.capture:
                return row
            row = row._replace(captured_minor=row.amount_minor)
            return self._settle_capture(row)
        account = self.accounts.get(row.currency)
        balance = account.balance_minor if account else 0
        if balance - row.amount_minor < -self._profile.overdraft_minor:
            return self._end(row, FAILED, "RESERVE_INSUFFICIENT")
        row = self._end(row, SUCCEEDED, "")._replace(value_day=self._day)
        self.post(_OUT[kind], line_key_of(row.key), row.currency, -row.amount_minor, cause=row)
        return row

    def _capture(self, row: Operation, *, final: bool) -> Operation:
        original = self._rows[row.original_key]
        captured = original._replace(captured_minor=original.captured_minor + row.amount_minor)
        released = captured.remaining_minor if final else 0
        self._put(captured._replace(released_minor=captured.released_minor + released))
        return self._settle_capture(self._end(row, SUCCEEDED, ""))

    def _void(self, row: Operation) -> Operation:
        original = self._rows.get(row.original_key)
        if original is None:
            self._put(fence(row.original_key, self._now_us))
            return self._end(row, SUCCEEDED, "")
        if original.outcome == PENDING:
            self._put(self._end(original, FAILED, "ALREADY_VOIDED")._replace(due_us=0, due_outcome=0, due_code=""))
            return self._end(row, SUCCEEDED, "")
        given_back = original.remaining_minor if original.outcome == SUCCEEDED else 0
        self._put(original._replace(released_minor=original.released_minor + given_back))
        return self._end(row, SUCCEEDED, "")._replace(amount_minor=given_back, currency=original.currency)

    def _settle_capture(self, row: Operation) -> Operation:
        cost = cost_of(self._profile, row.amount_minor)
        row = row._replace(cost_minor=cost, value_day=self._day)
        net = self._behaviour.net_of_cost
        received = row.amount_minor - cost if net else row.amount_minor
        self.post(StatementLineKind.CAPTURE_SETTLEMENT, line_key_of(row.key), row.currency, received, cause=row)
        if cost and not net:
            self.post(StatementLineKind.FEE, line_key_of(row.key) + ":fee", row.currency, -cost, cause=row)
        return row

    def _end(self, row: Operation, outcome: OperationOutcome, code: str) -> Operation:
        return row._replace(outcome=outcome, code=code, decide_us=self._now_us, challenge=0)

    def _put(self, row: Operation) -> None:
        self._rows[row.key] = self.changed[row.key] = row
