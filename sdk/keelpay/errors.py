"""What can go wrong, one class a kind. grpc's own errors never leak; they stay as `__cause__`.

    KeelpayError
    ├── RefusedError                 the server said no; nothing was done, or what was done is said
    │   ├── InvalidArgumentError     the request itself is wrong: see `violations`
    │   ├── UnauthenticatedError     it does not know who is calling
    │   ├── PermissionDeniedError    it knows, and the caller may not
    │   ├── NotFoundError            there is no such thing, or not for this caller
    │   ├── AlreadyExistsError       the id, number or request was used before
    │   ├── FailedPreconditionError  the state of things does not allow it
    │   ├── ConflictError            somebody else was first
    │   ├── ExhaustedError           too much at once: see `retry_after`
    │   ├── UnsupportedError         this server does not serve this call
    │   └── InternalError            the server's own fault; it knows more under the request id
    ├── UnavailableError             the server, or a bank behind it, cannot be reached now
    ├── DeadlineError                there was not enough time; a write may have happened: repeat it with its request id
    ├── InterruptedCallError         the call was cut, and not by the caller
    ├── TermsDifferError             the server asked to sign something else than what is displayed; nothing was signed
    ├── PayerDeclinedError           the person said no (raised by signers)
    ├── WebhookError                 a webhook is not from keelpay, too old, or not readable
    └── ConfigurationError           something is missing here, before any call: a sentence says what

A decline is not an error: see `Payment.last_failure`. The text of every error begins with its request id.
"""

from collections.abc import Mapping
from datetime import timedelta
from types import MappingProxyType
from typing import Final, NamedTuple

NO_METADATA: Final[Mapping[str, str]] = MappingProxyType({})


class Violation(NamedTuple):
    """One field that breaks its bounds.

    Attributes:
        field: Its path in the request, such as `payment.amount`.
        description: What is wrong with it, one English sentence.
    """

    field: str
    description: str


class KeelpayError(Exception):
    """Anything that keelpay's client library raises.

    Attributes:
        reason: Why, as in docs/errors.md (compare with `keelpay.Reason`); empty where nobody could say.
        message: One English sentence for developers.
        metadata: What belongs to the reason, such as `from` and `to` of an illegal transition.
        request_id: The id under which the server's log knows the call; empty where there was no call.
        retry_after: How long to wait before the same request may succeed; None if waiting does not help.
        localized: One kind sentence for a person, in the client's language; empty where there is none.
        violations: The fields that break their bounds, all of them.
    """

    def __init__(
        self,
        message: str,
        *,
        reason: str = "",
        metadata: Mapping[str, str] = NO_METADATA,
        request_id: str = "",
        retry_after: timedelta | None = None,
        localized: str = "",
        violations: tuple[Violation, ...] = (),
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata: Mapping[str, str] = MappingProxyType(dict(metadata))
        self.request_id = request_id
        self.retry_after = retry_after
        self.localized = localized
        self.violations = violations

    def __str__(self) -> str:
        head = " ".join(part for part in (self.request_id, self.reason) if part)
        fields = "".join(f"\n  {each.field}: {each.description}" for each in self.violations)
        return f"{head}: {self.message}{fields}" if head else f"{self.message}{fields}"


class RefusedError(KeelpayError):
    """The server said no."""


class InvalidArgumentError(RefusedError):
    """The request itself is wrong; sending it again unchanged cannot help."""


class UnauthenticatedError(RefusedError):
    """The server does not know who is calling."""


class PermissionDeniedError(RefusedError):
    """The caller is known, and may not."""


class NotFoundError(RefusedError):
    """There is no such thing, or not for this caller."""


class AlreadyExistsError(RefusedError):
    """The id, number or request was used before."""


class FailedPreconditionError(RefusedError):
    """The request is well formed, and the state of things does not allow it."""


class ConflictError(RefusedError):
    """Somebody else was first: the resource changed meanwhile."""


class ExhaustedError(RefusedError):
    """Too much at once; `retry_after` says when to come back."""


class UnsupportedError(RefusedError):
    """This server does not serve this call: it is older, or in another mode."""


class InternalError(RefusedError):
    """The server's own fault; its log knows more under the request id."""


class UnavailableError(KeelpayError):
    """The server, or a bank behind it, cannot be reached at the moment."""


class DeadlineError(KeelpayError):
    """There was not enough time. A write may have happened all the same: repeat it with the same request id."""


class InterruptedCallError(KeelpayError):
    """The call was cut, and not by the caller. A write may have happened: repeat it with the same request id."""


class TermsDifferError(KeelpayError):
    """The server asked to sign something else than what is displayed. Nothing was signed."""


class PayerDeclinedError(KeelpayError):
    """The person said no. A signer raises it; the confirmation is rejected and cannot be spent any more."""


class WebhookError(KeelpayError):
    """A webhook is not from keelpay, is too old or too new, or cannot be read."""


class ConfigurationError(KeelpayError):
    """Something is missing on this side; no call was made."""


ERROR_BY_CODE: Final[Mapping[int, type[KeelpayError]]] = MappingProxyType(
    {
        1: InterruptedCallError,
        3: InvalidArgumentError,
        4: DeadlineError,
        5: NotFoundError,
        6: AlreadyExistsError,
        7: PermissionDeniedError,
        8: ExhaustedError,
        9: FailedPreconditionError,
        10: ConflictError,
        12: UnsupportedError,
        13: InternalError,
        14: UnavailableError,
        16: UnauthenticatedError,
    }
)
"""gRPC status code to class; any other code is an InternalError."""
