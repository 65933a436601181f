"""When to try again, as a pure decision over the time that is left.

In: an error, how often it was tried, the seconds left. Out: the pause before the next try, or None to give up.
Invariant: a request is only repeated where the server says that it may succeed, or where nobody can say that it was
answered at all (a call that was cut); always with the same request id, and never past the caller's deadline.
UNAVAILABLE is retried below this, by the service config of the channel.
"""

import random
from dataclasses import dataclass
from typing import Final

from .errors import ConflictError, DeadlineError, ExhaustedError, InterruptedCallError, KeelpayError, UnavailableError

FIRST_PAUSE_S: Final = 0.05
PAUSE_S_MAX: Final = 5.0
# Less than this is no time to ask again.
ATTEMPT_S_MIN: Final = 0.01


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses that double, each shortened by chance so that many clients do not come back as one."""

    first_s: float = FIRST_PAUSE_S
    pause_s_max: float = PAUSE_S_MAX

    def pause_s(self, attempt: int) -> float:
        """The pause after an attempt, counted from 1: half of it fixed, half of it chance."""
        whole = min(self.first_s * 2.0 ** min(attempt - 1, 32), self.pause_s_max)
        return whole * (0.5 + random.random() / 2)  # noqa: S311  (spreads load, guards nothing)


def pause_before_retry(error: KeelpayError, *, attempt: int, left_s: float, backoff: Backoff) -> float | None:
    """The pause before the same request is sent again, in seconds, or None where it must not be.

    Args:
        error: What the last attempt ended with.
        attempt: Which one it was, from 1.
        left_s: Seconds until the caller's deadline.
        backoff: The shortest pauses.
    """
    if isinstance(error, InterruptedCallError):
        pause_s = backoff.pause_s(attempt)
    elif isinstance(error, ConflictError | ExhaustedError) and error.retry_after is not None:
        pause_s = max(error.retry_after.total_seconds(), backoff.pause_s(attempt))
    else:
        return None
    return pause_s if pause_s + ATTEMPT_S_MIN < left_s else None


def pause_before_resume(error: KeelpayError, *, attempt: int, backoff: Backoff) -> float | None:
    """The pause before a broken watch is opened again, in seconds, or None where its error is final.

    Args:
        error: What broke it. A watch that lived for its whole deadline is opened again at once.
        attempt: How often in a row, from 1.
        backoff: The shortest pauses.
    """
    if isinstance(error, DeadlineError):
        return 0.0 if attempt == 1 else backoff.pause_s(attempt)
    is_passing = isinstance(error, UnavailableError | InterruptedCallError)
    if not is_passing and not (isinstance(error, ConflictError | ExhaustedError) and error.retry_after is not None):
        return None
    asked_s = error.retry_after.total_seconds() if error.retry_after is not None else 0.0
    return max(asked_s, backoff.pause_s(attempt))
