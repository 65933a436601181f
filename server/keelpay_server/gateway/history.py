"""History: which states a payment reached, when, and whose time it took to reach them, as text of a bounded length.

In: steps, one by one. Out: one row a state, in the order in which the states were first reached. Invariant: however
often a state is reached again, a history has at most one row for it, and the rows' times add up to all time spent.
"""

from typing import Final, NamedTuple

from msgspec import json

EMPTY: Final = "[]"


class Reached(NamedTuple):
    """One state that was reached. A row of the text is as long as it must be: the last two only for a state met again.

    Attributes:
        state: Its number.
        time_us: When it was first reached.
        system_us: Spent in our system on the way to it, all times together.
        bank_us: Spent at the bank on the way to it.
        human_us: Spent by people on the way to it.
        times: How often it was reached.
        last_time_us: When it was last reached; 0 where that is the first time.
    """

    state: int
    time_us: int
    system_us: int
    bank_us: int
    human_us: int
    times: int = 1
    last_time_us: int = 0


def reach(history: str, state: int, time_us: int, system_us: int, bank_us: int, human_us: int) -> str:
    """Returns the history after one more step.

    Args:
        history: As it was: the JSON rows, or EMPTY.
        state: The state that was reached.
        time_us: When, wall clock.
        system_us: Of the time since the step before, what our system took.
        bank_us: What the bank took.
        human_us: What people took.
    """
    if f"[{state}," not in history:  # the usual step costs no parsing: rows alone begin with a bracket and a number
        row = f"[{state},{time_us},{system_us},{bank_us},{human_us}]"
        return f"[{row}]" if history == EMPTY else f"{history[:-1]},{row}]"
    rows = [
        row._replace(
            system_us=row.system_us + system_us, bank_us=row.bank_us + bank_us, human_us=row.human_us + human_us,
            times=row.times + 1, last_time_us=time_us,
        )
        if row.state == state else row
        for row in states_reached(history)
    ]  # fmt: skip
    return json.encode([row if row.times > 1 else row[:5] for row in rows]).decode()


def states_reached(history: str) -> list[Reached]:
    """Returns the rows of a history, in the order in which the states were first reached."""
    return [Reached(*row) for row in json.decode(history)]
