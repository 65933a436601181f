"""The naive server's new payment, and the checks of its parties: plain functions over rows.

In: the request's payment, the merchant and payer as loaded. Out: the payment before it is paid; refusals.
Invariant: every field has the value that the product's own creation gives it.
"""

import json
from typing import Any

from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.gateway import names
from keelpay_server.gateway.create import DEFAULT_EXPIRY_US
from keelpay_server.gateway.parties import BALANCE_CHANNEL
from keelpay_server.gateway.payment import CaptureMethod, Payment, PaymentState
from keelpay_server.risk.signals import Signals


def check_parties(draft: Any, merchant: Any, payer: Any) -> None:
    """Refuses a payment whose parties do not belong together or may not pay.

    Raises:
        Refused: MERCHANT_SUSPENDED, CURRENCY_MISMATCH, RESOURCE_NOT_FOUND, PAYER_FROZEN, UNSUPPORTED_BY_RAIL.
    """
    if merchant.state != 1:
        raise Refused(Reason.MERCHANT_SUSPENDED)
    if draft.amount.currency_code != merchant.currency:
        raise Refused(Reason.CURRENCY_MISMATCH)
    if payer.partner != merchant.partner:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="payer")
    if payer.state != 1:
        raise Refused(Reason.PAYER_FROZEN)
    if draft.channel != BALANCE_CHANNEL or not draft.mandate:
        raise Refused(Reason.UNSUPPORTED_BY_RAIL, "the reference only pays from balances under mandates")


def new_payment(key: bytes, draft: Any, merchant: Any, payer: str, now_us: int) -> Payment:
    """Returns the payment as it begins."""
    state = PaymentState.REQUIRES_CONFIRMATION
    return Payment(
        id=key, merchant=merchant.id, number=draft.merchant_payment_id, order=None, payer=payer, instrument=None,
        mandate=names.parse_child(draft.mandate, "mandates", names.MANDATE, "payment.mandate")[1], confirmation=None,
        channel=draft.channel, bank="", token="", region=draft.region, region_source=draft.region_source,
        currency=draft.amount.currency_code, amount=draft.amount.amount_minor,
        capture_method=CaptureMethod.AUTOMATIC, state=state, state_version=1, authorized=0, captured=0, released=0,
        refund_pending=0, refunded=0, disputed=0, fee=0, operations=0, operation=None, authorization=None,
        decision=None, outcome=0, stepped_up=False, failure="", action="", cancel_requested=False,
        expire_time=now_us + DEFAULT_EXPIRY_US, hold_expire_time=0, system_us=0, bank_us=0, human_us=0,
        history=f"[[{int(state)},{now_us},0,0,0]]", description=draft.description,
        descriptor=draft.statement_descriptor or merchant.statement_descriptor, metadata="",
        device=json.dumps({"device_id": draft.device.device_id}) if draft.device.device_id else "",
        create_time=now_us, update_time=now_us,
    )  # fmt: skip


def signals_of(payment: Payment) -> Signals:
    """Returns what risk looks at."""
    device = json.loads(payment.device)["device_id"] if payment.device else ""
    return Signals(
        payment=payment.id, merchant=payment.merchant, payer=payment.payer, amount=payment.amount,
        currency=payment.currency, instrument=payment.token, device=device, channel=payment.channel,
        region=payment.region, mandate=True,
    )  # fmt: skip
