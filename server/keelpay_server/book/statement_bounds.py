"""What a statement may hold, however it came: as a file or over a bank's wire.

In: a statement that somebody put together. Out: what is wrong with it, or nothing. Pure. Invariant: what passes fits
the columns it is stored in, and its amounts add up in whole numbers that a database can hold.
"""

import re
from typing import Final

from .rail import Statement, StatementLine

LINES_MAX: Final = 2_000_000
AMOUNT_MINOR_MAX: Final = 10**17
NUMBER_MAX: Final = 10**9
_STORABLE: Final = r"[^\0\n\ud800-\udfff]"
"""No NUL, which PostgreSQL cannot store, and no half of a surrogate pair, which is no text."""
NATURAL_KEY: Final = re.compile(_STORABLE + "{1,80}")
BANK_REFERENCE: Final = re.compile(_STORABLE + "{0,64}")
TEXT: Final = re.compile(_STORABLE + "{0,140}")
_KEY_BYTES: Final = frozenset({0, 16})


def fault_of(statement: Statement) -> str:
    """Returns what keeps a statement from being taken, or an empty text."""
    if not 0 < statement.number <= NUMBER_MAX:
        return f"its number is not from 1 to {NUMBER_MAX}"
    if max(abs(statement.opening_balance_minor), abs(statement.closing_balance_minor)) > AMOUNT_MINOR_MAX:
        return "a balance is beyond what an account holds"
    if len({line.natural_key for line in statement.lines}) != len(statement.lines):
        return "two lines have one natural key"
    wrong = next((line for line in statement.lines if not _sound(line)), None)
    return "" if wrong is None else f"line {wrong.line_number} is beyond the contract's bounds"


def _sound(line: StatementLine) -> bool:
    return bool(
        0 < abs(line.amount_minor) <= AMOUNT_MINOR_MAX
        and len(line.reference) in _KEY_BYTES
        and NATURAL_KEY.fullmatch(line.natural_key)
        and BANK_REFERENCE.fullmatch(line.bank_reference)
        and TEXT.fullmatch(line.text)
    )
