"""Preview: the exact legs a payment would write, before any money moves.

In: a merchant and a draft. Out: legs by the same posting functions that the payment would use, the fee, what is left.
Invariant: nothing is stored; a draft with somebody else's things in it is refused as CreatePayment refuses it; account
names are readable and those of the draft's own parties.
"""

from typing import Final, NamedTuple

from keelpay.api.gateway.v1 import payment_service_pb2
from keelpay_server.auth.mandate import Mandate
from keelpay_server.book.bank import Bank
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.payer import Payer
from keelpay_server.book.ports import Reader
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.wire_render import money
from keelpay_server.clearing.window import Window, WindowState
from keelpay_server.ledger.account import parse
from keelpay_server.ledger.chart import Chart
from keelpay_server.ledger.fee import fee_total, parse_fee_plan
from keelpay_server.ledger.hold import Hold
from keelpay_server.ledger.leg import LegCode
from keelpay_server.ledger.posting import payment as posting

from .instrument import Instrument
from .method import Method
from .order import Order
from .order_payment import check_order
from .parties import BALANCE_CHANNEL, Parties, check_parties

_EVENTS: Final = {LegCode.PAY: "capture", LegCode.CAPTURE: "capture", LegCode.FEE: "fee", LegCode.COST: "cost"}


class Draft(NamedTuple):
    """A payment that is only thought of.

    Attributes:
        merchant: Who would be paid.
        order: Key of the order it would pay, or None.
        payer: `<partner>/<person>`, or empty.
        method: How it would be paid.
        currency: Code.
        amount: Minor units.
        manual: Whether the merchant would capture it later.
    """

    merchant: str
    order: bytes | None
    payer: str
    method: Method
    currency: str
    amount: int
    manual: bool

    @property
    def channel(self) -> int:
        """The contract's Channel."""
        return self.method.channel


async def preview(reader: Reader, merchant: Merchant, draft: Draft) -> payment_service_pb2.PreviewPaymentResponse:
    """Returns what a payment would do to the ledger, up to a complete capture.

    Raises:
        Refused: RESOURCE_NOT_FOUND for what is missing or another's, and the reasons of `check_parties`.
    """
    code, amount = draft.currency, draft.amount
    parties = await _parties(reader, merchant, draft)
    open_windows = {"state": int(WindowState.OPEN), "calendar": merchant.calendar, "currency": merchant.currency}
    windows = await reader.find(Window, open_windows)
    if not windows:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="window")
    target = merchant.unsettled(windows[0].id)
    fee = fee_total(parse_fee_plan(merchant.fee_plan), draft.channel, amount)
    owners = {Chart.MERCHANT_UNSETTLED: merchant.id}
    if draft.channel == BALANCE_CHANNEL and parties.payer is not None:
        source = parties.payer.balance(code)
        owners[Chart.PAYER_BALANCE] = parties.payer.id
    elif parties.bank is not None:
        source = parties.bank.clearing(code)
        owners[Chart.BANK_CLEARING] = parties.bank.id
    else:
        raise AssertionError("check_parties lets nobody pass who cannot pay")
    hold = Hold(source, target, amount)
    posted = posting.capture(hold, hold.capture(amount, final=True), window=parse(target).window, fee=fee)
    answer = payment_service_pb2.PreviewPaymentResponse(
        fee=money(fee, code), merchant_amount=money(amount - fee, code),
        confirmation_required=draft.channel == BALANCE_CHANNEL and draft.method.mandate is None,
    )  # fmt: skip
    if draft.manual or draft.channel != BALANCE_CHANNEL:
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


async def _parties(reader: Reader, merchant: Merchant, draft: Draft) -> Parties:
    """Returns who would take part, checked as a creation checks it."""
    order = None if draft.order is None else await reader.get(Order, draft.order)
    payer = await reader.get(Payer, draft.payer) if draft.payer else None
    instrument = None if draft.method.instrument is None else await reader.get(Instrument, draft.method.instrument)
    if draft.order is not None:
        if order is None:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="order")
        check_order(order, draft)
    if draft.payer and payer is None:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="payer")
    bank = await reader.get(Bank, draft.method.bank) if draft.method.bank else None
    mandate = None if draft.method.mandate is None else await reader.get(Mandate, draft.method.mandate)
    if draft.method.mandate is not None and mandate is None:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="mandate")
    parties = Parties(merchant, order, payer, instrument, bank, mandate)
    check_parties(draft, parties)
    return parties


def _readable(account: int, owners: dict[Chart, str]) -> str:
    """Returns an account as people call it: `merchant:cafe:unsettled`."""
    parts = parse(account)
    owner = owners.get(parts.chart)
    words = parts.name.split(":")[:-1]
    if owner is None:
        return ":".join(words)
    words[1] = owner
    return ":".join(word for word in words if not word.isdigit())
