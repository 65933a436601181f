"""The client's own recomputation of a challenge, from what it displays and from nothing else.

In: the texts and amounts on the screen, with the nonce and expiry of the confirmation. Out: the 32 bytes that may be
signed. Invariant: a client that signs only challenges it recomputed cannot be made to sign a payment it did not show,
not even by the server. The form is RFC 8785 (JCS) over text members, the same in every language.
"""

import hashlib
import hmac
import json
from base64 import urlsafe_b64encode
from dataclasses import dataclass, fields
from typing import ClassVar, Final

NONCE_BYTES: Final = 32


class ChallengeMismatch(Exception):  # noqa: N818  (reads as what it says where it is caught)
    """The server asks to sign something else than what is displayed. Do not sign; start a new confirmation."""


class Displayed:
    """What is on the screen. Each attribute of a kind is one member of what is hashed, named in lowerCamelCase."""

    __slots__ = ()
    type: ClassVar[str]

    def challenge(self, nonce: bytes, expires_at_s: int) -> bytes:
        """The 32 bytes to sign.

        Args:
            nonce: The confirmation's 32 bytes.
            expires_at_s: The confirmation's expiry, unix seconds.

        Raises:
            ValueError: A nonce of another size, or a text with a lone surrogate, which no two languages hash alike.
        """
        if len(nonce) != NONCE_BYTES:
            raise ValueError(f"a nonce has {NONCE_BYTES} bytes")
        members = {_member(each.name): str(getattr(self, each.name)) for each in fields(self)}  # type: ignore[arg-type]
        members["type"] = self.type
        members["nonce"] = urlsafe_b64encode(nonce).rstrip(b"=").decode("ascii")
        members["expiresAt"] = str(expires_at_s)
        # A lone surrogate raises UnicodeEncodeError, which is a ValueError.
        text = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
        return hashlib.sha256(text.encode("utf-8")).digest()


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayedPayment(Displayed):
    """A payment as it is on the screen.

    Attributes:
        payment_id: The payment's resource name.
        payer_id: The payer's resource name.
        payee_id: The merchant's resource name.
        payee_name: The payee as displayed.
        currency: Currency code as displayed.
        amount_minor: The amount displayed, in minor units.
        instrument_id: The instrument's resource name, or `balance`.
        instrument_display: The instrument as displayed.
        rp_id: The relying party the passkey belongs to.
        method: `webauthn` or `spc`.
    """

    type = "keelpay.payment-confirmation.v1"
    payment_id: str
    payer_id: str
    payee_id: str
    payee_name: str
    currency: str
    amount_minor: int
    instrument_id: str
    instrument_display: str
    rp_id: str
    method: str = "webauthn"


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayedMandate(Displayed):
    """A mandate as it is on the screen, with every limit.

    Attributes:
        mandate_id: The mandate's resource name.
        payer_id: The payer's resource name.
        payee_id: The one merchant that may use it.
        payee_name: The payee as displayed.
        currency: Currency code as displayed.
        payment_max_minor: Largest single payment, minor units.
        day_max_minor: Largest sum a day, minor units.
        total_max_minor: Largest sum over its life, minor units; 0 for no such limit.
        day_zone: The IANA time zone in which a day begins.
        instrument_id: The instrument's resource name, or `balance`.
        instrument_display: The instrument as displayed.
        rp_id: The relying party the passkey belongs to.
        valid_until_s: When the mandate ends, unix seconds.
    """

    type = "keelpay.mandate.v1"
    mandate_id: str
    payer_id: str
    payee_id: str
    payee_name: str
    currency: str
    payment_max_minor: int
    day_max_minor: int
    total_max_minor: int
    day_zone: str
    instrument_id: str
    instrument_display: str
    rp_id: str
    valid_until_s: int


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayedWithdrawal(Displayed):
    """A withdrawal of a balance as it is on the screen.

    Attributes:
        payer_id: The payer's resource name.
        currency: Currency code as displayed.
        amount_minor: The amount displayed, in minor units.
        instrument_id: Where the money goes.
        instrument_display: Where the money goes, as displayed.
        rp_id: The relying party the passkey belongs to.
    """

    type = "keelpay.withdrawal.v1"
    payer_id: str
    currency: str
    amount_minor: int
    instrument_id: str
    instrument_display: str
    rp_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayedPasskeyAddition(Displayed):
    """The adding of a further passkey as it is on the screen.

    Attributes:
        registration_id: The registration's resource name.
        payer_id: The payer's resource name.
        passkey_display: The new passkey's name as displayed.
        rp_id: The relying party of both passkeys.
    """

    type = "keelpay.passkey-add.v1"
    registration_id: str
    payer_id: str
    passkey_display: str
    rp_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayedRecoveryVeto(Displayed):
    """The undoing of a recovery as it is on the screen.

    Attributes:
        passkey_id: The resource name of the passkey that the recovery made.
        payer_id: The payer's resource name.
        passkey_display: That passkey's name as displayed.
        rp_id: The relying party of both passkeys.
    """

    type = "keelpay.recovery-veto.v1"
    passkey_id: str
    payer_id: str
    passkey_display: str
    rp_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class DisplayedPasskeyResumption(Displayed):
    """The lifting of a passkey's suspension as it is on the screen.

    Attributes:
        passkey_id: The resource name of the suspended passkey.
        payer_id: The payer's resource name.
        passkey_display: That passkey's name as displayed.
        rp_id: The relying party of both passkeys.
    """

    type = "keelpay.passkey-resume.v1"
    passkey_id: str
    payer_id: str
    passkey_display: str
    rp_id: str


def require_displayed(offered: bytes, displayed: Displayed, *, nonce: bytes, expires_at_s: int) -> None:
    """Refuses to go on to the signature unless the server's challenge is that of the screen.

    Args:
        offered: The challenge the server asks to sign.
        displayed: What is on the screen.
        nonce: The confirmation's nonce.
        expires_at_s: The confirmation's expiry, unix seconds.

    Raises:
        ChallengeMismatch: It is the challenge of something else.
    """
    if not hmac.compare_digest(offered, displayed.challenge(nonce, expires_at_s)):
        raise ChallengeMismatch("the challenge is not that of the terms displayed")


def _member(attribute: str) -> str:
    """The member's name: `payment_id` is `paymentId`; a unit of time is not part of it."""
    first, *rest = attribute.removesuffix("_s").split("_")
    return first + "".join(word.capitalize() for word in rest)
