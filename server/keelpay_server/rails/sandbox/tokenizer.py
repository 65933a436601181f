"""Tokens of the sandbox: which numbers, typed where a real card or account would be, ask for a particular story.

In: a number in clear. Out: the token the sandbox bank understands. A test card is 400000000000, the scenario's number
in three digits, and the check digit; a test account, wallet or address is SANDBOX-001 and the like, in any case, with
or without the hyphen. Everything else gets a token that only says which number it is not.
Invariant: derived from the scenario table; `card_of` and `account_of` give every test number: there is no second list.
"""

import re
from typing import Final

from .magic import SCENARIOS, instrument_of

CARD_PREFIX: Final = "400000000000"
_TEST_NUMBER: Final = re.compile(
    rf"(?:{CARD_PREFIX}([0-9]{{3}})[0-9]|sandbox(?:-?address)?-?([0-9]{{3}}))", re.IGNORECASE
)
_BY_NUMBER: Final = {row.number: name for name, row in SCENARIOS.items()}
_NINE: Final = 9


class SandboxTokenizer:
    """Gives the tokens of the sandbox banks."""

    async def token(self, bank: str, number: str, fingerprint: str) -> str:
        """Returns the magic instrument that a test number asks for, else one made of the number's digest."""
        match = _TEST_NUMBER.fullmatch(number)
        scenario = _BY_NUMBER.get(int(match[1] or match[2])) if match else None
        return instrument_of(scenario) if scenario else f"{bank}-{fingerprint}"


def card_of(scenario: str) -> str:
    """Returns the test card of a scenario, its check digit right (ISO/IEC 7812-1, annex B)."""
    digits = f"{CARD_PREFIX}{SCENARIOS[scenario].number:03}"
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 if place % 2 else 2)
        total += doubled - _NINE if doubled > _NINE else doubled
    return f"{digits}{-total % 10}"


def account_of(scenario: str) -> str:
    """Returns the test account of a scenario, as it may be typed for a bank, a wallet or a chain."""
    return f"SANDBOXADDRESS{SCENARIOS[scenario].number:03}"


def short_account_of(scenario: str) -> str:
    """Returns the shortest test account of a scenario, as a newcomer types it for a bank or a wallet."""
    return f"SANDBOX{SCENARIOS[scenario].number:03}"
