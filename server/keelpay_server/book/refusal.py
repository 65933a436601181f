"""A refusal: the one way in which any room says no, with a reason that the whole product shares.

In: a Reason of the contract and one developer's sentence. Out: a gRPC status, made by `rpc`; or a stored outcome.
Invariant: a command that raises one has changed nothing.
"""

from typing import NoReturn

from keelpay_server.ledger.currency import Currency, CurrencyError, currency

from .reasons import Reason


class Refused(Exception):  # noqa: N818  (a refusal is an outcome, not a programming error)
    """The request was understood and is not carried out.

    Attributes:
        reason: Why, as a row of the contract's reason table.
        message: One English sentence for the developer who called.
        metadata: Machine-readable details, text to text.
        retry_after_ms: When to try again, for retryable reasons; 0 where it does not apply.
        violations: (field path, sentence) pairs of a FIELD_INVALID.
        replayed: Whether this is the remembered answer to an earlier request with the same id.
    """

    def __init__(
        self,
        reason: Reason,
        message: str = "",
        *,
        retry_after_ms: int = 0,
        violations: tuple[tuple[str, str], ...] = (),
        replayed: bool = False,
        **metadata: str,
    ) -> None:
        super().__init__(message or reason.en)
        self.reason = reason
        self.message = message or reason.en
        self.metadata = metadata
        self.retry_after_ms = retry_after_ms
        self.violations = violations
        self.replayed = replayed


def refuse_transition(noun: str, origin: str, target: str) -> NoReturn:
    """Refuses a step that the noun's transition table does not have.

    Raises:
        Refused: ILLEGAL_TRANSITION with `from` and `to` in its metadata.
    """
    refusal = Refused(Reason.ILLEGAL_TRANSITION, f"{noun} cannot go from {origin} to {target}", to=target)
    refusal.metadata["from"] = origin
    raise refusal


def invalid(field: str, sentence: str) -> NoReturn:
    """Refuses one field of a request.

    Raises:
        Refused: FIELD_INVALID naming the field.
    """
    raise Refused(Reason.FIELD_INVALID, f"{field}: {sentence}", violations=((field, sentence),))


def known_currency(field: str, code: str) -> Currency:
    """Returns the currency that one field of a request names.

    Raises:
        Refused: CURRENCY_UNKNOWN.
    """
    try:
        return currency(code)
    except CurrencyError as error:
        raise Refused(Reason.CURRENCY_UNKNOWN, f"{field}: {error}", currency_code=code) from error
