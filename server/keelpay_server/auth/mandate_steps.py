"""What a person may choose from as the most for one payment without asking: a few small round amounts.

In: a currency. Out: amounts of about the same worth in each, minor units. Invariant: they are 1, 2 or 5 with zeros, as
on coins and notes, each larger than the last; the smallest is about a hundredth of what a new passkey may confirm.
"""

from typing import Final

from .passkey_limits import limit_minor

STEPS: Final = 4
_SHARE: Final = 100
_NOTES: Final = (1, 2, 5)


def mandate_steps(code: str) -> tuple[int, ...]:
    """Returns the amounts, the smallest first: 20, 50, 100 and 200 yuan.

    Args:
        code: A currency of the ledger's table.
    """
    about = max(1, limit_minor(code, {}) // _SHARE)
    series = [note * 10**zeros for zeros in range(len(str(about)) + 2) for note in _NOTES]
    first = max(place for place, amount in enumerate(series) if amount <= about)
    return tuple(series[first : first + STEPS])
