"""Magic amounts and instruments: how a test asks the sandbox bank for a particular story.

In: an instrument token or an amount. Out: the scenario it stands for. An instrument named `tok-<scenario>` tells it
for everything done with that authorization; an amount of exactly 99,900.00 plus the scenario's number (in minor units:
9_990_000 + number) tells it for that one operation. Everything else succeeds at once.
Invariant: a table; `magic_table.py` prints it for people, so there is no second list to keep.
"""

from typing import Final, NamedTuple

from keelpay_server.book.rail import ChallengeKind, OperationKind, OperationOutcome

MAGIC_AMOUNT_MINOR: Final = 9_990_000
MAGIC_INSTRUMENT: Final = "tok-"
NEVER_S: Final = -1

_A, _C, _V, _R, _P = OperationKind
_OK, _NO, _WAIT, _BAD, _BACK = (
    OperationOutcome.SUCCEEDED,
    OperationOutcome.DECLINED,
    OperationOutcome.PENDING,
    OperationOutcome.FAILED,
    OperationOutcome.RETURNED,
)


class Scenario(NamedTuple):
    """One story.

    Attributes:
        number: Added to MAGIC_AMOUNT_MINOR it is the magic amount.
        kinds: The operations it befalls; others with the same instrument go well.
        outcome: What the bank decides at once.
        code: Why, or empty.
        later_s: After how many seconds of the bank's clock it decides again; 0 not at all, NEVER_S waits for ever.
        later: The second decision.
        later_code: Why.
        challenge: What the payer is asked to do meanwhile.
        silent: The first request gets no answer although it is carried out.
        lost: The first request is not carried out and gets no answer.
        contradicted: The first answer says FAILED, PROCESSING_ERROR although it is carried out.
        note: For people.
    """

    number: int
    kinds: tuple[OperationKind, ...]
    outcome: OperationOutcome = _OK
    code: str = ""
    later_s: int = 0
    later: OperationOutcome = _OK
    later_code: str = ""
    challenge: ChallengeKind = ChallengeKind.NONE
    silent: bool = False
    lost: bool = False
    contradicted: bool = False
    note: str = ""


_ALL: Final = (_A, _C, _V, _R, _P)

SCENARIOS: Final = {
    "insufficient-funds": Scenario(1, (_A,), _NO, "INSUFFICIENT_FUNDS", note="declined for want of funds"),
    "stolen-instrument": Scenario(2, (_A,), _NO, "STOLEN_INSTRUMENT", note="declined, never to be tried again"),
    "expired-instrument": Scenario(3, (_A,), _NO, "EXPIRED_INSTRUMENT", note="declined"),
    "invalid-instrument": Scenario(4, (_A, _P), _NO, "INVALID_INSTRUMENT", note="no such account"),
    "account-blocked": Scenario(5, (_A, _P), _NO, "ACCOUNT_BLOCKED", note="declined"),
    "limit-exceeded": Scenario(6, (_A,), _NO, "LIMIT_EXCEEDED", note="declined"),
    "suspected-fraud": Scenario(7, (_A,), _NO, "SUSPECTED_FRAUD", note="declined by the bank's own risk control"),
    "do-not-honor": Scenario(8, (_A,), _NO, "DO_NOT_HONOR", note="declined without a reason"),
    "processing-error": Scenario(10, _ALL, _BAD, "PROCESSING_ERROR", note="the bank could not process it"),
    "pending-success": Scenario(11, (_A, _R, _P), _WAIT, "", 2, note="decided after 2 s"),
    "pending-decline": Scenario(12, (_A, _R, _P), _WAIT, "", 2, _NO, "DO_NOT_HONOR", note="decided after 2 s"),
    "app-approval": Scenario(
        13, (_A,), _WAIT, "", 2, challenge=ChallengeKind.APP_APPROVAL, note="the payer approves in the app after 2 s"
    ),
    "app-rejection": Scenario(
        14, (_A,), _WAIT, "", 2, _NO, "REJECTED_BY_PAYER", ChallengeKind.APP_APPROVAL, note="the payer says no"
    ),
    "redirect": Scenario(
        15, (_A,), _WAIT, "", 900, _NO, "CHALLENGE_EXPIRED", ChallengeKind.REDIRECT,
        note="the payer decides on the bank's own page, within 15 min",
    ),
    "timeout": Scenario(16, _ALL, silent=True, note="succeeds, and the first request gets no answer"),
    "request-lost": Scenario(17, _ALL, lost=True, note="the first request never arrives; a query says NOT_FOUND"),
    "late-success": Scenario(18, (_A, _R, _P), _WAIT, "", 2700, silent=True, note="silent, then succeeds after 45 min"),
    "pending-for-ever": Scenario(19, (_A, _R, _P), _WAIT, "", NEVER_S, note="never decided"),
    "contradiction": Scenario(20, _ALL, contradicted=True, note="says FAILED first; queries and statement say done"),
    "late-decline": Scenario(
        21, (_A, _R, _P), _WAIT, "", 30, _NO, "DO_NOT_HONOR", silent=True, note="silent, then declines after 30 s"
    ),
    "capture-error": Scenario(30, (_C,), _BAD, "PROCESSING_ERROR", note="authorized, and cannot be captured"),
    "capture-timeout": Scenario(31, (_C,), silent=True, note="captured, and the capture gets no answer"),
    "void-timeout": Scenario(32, (_V,), silent=True, note="voided, and the void gets no answer"),
    "refund-account-closed": Scenario(40, (_R,), _NO, "ACCOUNT_CLOSED", note="captured, and cannot be refunded so"),
    "refund-pending": Scenario(41, (_R,), _WAIT, "", 2, note="the refund is decided after 2 s"),
    "refund-timeout": Scenario(42, (_R,), silent=True, note="refunded, and the refund gets no answer"),
    "payout-returned-before-line": Scenario(
        50, (_P,), later_s=2, later=_BACK, later_code="ACCOUNT_CLOSED", note="paid, back after 2 s, no statement line"
    ),
    "payout-returned-after-line": Scenario(
        51, (_P,), later_s=86_400, later=_BACK, later_code="ACCOUNT_CLOSED",
        note="paid, back the day after with a line of its own",
    ),
    "payout-declined": Scenario(52, (_P,), _NO, "ACCOUNT_CLOSED", note="the payee's account is closed"),
}  # fmt: skip

_BY_AMOUNT: Final = {MAGIC_AMOUNT_MINOR + row.number: name for name, row in SCENARIOS.items()}


def scenario_of(amount_minor: int, instrument: str) -> str:
    """Returns the name of the scenario that an operation asks for, or an empty text."""
    name = _BY_AMOUNT.get(amount_minor, "")
    if not name and instrument.startswith(MAGIC_INSTRUMENT):
        name = instrument[len(MAGIC_INSTRUMENT) :]
        name = name if name in SCENARIOS else ""
    return name


def instrument_of(scenario: str) -> str:
    """Returns the magic instrument of a scenario."""
    return MAGIC_INSTRUMENT + scenario


def amount_of(scenario: str) -> int:
    """Returns the magic amount of a scenario, in minor units."""
    return MAGIC_AMOUNT_MINOR + SCENARIOS[scenario].number
