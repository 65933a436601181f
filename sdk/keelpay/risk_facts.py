"""What risk is told: a payment that is made elsewhere, and new entries of the lists.

Invariant: persons, cards and addresses come as the partner's own stable tokens, never in clear.
"""

from dataclasses import dataclass, field
from datetime import datetime

from ._times import to_timestamp
from .api.risk.v1 import list_entry_pb2, risk_service_pb2
from .enums import Channel, EntryKind, Strength
from .money import Money
from .payment_draft import to_raw_money
from .payment_method import Device, Region


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentFacts:
    """A payment that is made elsewhere. Equal tokens mean equal things.

    Attributes:
        external_payment_id: The partner's number of it, unique for the merchant.
        amount: What the payer is to pay.
        channel: The way the money takes.
        region: Where it happens; a text is what the merchant states.
        payer: Token of the payer.
        instrument_token: Token of the card, account or wallet.
        payee: Token of who receives the money, where it is not the merchant.
        device: The payer's device.
        address: Token of the delivery address.
    """

    external_payment_id: str
    amount: Money
    channel: Channel
    region: Region | str
    payer: str
    instrument_token: str = ""
    payee: str = ""
    device: Device | None = None
    address: str = ""

    def to_raw(self) -> risk_service_pb2.PaymentFacts:
        """The message of the contract."""
        place = Region(self.region) if isinstance(self.region, str) else self.region
        return risk_service_pb2.PaymentFacts(
            external_payment_id=self.external_payment_id,
            amount=to_raw_money(self.amount),
            channel=self.channel.wire,
            region=place.code,
            region_source=place.source.wire,
            payer=self.payer,
            instrument_token=self.instrument_token,
            payee=self.payee,
            device=self.device.to_raw() if self.device is not None else None,
            address=self.address,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class NewListEntry:
    """An entry to be listed.

    Attributes:
        kind: What it speaks of.
        value: The device id, token or resource name, exactly as payments carry it. Never returned.
        strength: What it does.
        comment: Why, for the record; no personal data.
        expire_time: When it ends; None if it stays until it is removed.
    """

    kind: EntryKind
    value: str = field(repr=False)
    strength: Strength
    comment: str
    expire_time: datetime | None = None

    def to_raw(self) -> list_entry_pb2.ListEntry:
        """The message of the contract."""
        return list_entry_pb2.ListEntry(
            kind=self.kind.wire,
            value=self.value,
            strength=self.strength.wire,
            comment=self.comment,
            expire_time=to_timestamp(self.expire_time),
        )
