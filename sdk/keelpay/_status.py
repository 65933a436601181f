"""From grpc's error to ours: the one place that reads google.rpc.Status (AIP-193).

In: the error of a call, and the id it was sent under. Out: a KeelpayError of the right class, to be raised
`from` the other. Invariant: whatever the trailers hold, an error comes out; nothing here raises.
"""

from datetime import timedelta
from typing import Any

import grpc
from google.protobuf.message import DecodeError
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, LocalizedMessage, RetryInfo
from google.rpc.status_pb2 import Status

from ._mode import InstallationMode
from ._runtime import CutShortError
from ._target import with_hint
from .errors import ERROR_BY_CODE, InternalError, InterruptedCallError, KeelpayError, UnavailableError, Violation

DOMAIN = "keelpay"
REQUEST_ID_FIELD = "request_id"
STATUS_TRAILER = "grpc-status-details-bin"


def to_error(
    failure: grpc.RpcError | CutShortError, request_id: str, mode: InstallationMode | None = None
) -> KeelpayError:
    """The error that tells what a failed call tells.

    Args:
        failure: What was raised; every error of a finished call of grpc is a `grpc.Call` too.
        request_id: The id the call was sent under; the server's own wins.
        mode: Where the server's mode is kept: an error tells it as an answer does.
    """
    if isinstance(failure, CutShortError):
        return InterruptedCallError(str(failure), request_id=request_id)
    call: Any = failure
    if mode is not None:
        mode.hear(call.trailing_metadata())
    code: grpc.StatusCode = call.code()
    info, retry, localized, bad_request = ErrorInfo(), RetryInfo(), LocalizedMessage(), BadRequest()
    has_retry = False
    for detail in _status(call, code).details:
        has_retry = detail.Unpack(retry) or has_retry
        _ = detail.Unpack(info) or detail.Unpack(localized) or detail.Unpack(bad_request)
    metadata = dict(info.metadata)
    known_as = metadata.pop(REQUEST_ID_FIELD, request_id)
    error_class = ERROR_BY_CODE.get(code.value[0], InternalError)
    message = call.details() or code.name.replace("_", " ").lower()
    return error_class(
        with_hint(message) if error_class is UnavailableError and not info.reason else message,
        reason=info.reason if info.domain == DOMAIN else "",
        metadata=metadata,
        request_id=known_as,
        retry_after=_delay(retry) if has_retry else None,
        localized=localized.message,
        violations=tuple(Violation(each.field, each.description) for each in bad_request.field_violations),
    )


def _status(call: Any, code: grpc.StatusCode) -> Status:
    """The status in the trailers; empty if there is none, or if a proxy changed the code and left the details."""
    for key, value in call.trailing_metadata() or ():
        if key == STATUS_TRAILER:
            try:
                status = Status.FromString(value)
            except DecodeError:
                return Status()
            return status if status.code == code.value[0] else Status()
    return Status()


def _delay(retry: RetryInfo) -> timedelta:
    """The delay asked for; a negative one asks for none."""
    return max(retry.retry_delay.ToTimedelta(), timedelta(0))
