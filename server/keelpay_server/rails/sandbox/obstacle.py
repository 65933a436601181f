"""What stands in the way of an operation at the sandbox bank, whoever asks: a wrong amount, an original that is spent.

In: the request and the operation that it is about. Out: a result code, or an empty text. Pure. Invariant: the sum of
captures stays within what was authorized, that of refunds within what was captured.
"""

from keelpay_server.book.rail import OperationKind, OperationOutcome, OperationRequest

from .behaviour import BEHAVIOURS, BankProfile, Behaviour, BehaviourRow
from .operation import Operation


def obstacle(request: OperationRequest, original: Operation | None, profile: BankProfile, now_us: int) -> str:
    """Returns the result code that says why a request cannot be carried out, or an empty text.

    Args:
        request: What is asked for.
        original: The operation that it is about, or None where there is none.
        profile: Which bank this is.
        now_us: The bank's time.
    """
    behaviour = BEHAVIOURS[profile.behaviour]
    if request.kind is not OperationKind.VOID:
        if request.amount_minor <= 0:
            return "INVALID_REQUEST"
        if request.currency not in profile.currencies:
            return "UNSUPPORTED"
    if request.kind in {OperationKind.AUTHORIZE, OperationKind.PAY}:
        finds_user = profile.behaviour is Behaviour.WALLET and request.kind is OperationKind.AUTHORIZE
        if not request.instrument and not finds_user:
            return "INVALID_REQUEST"
        separate = request.kind is OperationKind.AUTHORIZE and not request.capture
        return "UNSUPPORTED" if separate and not behaviour.separate_capture else ""
    if request.kind is OperationKind.VOID:
        return _void_obstacle(original)
    if original is None or original.kind != OperationKind.AUTHORIZE or original.outcome != OperationOutcome.SUCCEEDED:
        voided = original is not None and original.code == "ALREADY_VOIDED"
        return "ALREADY_VOIDED" if voided else "ORIGINAL_NOT_FOUND"
    if request.currency != original.currency:
        return "INVALID_REQUEST"
    if request.kind is OperationKind.CAPTURE:
        return _capture_obstacle(request, original, behaviour, now_us)
    refundable = original.captured_minor - original.refunded_minor
    return "AMOUNT_EXCEEDS_CAPTURED" if request.amount_minor > refundable else ""


def _capture_obstacle(request: OperationRequest, original: Operation, behaviour: BehaviourRow, now_us: int) -> str:
    if original.remaining_minor == 0 and original.captured_minor == 0:
        return "ALREADY_VOIDED"
    if request.amount_minor > original.remaining_minor:
        return "AMOUNT_EXCEEDS_AUTHORIZED"
    if now_us > original.create_us + behaviour.hold_us:
        return "AUTHORIZATION_EXPIRED"
    return "UNSUPPORTED" if original.captured_minor and not behaviour.multiple_capture else ""


def _void_obstacle(original: Operation | None) -> str:
    """Returns why an authorization cannot be voided; one that is unknown, pending, ended or voided before can be."""
    if original is None:
        return ""
    if original.kind != OperationKind.AUTHORIZE:
        return "ORIGINAL_NOT_FOUND"
    spent = (
        original.outcome == OperationOutcome.SUCCEEDED and original.remaining_minor == 0 and original.captured_minor > 0
    )
    return "ALREADY_CAPTURED" if spent else ""
