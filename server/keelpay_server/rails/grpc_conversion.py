"""Operations, their results and statement lines: the port's plain values and keelpay.api.rail.v1's messages, both ways.

In: values or messages. Out: messages or values. Invariant: a message of a bank never raises here; what makes no sense
in it becomes UNKNOWN, an empty text or None, because a bank's mistake must not stop the engine.
"""

import re
from datetime import date
from typing import Final

from keelpay.api.rail.v1 import operation_pb2, operation_request_pb2, statement_pb2
from keelpay_server.book.rail import (
    ChallengeKind,
    OperationKind,
    OperationOutcome,
    OperationRequest,
    OperationResult,
    StatementLine,
    StatementLineKind,
)
from keelpay_server.book.readable import cleaned, unreadable
from keelpay_server.book.statement_bounds import AMOUNT_MINOR_MAX
from keelpay_server.book.wire_render import money, stamp

MALFORMED: Final = "MALFORMED_ANSWER"
REFERENCE_MAX: Final = 64
DETAIL_MAX: Final = 256
URI_MAX: Final = 2048
AnyRequest = (
    operation_request_pb2.AuthorizeRequest
    | operation_request_pb2.CaptureRequest
    | operation_request_pb2.VoidRequest
    | operation_request_pb2.RefundRequest
    | operation_request_pb2.PayRequest
)

_ADDRESS: Final = re.compile(r"[a-z][a-z0-9+.-]*://\S+", re.IGNORECASE)
"""In either case (RFC 3986, 3.1): what is printed as a QR code is shorter in capitals."""
_NO_APPS: Final = frozenset({"about", "blob", "data", "file", "ftp", "http", "javascript", "vbscript", "ws", "wss"})
"""Schemes that a browser opens itself: a page or an app that follows one may run what is in it."""
_PREFIX: Final = "RESULT_CODE_"
_CODE_NAMES: Final = {
    value.number: value.name.removeprefix(_PREFIX) for value in operation_pb2.ResultCode.DESCRIPTOR.values
} | {0: ""}
_CODE_NUMBERS: Final = {name: number for number, name in _CODE_NAMES.items()}
_UNKNOWN_CODE: Final = {
    OperationOutcome.DECLINED: "DO_NOT_HONOR",
    OperationOutcome.FAILED: "PROCESSING_ERROR",
}
_OUTCOMES: Final = {int(outcome): outcome for outcome in OperationOutcome}
_KINDS: Final = {int(kind): kind for kind in OperationKind}
_CHALLENGES: Final = {int(kind): kind for kind in ChallengeKind}
_LINE_KINDS: Final = {int(kind): kind for kind in StatementLineKind}


def authorize_message(operation: OperationRequest) -> operation_request_pb2.AuthorizeRequest:
    """Returns an AUTHORIZE as its message."""
    return operation_request_pb2.AuthorizeRequest(
        key=operation.key,
        amount=money(operation.amount_minor, operation.currency),
        instrument=operation.instrument,
        merchant_descriptor=operation.descriptor,
        payment_reference=operation.payment,
        capture=operation.capture,
        return_uri=operation.return_uri,
    )


def capture_message(operation: OperationRequest) -> operation_request_pb2.CaptureRequest:
    """Returns a CAPTURE as its message."""
    return operation_request_pb2.CaptureRequest(
        key=operation.key,
        original_key=operation.original_key,
        amount=money(operation.amount_minor, operation.currency),
        final=operation.final,
    )


def void_message(operation: OperationRequest) -> operation_request_pb2.VoidRequest:
    """Returns a VOID as its message."""
    return operation_request_pb2.VoidRequest(key=operation.key, original_key=operation.original_key)


def refund_message(operation: OperationRequest) -> operation_request_pb2.RefundRequest:
    """Returns a REFUND as its message."""
    return operation_request_pb2.RefundRequest(
        key=operation.key,
        original_key=operation.original_key,
        amount=money(operation.amount_minor, operation.currency),
        instrument=operation.instrument,
        merchant_descriptor=operation.descriptor,
        payment_reference=operation.payment,
    )


def pay_message(operation: OperationRequest) -> operation_request_pb2.PayRequest:
    """Returns a PAY as its message."""
    return operation_request_pb2.PayRequest(
        key=operation.key,
        amount=money(operation.amount_minor, operation.currency),
        instrument=operation.instrument,
        merchant_descriptor=operation.descriptor,
        payment_reference=operation.payment,
    )


def operation_of(message: AnyRequest) -> OperationRequest:
    """Returns the operation that a message asks for."""
    match message:
        case operation_request_pb2.AuthorizeRequest():
            return OperationRequest(
                message.key, OperationKind.AUTHORIZE, message.amount.amount_minor, message.amount.currency_code,
                message.instrument, message.merchant_descriptor, message.payment_reference,
                capture=message.capture, return_uri=message.return_uri,
            )  # fmt: skip
        case operation_request_pb2.CaptureRequest():
            return OperationRequest(
                message.key, OperationKind.CAPTURE, message.amount.amount_minor, message.amount.currency_code,
                original_key=message.original_key, final=message.final,
            )  # fmt: skip
        case operation_request_pb2.VoidRequest():
            return OperationRequest(message.key, OperationKind.VOID, original_key=message.original_key)
        case operation_request_pb2.RefundRequest():
            return OperationRequest(
                message.key, OperationKind.REFUND, message.amount.amount_minor, message.amount.currency_code,
                message.instrument, message.merchant_descriptor, message.payment_reference, message.original_key,
            )  # fmt: skip
        case operation_request_pb2.PayRequest():
            return OperationRequest(
                message.key, OperationKind.PAY, message.amount.amount_minor, message.amount.currency_code,
                message.instrument, message.merchant_descriptor, message.payment_reference,
            )  # fmt: skip


def result_message(result: OperationResult) -> operation_pb2.OperationResult:
    """Returns a result as its message."""
    message = operation_pb2.OperationResult(
        key=result.key,
        kind=operation_pb2.OperationKind.ValueType(result.kind or 0),
        outcome=operation_pb2.Outcome.ValueType(result.outcome),
        code=code_number(result.code),
        bank_reference=result.bank_reference,
        cost_minor=result.cost_minor,
        amount_minor=result.amount_minor,
        value_date=result.value_date.isoformat() if result.value_date else "",
        detail=result.detail,
    )
    if result.decide_us:
        message.decide_time.CopyFrom(stamp(result.decide_us))
    if result.challenge:
        message.challenge.kind = operation_pb2.ChallengeKind.ValueType(result.challenge)
        message.challenge.uri = result.challenge_uri
    return message


def result_of(message: operation_pb2.OperationResult, bank_us: int) -> OperationResult:
    """Returns the result in a bank's message.

    Args:
        message: What the bank says.
        bank_us: How long it took, in microseconds.
    """
    outcome = _OUTCOMES.get(message.outcome, OperationOutcome.UNKNOWN)
    code = _CODE_NAMES.get(message.code, _UNKNOWN_CODE.get(outcome, ""))
    if outcome is OperationOutcome.MISMATCH:
        outcome, code = OperationOutcome.UNKNOWN, "MISMATCH"
    elif outcome is OperationOutcome.UNKNOWN:
        code = MALFORMED
    elif not (0 <= message.cost_minor <= AMOUNT_MINOR_MAX and 0 <= message.amount_minor <= AMOUNT_MINOR_MAX):
        return OperationResult(message.key, OperationOutcome.UNKNOWN, MALFORMED, bank_us=bank_us)
    return OperationResult(
        key=message.key,
        outcome=outcome,
        code=code,
        bank_reference=cleaned(message.bank_reference[:REFERENCE_MAX]),
        cost_minor=message.cost_minor,
        amount_minor=message.amount_minor,
        bank_us=bank_us,
        value_date=day_of(message.value_date),
        challenge=_CHALLENGES.get(message.challenge.kind, ChallengeKind.NONE),
        challenge_uri=_address(message.challenge.uri),
        detail=cleaned(message.detail[:DETAIL_MAX]),
        kind=_KINDS.get(message.kind),
        decide_us=message.decide_time.ToMicroseconds() if message.HasField("decide_time") else 0,
    )


def _address(uri: str) -> str:
    """Returns where a bank sends the payer; nothing where that is no https address and no app's."""
    if len(uri) > URI_MAX or not _ADDRESS.fullmatch(uri) or unreadable(uri, lines=False):
        return ""
    return "" if uri.partition("://")[0].lower() in _NO_APPS else uri


def code_number(name: str) -> operation_pb2.ResultCode.ValueType:
    """Returns the number of a result code; 0 for an empty text or a code of ours alone."""
    return operation_pb2.ResultCode.ValueType(_CODE_NUMBERS.get(name, 0))


def code_name(number: int) -> str:
    """Returns the name of a result code; empty for 0 and for numbers nobody knows."""
    return _CODE_NAMES.get(number, "")


def line_message(line: StatementLine) -> statement_pb2.StatementLine:
    """Returns a statement line as its message."""
    return statement_pb2.StatementLine(
        line_number=line.line_number,
        natural_key=line.natural_key,
        kind=statement_pb2.StatementLineKind.ValueType(line.kind),
        amount_minor=line.amount_minor,
        operation_key=line.reference,
        bank_reference=line.bank_reference,
        text=line.text,
    )


def line_of(message: statement_pb2.StatementLine, currency: str, day: date) -> StatementLine:
    """Returns the line in a bank's message; a kind that we do not know is OTHER."""
    return StatementLine(
        line_number=message.line_number,
        natural_key=message.natural_key,
        kind=_LINE_KINDS.get(message.kind, StatementLineKind.OTHER),
        amount_minor=message.amount_minor,
        currency=currency,
        reference=message.operation_key,
        date=day,
        bank_reference=message.bank_reference,
        text=message.text,
    )


def day_of(text: str) -> date | None:
    """Returns the day that a text of the form YYYY-MM-DD names, or None."""
    try:
        return date.fromisoformat(text) if text else None
    except ValueError:
        return None
