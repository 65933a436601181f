"""Why an assertion is not accepted: one reason for each check, in the order the checks are made.

Out: an enum for audit and risk, and the exception that carries it. Invariant: the first failing check decides, so a
forged signature never reads as a cloned key.
"""

from enum import StrEnum


class AssertionFailure(StrEnum):
    """The checks of an assertion (WebAuthn L3 section 7.2; Secure Payment Confirmation, verifying an assertion)."""

    TOO_LARGE = "too_large"
    MALFORMED = "malformed"
    CREDENTIAL = "credential"
    USER_HANDLE = "user_handle"
    TYPE = "type"
    CHALLENGE = "challenge"
    ORIGIN = "origin"
    CROSS_ORIGIN = "cross_origin"
    RP_ID = "rp_id"
    USER_PRESENCE = "user_presence"
    USER_VERIFICATION = "user_verification"
    BACKUP = "backup"
    PAYMENT_MISSING = "payment_missing"
    PAYMENT_RP_ID = "payment_rp_id"
    PAYMENT_TOP_ORIGIN = "payment_top_origin"
    PAYMENT_PAYEE_NAME = "payment_payee_name"
    PAYMENT_PAYEE_ORIGIN = "payment_payee_origin"
    PAYMENT_CURRENCY = "payment_currency"
    PAYMENT_VALUE = "payment_value"
    PAYMENT_INSTRUMENT = "payment_instrument"
    PAYMENT_LOGOS = "payment_logos"
    BROWSER_BOUND_KEY = "browser_bound_key"
    SIGNATURE = "signature"


class AssertionRefused(Exception):  # noqa: N818  (a refusal is an outcome, not a programming error)
    """An assertion that proves nothing.

    Attributes:
        failure: The first check that failed.
        detail: One sentence for the developer who called; it may quote what the browser sent.
    """

    def __init__(self, failure: AssertionFailure, detail: str) -> None:
        super().__init__(f"{failure.value}: {detail}")
        self.failure = failure
        self.detail = detail


def require(holds: bool, failure: AssertionFailure, detail: str) -> None:
    """Refuses unless a check holds.

    Raises:
        AssertionRefused: With the given failure.
    """
    if not holds:
        raise AssertionRefused(failure, detail)
