"""How a payment looks on the wire.

In: the stored payment and, for a whole view, its operations and pending confirmation. Out: the contract's message.
Invariant: no secret, no score, no device of somebody else.
"""

import json

from keelpay.api.gateway.v1 import operation_pb2, payment_pb2
from keelpay_server.auth.confirmation import Confirmation
from keelpay_server.auth.confirmation_render import render_confirmation
from keelpay_server.auth.names import payers_own_name
from keelpay_server.book.ids import text
from keelpay_server.book.wire_render import money, stamp, write_stamp
from keelpay_server.risk.decision import Decision

from . import names
from .decline import ADVICE, DeclineReason, decline_of
from .history import states_reached
from .operation import Operation, OperationState
from .parties import WALLET_CHANNEL
from .payment import ENDED, Payment, PaymentState

_CHALLENGE_REDIRECT = 2
_SENTENCES = {
    DeclineReason.INSUFFICIENT_FUNDS: ("There is not enough money. Please pay another way.",
                                       "余额不足,请换一种方式支付。"),
    DeclineReason.AUTHENTICATION_FAILED: ("Your bank could not confirm it was you. Please try again.",
                                          "银行未能确认您的身份,请重试。"),
    DeclineReason.BANK_UNAVAILABLE: ("Your bank did not answer. Nothing was taken. Please try again.",
                                     "银行没有响应,未扣款,请重试。"),
    DeclineReason.PAYER_REJECTED: ("You cancelled. Nothing was taken.", "您已取消,未扣款。"),
    DeclineReason.RISK: ("This payment was refused for your safety.", "为了您的安全,此笔支付被拒绝。"),
}  # fmt: skip
_WAITS = {
    True: ("Please approve the payment in your wallet's app.", "请在您的钱包应用中确认付款。"),
    False: ("Please approve the payment in your bank's app.", "请在您的银行应用中确认付款。"),
}
"""What a payer does who is asked elsewhere: by a wallet, or by a bank."""
_SENTENCE = ("The payment was declined. Please pay another way.", "支付被拒绝,请换一种方式支付。")


def render_payment(payment: Payment) -> payment_pb2.Payment:
    """Returns the payment as lists show it: without its transitions, operations and risk reasons."""
    message = payment_pb2.Payment(
        name=names.payment_name(payment.merchant, payment.id),
        merchant_payment_id=payment.number,
        order="" if payment.order is None else names.order_name(payment.merchant, payment.order),
        amount=money(payment.amount, payment.currency),
        channel=payment.channel,  # type: ignore[arg-type]
        region=payment.region,
        region_source=payment.region_source,  # type: ignore[arg-type]
        payer=names.payer_name(payment.payer),
        instrument="" if payment.instrument is None else names.instrument_name(payment.payer, payment.instrument),
        rail=payment.bank,
        mandate="" if payment.mandate is None else names.mandate_name(payment.merchant, payment.mandate),
        capture_method=payment.capture_method,  # type: ignore[arg-type]
        description=payment.description,
        statement_descriptor=payment.descriptor,
        metadata=json.loads(payment.metadata) if payment.metadata else {},
        expire_time=stamp(payment.expire_time),
        state=payment.state,  # type: ignore[arg-type]
        cancel_requested=payment.cancel_requested,
        amount_authorized_minor=payment.authorized,
        amount_captured_minor=payment.captured,
        amount_capturable_minor=0 if payment.state in ENDED else payment.capturable,
        amount_released_minor=payment.released,
        amount_refund_pending_minor=payment.refund_pending,
        amount_refunded_minor=payment.refunded,
        amount_disputed_minor=payment.disputed,
        fee_minor=payment.fee,
        system_ms=payment.system_us // 1000,
        bank_ms=payment.bank_us // 1000,
        human_ms=payment.human_us // 1000,
        create_time=stamp(payment.create_time),
        update_time=stamp(payment.update_time),
        state_version=payment.state_version,
        return_url=payment.return_uri,
        confirmation=_confirmation(payment),
    )
    if payment.hold_expire_time:
        message.hold_expire_time.CopyFrom(stamp(payment.hold_expire_time))
    if payment.failure:
        message.last_failure.CopyFrom(_failure(payment))
    return message


def _confirmation(payment: Payment) -> str:
    key = payment.confirmation
    return "" if key is None else payers_own_name("confirmations", payment.payer, key)


def render_whole(
    payment: Payment, operations: list[Operation], decision: Decision | None, confirmation: Confirmation | None
) -> payment_pb2.Payment:
    """Returns the payment with everything that belongs to it."""
    message = render_payment(payment)
    for reached in states_reached(payment.history):
        row = message.transitions.add(
            state=reached.state,
            system_ms=reached.system_us // 1000,
            bank_ms=reached.bank_us // 1000,
            human_ms=reached.human_us // 1000,
            count=reached.times,
        )
        write_stamp(row.time, reached.time_us)
        write_stamp(row.last_time, reached.last_time_us or reached.time_us)
    message.operations.extend(render_operation(operation) for operation in operations)
    if decision is not None:
        message.risk.outcome = decision.outcome  # type: ignore[assignment]
        raised = (reason.factor for reason in decision.contributions() if reason.milli >= 0)
        message.risk.factors.extend(dict.fromkeys(raised))  # type: ignore[arg-type]
        message.risk.decision = f"decisions/{text('dec', decision.id)}"
        message.risk.degraded = bool(decision.degraded)
        message.risk.time.CopyFrom(stamp(decision.create_time))
    if payment.state == PaymentState.REQUIRES_ACTION:
        message.next_action.CopyFrom(_action(payment, confirmation))
    return message


def render_operation(operation: Operation) -> operation_pb2.Operation:
    """Returns an operation as history shows it."""
    message = operation_pb2.Operation(
        number=operation.number,
        kind=operation.kind,  # type: ignore[arg-type]
        state=operation.state,  # type: ignore[arg-type]
        amount=money(operation.amount, operation.currency),
        rail=operation.bank,
        rail_reference=operation.bank_reference,
        submit_time=stamp(operation.create_time),
        query_count=operation.queries,
    )
    if operation.state == OperationState.DECLINED:
        message.decline_reason = int(decline_of(operation.code))  # type: ignore[assignment]
    if operation.state not in (OperationState.SUBMITTED, OperationState.UNKNOWN):
        message.resolve_time.CopyFrom(stamp(operation.update_time))
    return message


def _action(payment: Payment, confirmation: Confirmation | None) -> payment_pb2.NextAction:
    if not payment.action:
        biometric = payment_pb2.NextAction.Biometric()
        if confirmation is not None:
            biometric.confirmation.CopyFrom(render_confirmation(confirmation))
        return payment_pb2.NextAction(biometric=biometric)
    action = json.loads(payment.action)
    if action["challenge"] == _CHALLENGE_REDIRECT and action["url"]:
        return payment_pb2.NextAction(redirect=payment_pb2.NextAction.Redirect(url=action["url"]))
    waiting = _WAITS[payment.channel == WALLET_CHANNEL][_speaks_chinese(payment)]
    return payment_pb2.NextAction(wait=payment_pb2.NextAction.Wait(text=waiting))


def _failure(payment: Payment) -> payment_pb2.PaymentFailure:
    failure = json.loads(payment.failure)
    reason = DeclineReason(failure["reason"])
    english, chinese = _SENTENCES.get(reason, _SENTENCE)
    return payment_pb2.PaymentFailure(
        reason=int(reason),  # type: ignore[arg-type]
        advice=int(ADVICE[reason]),  # type: ignore[arg-type]
        message=chinese if _speaks_chinese(payment) else english,
        rail_code=failure["rail_code"],
        operation_number=failure["operation"],
        time=stamp(failure["time"]),
    )


def _speaks_chinese(payment: Payment) -> bool:
    device = json.loads(payment.device) if payment.device else {}
    return str(device.get("locale", "")).startswith("zh")
