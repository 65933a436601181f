"""A payment that is about to be asked for: everything decided, nothing sent, safe to write down.

In: what is to be paid. Out: a value that survives the app being killed. Invariant: the request id is made once, with
the draft; whoever sends the same draft twice, even from two processes, pays once.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Self

from google.protobuf import json_format

from ._times import to_timestamp
from .api.gateway.v1 import payment_pb2, payment_request_pb2
from .api.type.v1 import money_pb2
from .enums import CaptureMethod
from .money import Money
from .payment_method import Device, PaymentMethod, Region
from .request_id import new_request_id

KIND: Final = "keelpay.payment-draft.v1"


@dataclass(frozen=True, slots=True)
class PaymentDraft:
    """A payment not yet asked for. Make one by `client.payments.draft`, or by `PaymentDraft.of`.

    Attributes:
        raw: The request as it will be sent.
    """

    raw: payment_request_pb2.CreatePaymentRequest = field(repr=False)

    @classmethod
    def of(
        cls,
        *,
        merchant: str,
        amount: Money,
        method: PaymentMethod,
        region: Region | str,
        order: str = "",
        merchant_payment_id: str = "",
        capture_method: CaptureMethod = CaptureMethod.AUTOMATIC,
        description: str = "",
        statement_descriptor: str = "",
        metadata: Mapping[str, str] | None = None,
        device: Device | None = None,
        expire_time: datetime | None = None,
        confirm: bool = False,
    ) -> Self:
        """Decides everything about a payment.

        Args:
            merchant: Who is paid, `merchants/{m}`.
            amount: How much, at least one minor unit.
            method: The way of paying.
            region: Where it happens; a text is what the merchant states.
            order: The order it pays; the amounts must be equal.
            merchant_payment_id: The merchant's own number, 1 to 64 characters; empty takes the request id.
            capture_method: AUTOMATIC takes the money with the authorization.
            description: What is paid for, at most 256 characters.
            statement_descriptor: What the payer's bank statement shows, at most 22 characters.
            metadata: The merchant's own notes, at most 20; never personal data.
            device: The device the payer uses.
            expire_time: When it gives up; None means 30 minutes after creation.
            confirm: Also confirm it in the same call, where the payer need not act.
        """
        request_id = new_request_id()
        place = Region(region) if isinstance(region, str) else region
        payment = payment_pb2.Payment(
            merchant_payment_id=merchant_payment_id or request_id,
            order=order,
            amount=to_raw_money(amount),
            channel=method.channel.wire,
            region=place.code,
            region_source=place.source.wire,
            payer=method.payer,
            instrument=method.instrument,
            rail=method.rail,
            mandate=method.under_mandate,
            capture_method=capture_method.wire,
            description=description,
            statement_descriptor=statement_descriptor,
            metadata=metadata,
            device=device.to_raw() if device is not None else None,
            expire_time=to_timestamp(expire_time),
        )
        return cls(
            payment_request_pb2.CreatePaymentRequest(
                parent=merchant,
                request_id=request_id,
                payment=payment,
                confirm=confirm,
                return_url=method.return_url,
            )
        )

    @property
    def request_id(self) -> str:
        """The id of the request, made once."""
        return self.raw.request_id

    @property
    def merchant(self) -> str:
        """Who is paid."""
        return self.raw.parent

    @property
    def amount(self) -> Money:
        """How much."""
        return Money(self.raw.payment.amount.amount_minor, self.raw.payment.amount.currency_code)

    @property
    def merchant_payment_id(self) -> str:
        """The merchant's own number, by which `client.payments.lookup` finds the payment."""
        return self.raw.payment.merchant_payment_id

    def to_json(self) -> str:
        """The draft as text, to be stored before it is sent."""
        return json.dumps({"kind": KIND, "request": json_format.MessageToDict(self.raw)}, ensure_ascii=False)

    @classmethod
    def from_json(cls, text: str) -> Self:
        """The draft that was stored.

        Raises:
            ValueError: The text is no draft.
        """
        stored = json.loads(text)
        if not isinstance(stored, dict) or stored.get("kind") != KIND or not isinstance(stored.get("request"), dict):
            raise ValueError("this text is not a payment draft")
        try:
            request = json_format.ParseDict(stored["request"], payment_request_pb2.CreatePaymentRequest())
        except (json_format.ParseError, AttributeError, TypeError) as error:
            raise ValueError(f"this payment draft cannot be read: {error}") from error
        return cls(request)

    def __str__(self) -> str:
        return f"{self.amount} to {self.merchant} ({self.request_id})"


def to_raw_money(amount: Money) -> money_pb2.Money:
    """The message of an amount."""
    return money_pb2.Money(currency_code=amount.currency_code, amount_minor=amount.amount_minor)
