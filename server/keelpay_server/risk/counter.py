"""Counter: what is remembered of one payer, card, device, payee or address, fading with three half-lives.

In: payments and labels, each at a time, in any order. Out: decayed counts, sums, squares, frauds; last; largest.
Invariant: t' = max(t, te); v' = v·exp(-(t'-t)/τ) + x·exp(-(t'-te)/τ): neither the order of events nor the way in
which parts were merged changes the result (beyond the rounding of floats).
"""

from math import exp, log
from struct import Struct
from typing import Final, NamedTuple

from keelpay_server.book.times import DAY_US

HALF_LIVES_DAYS: Final = (1, 7, 30)
_R1, _R7, _R30 = (log(2) / (days * DAY_US) for days in HALF_LIVES_DAYS)
_LAYOUT: Final = Struct("<3q16d")


class Counter(NamedTuple):
    """One entity's counters. Names end in the half-life in days.

    Attributes:
        time: When the decayed values hold, business clock, microseconds.
        last: The latest attempt, or 0.
        largest: The largest amount of a proven payment, in the unit of `magnitude`.
        attempts_1: Payments tried, proven or not.
        count_1: Proven payments: approved without friction, or confirmed by their payer.
        sum_1: Their amounts.
        squares_1: The squares of their amounts.
        fraud_1: Labels of fraud, by weight.
        unexplained_1: Those among them whose amount was nothing unusual for the payer: they point at the payee.
    """

    time: int
    last: int
    largest: int
    attempts_1: float
    count_1: float
    sum_1: float
    squares_1: float
    fraud_1: float
    unexplained_1: float
    count_7: float
    sum_7: float
    squares_7: float
    fraud_7: float
    unexplained_7: float
    count_30: float
    sum_30: float
    squares_30: float
    fraud_30: float
    unexplained_30: float


EMPTY: Final = Counter(0, 0, 0, *[0.0] * 16)


def decay(age_us: int) -> tuple[float, float, float]:
    """Returns what is left of one after a time, for each half-life.

    Args:
        age_us: Microseconds, not negative.
    """
    return exp(-age_us * _R1), exp(-age_us * _R7), exp(-age_us * _R30)


def count(counter: Counter, time: int, amount: int, *, attempt: bool, proven: bool) -> Counter:
    """Returns the counter after one payment.

    Args:
        counter: Before it.
        time: When it happened; it may lie before what was counted already.
        amount: In the unit of `magnitude`.
        attempt: Whether it is counted as tried: once a payment.
        proven: Whether its amount counts as the payer's own doing: once a payment.
    """
    one = 1.0 if proven else 0.0
    value = amount if proven else 0
    square = value * value
    if time >= counter.time:
        # The usual case, written out: nothing of the new event has decayed yet.
        _, last, largest, a1, c1, s1, q1, f1, u1, c7, s7, q7, f7, u7, c30, s30, q30, f30, u30 = counter
        d1, d7, d30 = decay(time - counter.time)
        return Counter(
            time, time if attempt and time > last else last, max(largest, value),
            a1 * d1 + attempt,
            c1 * d1 + one, s1 * d1 + value, q1 * d1 + square, f1 * d1, u1 * d1,
            c7 * d7 + one, s7 * d7 + value, q7 * d7 + square, f7 * d7, u7 * d7,
            c30 * d30 + one, s30 * d30 + value, q30 * d30 + square, f30 * d30, u30 * d30,
        )  # fmt: skip
    part = (one, float(value), float(square), 0.0, 0.0)
    return merge(counter, Counter(time, time if attempt else 0, value, float(attempt), *part, *part, *part))


def mark(counter: Counter, time: int, weight: float, *, explained: bool) -> Counter:
    """Returns the counter after a label.

    Args:
        counter: Before it.
        time: When the label was counted.
        weight: 1 for a fraud, less for a suspicion; the negative of an earlier label, at its time, takes it back.
        explained: Whether the payer's own anomaly explains the fraud, so that it says little about the payee.
    """
    part = (0.0, 0.0, 0.0, weight, 0.0 if explained else weight)
    return merge(counter, Counter(time, 0, 0, 0.0, *part, *part, *part))


def merge(one: Counter, other: Counter) -> Counter:
    """Returns both as one: what each saw, counted once."""
    if one.time < other.time:
        one, other = other, one
    d1, d7, d30 = decay(one.time - other.time)
    factors = (d1, d1, d1, d1, d1, d1, d7, d7, d7, d7, d7, d30, d30, d30, d30, d30)
    return Counter(
        one.time, max(one.last, other.last), max(one.largest, other.largest),
        *[a + b * factor for a, b, factor in zip(one[3:], other[3:], factors, strict=True)],
    )  # fmt: skip


def pack(counter: Counter) -> bytes:
    """Returns the counter in 152 bytes, exactly."""
    return _LAYOUT.pack(*counter)


def unpack(raw: bytes) -> Counter:
    """Reads a packed counter back."""
    return Counter._make(_LAYOUT.unpack(raw))
