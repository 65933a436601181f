"""Preview: the exact legs a payment would write, before any money moves.

In: a merchant and a draft. Out: legs by the same posting functions that the payment would use, the fee, what is left.
Invariant: nothing is stored; account names are readable and those of the draft's own parties.
"""

from typing import Final

from keelpay.api.gateway.v1 import payment_pb2, payment_service_pb2
from keelpay_server.book.bank import Bank
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.payer import Payer
from keelpay_server.book.ports import Reader
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.clearing.window import Window, WindowState
from keelpay_server.ledger.account import parse
from keelpay_server.ledger.chart import Chart
from keelpay_server.ledger.fee import fee_total, parse_fee_plan
from keelpay_server.ledger.hold import Hold
from keelpay_server.ledger.leg import LegCode
from keelpay_server.ledger.posting import payment as posting

from . import names
from .parties import BALANCE_CHANNEL
from .payment_render import money

_EVENTS: Final = {LegCode.PAY: "capture", LegCode.CAPTURE: "capture", LegCode.FEE: "fee", LegCode.COST: "cost"}
_MANUAL: Final = 2


async def preview(
    reader: Reader, merchant: Merchant, draft: payment_pb2.Payment, bank_name: str
) -> payment_service_pb2.PreviewPaymentResponse:
    """Returns what a payment would do to the ledger, up to a complete capture.

    Raises:
        Refused: RESOURCE_NOT_FOUND, CURRENCY_MISMATCH, BALANCE_NEEDS_PAYER, UNSUPPORTED_BY_RAIL.
    """
    code, amount = draft.amount.currency_code, draft.amount.amount_minor
    if code != merchant.currency:
        raise Refused(Reason.CURRENCY_MISMATCH, expected=merchant.currency, got=code)
    open_windows = {"state": int(WindowState.OPEN), "calendar": merchant.calendar, "currency": merchant.currency}
    windows = await reader.find(Window, open_windows)
    if not windows:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="window")
    target = merchant.unsettled(windows[0].id)
    fee = fee_total(parse_fee_plan(merchant.fee_plan), draft.channel, amount)
    owners = {Chart.MERCHANT_UNSETTLED: merchant.id}
    if draft.channel == BALANCE_CHANNEL:
        payer = await reader.get(Payer, names.parse_payer(draft.payer, "payment.payer"))
        if payer is None or payer.partner != merchant.partner:
            raise Refused(Reason.BALANCE_NEEDS_PAYER)
        source = payer.balance(code)
        owners[Chart.PAYER_BALANCE] = payer.id
    else:
        bank = await reader.get(Bank, bank_name)
        if bank is None:
            raise Refused(Reason.UNSUPPORTED_BY_RAIL)
        source = bank.clearing(code)
        owners[Chart.BANK_CLEARING] = bank.id
    hold = Hold(source, target, amount)
    posted = posting.capture(hold, hold.capture(amount, final=True), window=parse(target).window, fee=fee)
    answer = payment_service_pb2.PreviewPaymentResponse(
        fee=money(fee, code), merchant_amount=money(amount - fee, code),
        confirmation_required=draft.channel == BALANCE_CHANNEL and not draft.mandate,
    )  # fmt: skip
    held_first = draft.channel != BALANCE_CHANNEL or draft.capture_method == _MANUAL
    if held_first:
        answer.legs.add(
            event="authorize", debit_account=_readable(source, owners), credit_account=_readable(target, owners),
            amount=money(amount, code), hold=True,
        )  # fmt: skip
    for debit, credit, moved, leg_code in posted.legs:
        answer.legs.add(
            event=_EVENTS[LegCode(leg_code)], debit_account=_readable(debit, owners),
            credit_account=_readable(credit, owners), amount=money(moved, code),
        )  # fmt: skip
    return answer


def _readable(account: int, owners: dict[Chart, str]) -> str:
    """Returns an account as people call it: `merchant:cafe:unsettled`."""
    parts = parse(account)
    owner = owners.get(parts.chart)
    words = parts.name.split(":")[:-1]
    if owner is None:
        return ":".join(words)
    words[1] = owner
    return ":".join(word for word in words if not word.isdigit())
