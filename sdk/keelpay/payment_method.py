"""How and where somebody pays: the way of paying, the place, the device.

In: what an app knows. Out: the messages of the contract. Invariant: a way of paying carries all that belongs to it, so
that a payment needs no long list of arguments.
"""

import dataclasses
from dataclasses import dataclass
from typing import Self

from .api.gateway.v1 import payment_request_pb2
from .api.type.v1 import device_pb2
from .enums import Channel, RegionSource


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentMethod:
    """A way of paying. Make one by `balance`, `card`, `bank`, `wallet`, `stablecoin` or `mandate`.

    Attributes:
        channel: The way money takes.
        payer: Who pays, `partners/{p}/payers/{u}`; empty where the wallet alone knows.
        instrument: What it is paid from; empty for a balance, or a wallet that is not stored.
        rail: The bank or wallet to use; empty lets the server choose.
        under_mandate: The mandate to pay under; empty if the payer confirms in person.
        return_url: Where the bank or wallet sends the payer back to.
    """

    channel: Channel
    payer: str = ""
    instrument: str = ""
    rail: str = ""
    under_mandate: str = ""
    return_url: str = ""

    @classmethod
    def balance(cls, payer: str) -> Self:
        """From the payer's balance here; the payer confirms with a finger or face."""
        return cls(channel=Channel.BALANCE, payer=payer)

    @classmethod
    def card(cls, instrument: str, *, rail: str = "", return_url: str = "") -> Self:
        """With a stored card, `partners/{p}/payers/{u}/instruments/{i}`."""
        return cls._stored(Channel.CARD, instrument, rail, return_url)

    @classmethod
    def bank(cls, instrument: str, *, rail: str = "", return_url: str = "") -> Self:
        """From a stored bank account."""
        return cls._stored(Channel.BANK, instrument, rail, return_url)

    @classmethod
    def stablecoin(cls, instrument: str, *, rail: str = "") -> Self:
        """With a registered token from a stored address."""
        return cls._stored(Channel.STABLECOIN, instrument, rail, "")

    @classmethod
    def wallet(cls, rail: str = "", *, payer: str = "", instrument: str = "", return_url: str = "") -> Self:
        """With an outside wallet such as `alipay`, which authenticates the payer itself; empty for any."""
        return cls(
            channel=Channel.WALLET,
            payer=payer or payer_of(instrument),
            instrument=instrument,
            rail=rail,
            return_url=return_url,
        )

    @classmethod
    def mandate(cls, mandate: str, *, payer: str, instrument: str = "", channel: Channel = Channel.BALANCE) -> Self:
        """Under a mandate, `merchants/{m}/mandates/{x}`: small payments without a finger each time."""
        return cls(channel=channel, payer=payer, instrument=instrument, under_mandate=mandate)

    @classmethod
    def _stored(cls, channel: Channel, instrument: str, rail: str, return_url: str) -> Self:
        payer = payer_of(instrument)
        return cls(channel=channel, payer=payer, instrument=instrument, rail=rail, return_url=return_url)

    def of_payer(self, payer: str) -> Self:
        """The same way for a payer, `partners/{p}/payers/{u}`."""
        return dataclasses.replace(self, payer=payer)

    def to_raw(self) -> payment_request_pb2.PaymentMethod:
        """The message for ConfirmPayment; payer and return address have places of their own there."""
        return payment_request_pb2.PaymentMethod(
            channel=self.channel.wire,
            instrument=self.instrument,
            rail=self.rail,
            mandate=self.under_mandate,
        )


@dataclass(frozen=True, slots=True)
class Region:
    """Where a payment happens, and how that is known.

    Attributes:
        code: An ISO 3166-1 country, or a region of one: `CN`, `CN-EAST`.
        source: Who says so.
    """

    code: str
    source: RegionSource = RegionSource.MERCHANT


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """The device a person pays from. More of it means fewer false alarms.

    Attributes:
        device_id: SHA-256 of its hardware-bound public key, or the random id of 32 characters or more that the app
            keeps: on a device that its payer has confirmed on, a mandate spares the finger.
        ip_address: The address the person's request came from.
        user_agent: The browser's or app's User-Agent.
        locale: The person's language, BCP 47.
        time_zone: IANA name.
    """

    device_id: str = ""
    ip_address: str = ""
    user_agent: str = ""
    locale: str = ""
    time_zone: str = ""

    def to_raw(self) -> device_pb2.DeviceContext:
        """The message of the contract."""
        return device_pb2.DeviceContext(
            device_id=self.device_id,
            ip_address=self.ip_address,
            user_agent=self.user_agent,
            locale=self.locale,
            time_zone=self.time_zone,
        )


def payer_of(name: str) -> str:
    """The payer in the name of something of theirs: an instrument, a passkey; empty for an empty name."""
    return "/".join(name.split("/")[:4])
