"""Person: somebody who pays, with a phone, a finger, and what there is to pay from.

Invariant: the passkey never leaves the person; a device, an address and numbers are made from who the person is, so
that the same person is the same one in every run.
"""

import asyncio
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Final

from keelpay import BankAccount, Card, Device, PaymentMethod, Wallet
from keelpay.signer import SigningRequest
from keelpay.testing import SoftPasskey

from .mixture import Way
from .planned_payment import Obstacle

CARD_PREFIX: Final = "621700"
"""A test range: no issuer's own."""
CARD_DIGITS: Final = 16
TEST_ACCOUNT: Final = "SANDBOX{:03}"
"""An account with a story of the sandbox bank's, by its number."""
TEST_CARD: Final = "400000000000{:03}"
"""A card with one, without its check digit."""
WALLETS: Final = ("alipay", "wechatpay")
CARD_EXPIRE_YEAR: Final = 2035
_NINE: Final = 9


@dataclass(slots=True, kw_only=True)
class Person:
    """One person.

    Attributes:
        name: `partners/{p}/payers/{u}`.
        token: Something stable and unique, from which everything else about the person is made.
        region: Where the person lives.
        passkey: The finger on the phone, or None before it is enrolled.
        instruments: What is paid from, by way; none for the balance.
        obstructed: The same, with an obstacle that the sandbox bank knows them by.
        mandates: What the person allows, by the merchant's name.
        hand: Held while the person signs: one thing at a time, for a passkey counts its uses.
    """

    name: str
    token: str
    region: str
    passkey: SoftPasskey | None = None
    instruments: dict[Way, str] = field(default_factory=dict)
    obstructed: dict[tuple[Way, Obstacle], str] = field(default_factory=dict)
    mandates: dict[str, str] = field(default_factory=dict)
    hand: asyncio.Lock = field(default_factory=asyncio.Lock)

    def device(self, *, stolen: bool = False) -> Device:
        """The person's phone; or that of a thief, who has the person's numbers, and no finger."""
        digest = sha256(f"thief of {self.token}".encode() if stolen else self.token.encode())
        address = ".".join(str(byte) for byte in digest.digest()[:3])
        return Device(
            device_id=digest.hexdigest(), ip_address=f"10.{address}", locale="zh-CN", time_zone="Asia/Shanghai"
        )

    def details(self, way: Way, obstacle: Obstacle | None = None) -> Card | BankAccount | Wallet:
        """What the person types to have something stored."""
        number = int(sha256(f"{way.value} {self.token}".encode()).hexdigest(), 16)
        if way is Way.CARD:
            card = card_number(number) if obstacle is None else with_check_digit(TEST_CARD.format(obstacle.value))
            return Card(number=card, expire_month=1 + number % 12, expire_year=CARD_EXPIRE_YEAR)
        if way is Way.WALLET:
            account = f"2088{number % 10**12:012}" if obstacle is None else TEST_ACCOUNT.format(obstacle.value)
            return Wallet(wallet=WALLETS[number % 2], wallet_account=account)
        return BankAccount(account_number=f"6228{number % 10**15:015}", bank_code="ABOCCNBJ", holder_name="Sandbox")

    def method(self, way: Way, obstacle: Obstacle | None = None) -> PaymentMethod:
        """The way of paying, as a payment names it."""
        instrument = self.instruments.get(way, "") if obstacle is None else self.obstructed[way, obstacle]
        if way is Way.BALANCE:
            return PaymentMethod.balance(self.name)
        if way is Way.CARD:
            return PaymentMethod.card(instrument)
        if way is Way.BANK:
            return PaymentMethod.bank(instrument)
        return PaymentMethod.wallet("", instrument=instrument)

    def sign(self, request: SigningRequest) -> str:
        """Looks at what is displayed and puts the finger on the sensor."""
        if self.passkey is None:
            raise LookupError(f"{self.name} has no passkey")
        return self.passkey.get(request.options_json)


def card_number(number: int) -> str:
    """Returns a card number.

    Args:
        number: Any number above 0; the same one gives the same card.
    """
    free = CARD_DIGITS - len(CARD_PREFIX) - 1
    return with_check_digit(f"{CARD_PREFIX}{number % 10**free:0{free}}")


def with_check_digit(digits: str) -> str:
    """Returns a card number with its check digit (ISO/IEC 7812-1, annex B)."""
    total = 0
    for place, digit in enumerate(reversed(digits)):
        doubled = int(digit) * (1 if place % 2 else 2)
        total += doubled - _NINE if doubled > _NINE else doubled
    return f"{digits}{-total % 10}"
