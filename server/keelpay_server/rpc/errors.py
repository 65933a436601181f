"""From a refusal, or a crash, to the one error shape of the contract: google.rpc.Status with one ErrorInfo (AIP-193).

In: Refused, a request id, the caller's language. Out: the gRPC code, one sentence, and the status as bytes.
Invariant: no text of an unexpected exception leaves the process, another owner's resource looks exactly like none,
and the whole fits the 8 KiB of metadata that a client accepts by default.
"""

from typing import NamedTuple

import grpc
from google.protobuf.duration_pb2 import Duration
from google.rpc.error_details_pb2 import BadRequest, ErrorInfo, LocalizedMessage, RetryInfo
from google.rpc.status_pb2 import Status

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

DOMAIN = "keelpay"
STATUS_DETAILS_KEY = "grpc-status-details-bin"
REQUEST_ID_FIELD = "request_id"
STATUS_BYTES_MAX = 4_096
MESSAGE_CHARACTERS_MAX = 300
METADATA_CHARACTERS_MAX = 256
LANGUAGES = ("en", "zh")
NO_SUCH_RESOURCE = "there is no such resource, or it is not yours"
_MS_PER_S = 1_000
_NS_PER_MS = 1_000_000

CODES = {code.value[0]: code for code in grpc.StatusCode}


class Rendered(NamedTuple):
    """An error as gRPC sends it.

    Attributes:
        code: The status code.
        message: One English sentence for developers.
        details: The serialized google.rpc.Status for the `grpc-status-details-bin` trailer.
    """

    code: grpc.StatusCode
    message: str
    details: bytes


def choose_language(accept_language: str) -> str:
    """Picks `zh` or `en` from an Accept-Language value (RFC 9110, 12.5.4) by the first tag that is one of them."""
    for tag in accept_language.split(","):
        language = tag.strip()[:2].lower()
        if language in LANGUAGES:
            return language
    return LANGUAGES[0]


def crashed() -> Refused:
    """What a caller is told when the server itself is at fault; the inner text stays in the log."""
    return Refused(Reason.INTERNAL)


def render(refused: Refused, request_id: str, language: str, asked: tuple[str, ...] = ()) -> Rendered:
    """Renders a refusal.

    Args:
        refused: What to tell.
        request_id: The id under which the log knows the call; empty where one rendering serves many calls.
        language: `zh` or `en`, for the sentence meant for people.
        asked: The resource names in the request itself.
    """
    reason, message, metadata = refused.reason, refused.message, refused.metadata
    if reason in (Reason.NOT_OWNER, Reason.RESOURCE_NOT_FOUND):
        # A stranger must not learn from code, reason, text or details that the resource exists. What is missing is not
        # told either: the check of an owner, which often comes first, does not know what would have been missing. What
        # the request itself named is the caller's own, and helps to find the one that was meant otherwise.
        reason, message, metadata = Reason.RESOURCE_NOT_FOUND, _no_such(asked), {}
    message = message[:MESSAGE_CHARACTERS_MAX]
    status = Status(code=reason.code, message=message)
    info = ErrorInfo(reason=reason.name, domain=DOMAIN)
    if request_id:
        info.metadata[REQUEST_ID_FIELD] = request_id
    for key, value in metadata.items():
        info.metadata[key] = str(value)[:METADATA_CHARACTERS_MAX]
    status.details.add().Pack(info)
    if refused.retry_after_ms:
        seconds, rest_ms = divmod(refused.retry_after_ms, _MS_PER_S)
        status.details.add().Pack(RetryInfo(retry_delay=Duration(seconds=seconds, nanos=rest_ms * _NS_PER_MS)))
    text = reason.zh if language == "zh" else reason.en
    status.details.add().Pack(LocalizedMessage(locale=language, message=text))
    if refused.violations:
        room = STATUS_BYTES_MAX - status.ByteSize()
        status.details.add().Pack(_bad_request(refused.violations, room))
    return Rendered(CODES[reason.code], message, status.SerializeToString())


def _no_such(asked: tuple[str, ...]) -> str:
    if len(asked) > 1:
        return f"{NO_SUCH_RESOURCE}: one of {', '.join(asked)}"
    return f"{NO_SUCH_RESOURCE}: {asked[0]}" if asked else NO_SUCH_RESOURCE


def _bad_request(violations: tuple[tuple[str, str], ...], bytes_max: int) -> BadRequest:
    """Lists the violations, as many as fit; the last one tells how many more there are."""
    request = BadRequest()
    rest_note_bytes = 128
    used = rest_note_bytes
    for count, (field, sentence) in enumerate(violations):
        violation = BadRequest.FieldViolation(field=field, description=sentence)
        used += violation.ByteSize() + 4
        if used > bytes_max:
            request.field_violations.add(field="", description=f"and {len(violations) - count} more")
            break
        request.field_violations.append(violation)
    return request
