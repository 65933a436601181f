"""Why a token is not accepted: three reasons for the caller, one sentence for the log.

Out: exceptions whose `reason` is a name of the contract's reason table. Invariant: the sentence never reaches the
caller, who learns nothing about which check failed.
"""

from typing import ClassVar


class TokenRefused(Exception):  # noqa: N818  (a refusal is an outcome, not a programming error)
    """A token that proves nothing.

    Attributes:
        reason: TOKEN_MISSING, TOKEN_EXPIRED or TOKEN_INVALID.
        detail: One sentence for the log.
    """

    reason: ClassVar[str] = "TOKEN_INVALID"

    def __init__(self, detail: str) -> None:
        super().__init__(f"{self.reason}: {detail}")
        self.detail = detail


class TokenMissing(TokenRefused):
    """There is no token."""

    reason = "TOKEN_MISSING"


class TokenExpired(TokenRefused):
    """The token was ours and good, and its time is over: a new one helps."""

    reason = "TOKEN_EXPIRED"


class TokenInvalid(TokenRefused):
    """Anything else."""

    reason = "TOKEN_INVALID"
