"""Simulation: replays a plan through a running test installation, day by day, and reads the books at the end.

In: a connection and options. Out: a report, printed too. Invariant: time-lapse by the business clock alone; a day is
over only when it is settled, paid out and its statements are matched; the report tells every failure.
"""

import secrets
import time
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

from rich.console import Console

from keelpay.enums import ReviewState, Verdict

from .cashier import Cashier
from .cast import Casting
from .connection import CURRENCY, Callers, Connection, open_callers
from .crowd import for_each
from .figures import Played
from .patience import PATIENCE_S
from .plan import Act, ActKind, Plan, make_plan
from .progress import Progress
from .reading import read_before, read_books
from .report import Report
from .report_table import print_report
from .timeline import Timeline
from .traffic import load_traffic
from .transaction import DAY_S, HOUR_S
from .treasury import FETCHED_AFTER, PAGE, Treasury

DAYS_MAX: Final = 60
RUN_BYTES: Final = 4
REVIEW_ROUNDS_MAX: Final = 3
"""A payment that a reviewer let pass may be reviewed once more, for another reason."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to simulate.

    Attributes:
        traffic: A file of the public data set; None makes traffic up.
        days: Over how many days, 1 to 60.
        payments: How many payments at most, at least 1.
        merchants: How many merchants at most; more terminals share them.
        seed: Decides everything that is drawn by chance.
    """

    traffic: Path | None = None
    days: int = 3
    payments: int = 2000
    merchants: int = 60
    seed: int = 1

    def __post_init__(self) -> None:
        if not 0 < self.days <= DAYS_MAX or min(self.payments, self.merchants) < 1:
            raise ValueError(f"simulate 1 to {DAYS_MAX} days, at least one payment and one merchant")


async def run_simulation(connection: Connection, options: Options, out: Console) -> Report:
    """Plays everything and prints the report.

    Args:
        connection: A running test installation.
        options: What to play.
        out: Where progress and report go.

    Raises:
        RunError: The file cannot be read, or the server does not get on.
        KeelpayError: Something that everything depends on is refused.
    """
    transactions = load_traffic(options.traffic, days=options.days, payments_max=options.payments, seed=options.seed)
    plan = make_plan(transactions, days=options.days, merchants_max=options.merchants, seed=options.seed)
    source = options.traffic.name if options.traffic else f"made up from seed {options.seed}"
    out.print(
        f"{len(plan.payments):,} payments of {len(plan.customers):,} customers at {plan.terminals:,} terminals "
        f"({len(plan.merchants)} merchants) over {plan.days} days, {source}",
        highlight=False,
    )
    async with open_callers(connection) as callers:
        return await _Run(callers, plan, Progress(out)).report(out)


class _Run:
    """One run."""

    def __init__(self, callers: Callers, plan: Plan, progress: Progress) -> None:
        self._callers, self._plan, self._progress = callers, plan, progress
        self._treasury = Treasury(callers)
        self._failures: list[str] = []
        self._reviews = 0

    async def report(self, out: Console) -> Report:
        """Sets up, plays the days, reads the books, prints."""
        before = await read_before(self._callers)
        casting = Casting(self._callers, self._plan, f"s{secrets.token_hex(RUN_BYTES)}")
        with self._progress.step("merchants, people, passkeys", casting.step_count) as advance:
            await self._treasury.deposit(2 * sum(each.amount_minor for each in self._plan.payments))
            cast = await casting.make(advance)
        self._merchants = sorted(cast.merchants.values())
        self._cashier = Cashier(self._callers, self._plan, cast)
        begin = time.monotonic()
        await self._play_days(await Timeline.begin(self._callers))
        wall_s = int(time.monotonic() - begin)
        takings = self._cashier.takings
        frauds = {each.number for each in self._plan.payments if each.fraud}
        played = Played(
            payments=len(self._plan.payments), paid=len(takings.paid), captured_minor=takings.captured_minor,
            refunds=len(takings.refunds), passkeys=cast.passkeys, mandates=cast.mandates,
            confirmations=takings.confirmations, step_ups=takings.step_ups, frauds=len(frauds),
            frauds_stopped=len(frauds - takings.paid), other_ways=takings.other_ways, reviews=self._reviews,
            failures=tuple(self._failures), wall_s=wall_s,
        )  # fmt: skip
        books = await read_books(self._callers, self._merchants, before)
        report = Report(books, played, CURRENCY)
        print_report(report, out)
        return report

    async def _play_days(self, timeline: Timeline) -> None:
        acts = self._plan.acts()
        await self._end_day(timeline, 0)
        for day in range(self._plan.days):
            of_day = [act for act in acts if act.time_s // DAY_S == day]
            with self._progress.step(f"day {day + 1}, {timeline.date(day)}", len(of_day)) as advance:
                for hour, group in groupby(of_day, key=lambda act: act.time_s // HOUR_S):
                    await timeline.go_to(timeline.at(hour * HOUR_S))
                    slice_acts = list(group)
                    for kind in ActKind:
                        some = [act for act in slice_acts if act.kind is kind]
                        await self._play(some)
                        for _ in some:
                            advance()
                await self._end_day(timeline, day + 1)
        # What the last day took in is paid out on the next one, whose statements prove it.
        await self._end_day(timeline, self._plan.days + 1)

    async def _play(self, acts: Sequence[Act]) -> None:
        """Plays acts of one kind at once, but one after the other where they concern the same payment."""
        by_payment: dict[int, list[Act]] = {}
        for act in acts:
            by_payment.setdefault(act.payment, []).append(act)

        async def in_turn(own: list[Act]) -> None:
            for act in own:
                await self._cashier.play(act)

        await for_each(by_payment.values(), in_turn, failures=self._failures)
        for _ in range(REVIEW_ROUNDS_MAX):
            if self._cashier.takings.in_review:
                await self._review()

    async def _review(self) -> None:
        """Has a reviewer decide what waits: refused is what turned out to be fraud."""
        numbers = sorted(self._cashier.takings.in_review)
        payments = {self._cashier.takings.payments[number].name: number for number in numbers}
        reviews = self._callers.maker.reviews.list(state=ReviewState.OPEN, page_size=PAGE, timeout_s=PATIENCE_S)
        async for review in reviews:
            number = payments.get(review.payment)
            if number is not None:
                fraud = self._plan.payments[number].fraud
                verdict = Verdict.REJECT if fraud else Verdict.APPROVE
                await self._callers.maker.reviews.decide(review, verdict=verdict, comment="The payer was called")
                self._reviews += 1
        await for_each(numbers, self._cashier.look, failures=self._failures)

    async def _end_day(self, timeline: Timeline, day: int) -> None:
        """Goes to the midnight that begins a day: windows close, merchants are paid, statements of the day before come.

        Args:
            timeline: The clock.
            day: From 0; the day before it has ended.
        """
        midnight = timeline.midnight(day)
        await timeline.go_to(midnight)
        await self._treasury.settled(midnight)
        await self._treasury.paid_out(self._merchants)
        await timeline.go_to(midnight + FETCHED_AFTER)
        await self._treasury.matched(midnight)
