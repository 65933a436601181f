"""Terms: what a payer is shown before a passkey signs, for each of the things that are ever signed.

In: the stored payment, mandate or registration. Out: plain values for `challenge`. Invariant: whatever a payer must
agree to is a member here; what is not here is not signed.
"""

from dataclasses import dataclass
from enum import StrEnum


class ConfirmationMethod(StrEnum):
    """How the signature is asked for; part of what is signed."""

    WEBAUTHN = "webauthn"
    SPC = "spc"


@dataclass(frozen=True, slots=True, kw_only=True)
class PaymentTerms:
    """What a payer confirms for one payment.

    Attributes:
        payment_id: The payment's resource name.
        payer_id: The payer's resource name.
        payee_id: The merchant's resource name.
        payee_name: The payee as displayed.
        currency: ISO 4217 code or registered token.
        amount_minor: Amount in minor units, 1 to 2**63-1.
        instrument_id: The instrument's resource name.
        instrument_display: The instrument as displayed.
        rp_id: The relying party the passkey belongs to.
        method: webauthn or spc.
    """

    payment_id: str
    payer_id: str
    payee_id: str
    payee_name: str
    currency: str
    amount_minor: int
    instrument_id: str
    instrument_display: str
    rp_id: str
    method: ConfirmationMethod


@dataclass(frozen=True, slots=True, kw_only=True)
class MandateTerms:
    """What a payer agrees to once for small payments without a passkey: every limit is inside what is signed.

    Attributes:
        mandate_id: The mandate's resource name.
        payer_id: The payer's resource name.
        payee_id: The one merchant that may use it.
        payee_name: The payee as displayed.
        currency: ISO 4217 code or registered token.
        payment_max_minor: Largest single payment, minor units, at least 1.
        day_max_minor: Largest sum a day in `day_zone`, minor units, at least 1.
        total_max_minor: Largest sum over its life, minor units; 0 for no such limit.
        day_zone: The payee's IANA time zone, which decides when a day begins.
        instrument_id: The instrument it draws on.
        instrument_display: The instrument as displayed.
        rp_id: The relying party the passkey belongs to.
        valid_until_s: When the mandate itself ends, unix seconds.
    """

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
class PasskeyAddTerms:
    """What a payer confirms with an existing passkey before a further one is added.

    Attributes:
        registration_id: The one registration ceremony this allows.
        payer_id: The payer's resource name.
        passkey_display: The new passkey's name as displayed.
        rp_id: The relying party of both passkeys.
    """

    registration_id: str
    payer_id: str
    passkey_display: str
    rp_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class WithdrawalTerms:
    """What a payer confirms before a balance is paid out.

    Attributes:
        payer_id: The payer's resource name.
        currency: ISO 4217 code or registered token.
        amount_minor: Amount in minor units, 1 to 2**63-1.
        instrument_id: Where the money goes.
        instrument_display: Where the money goes, as displayed.
        rp_id: The relying party the passkey belongs to.
    """

    payer_id: str
    currency: str
    amount_minor: int
    instrument_id: str
    instrument_display: str
    rp_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RecoveryVetoTerms:
    """What a payer confirms with an old passkey to undo a recovery that was not theirs.

    Attributes:
        passkey_id: The resource name of the passkey that the recovery made.
        payer_id: The payer's resource name.
        passkey_display: That passkey's name as displayed.
        rp_id: The relying party of both passkeys.
    """

    passkey_id: str
    payer_id: str
    passkey_display: str
    rp_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class PasskeyResumeTerms:
    """What a payer confirms with another passkey to let a suspended one sign again.

    Attributes:
        passkey_id: The resource name of the suspended passkey.
        payer_id: The payer's resource name.
        passkey_display: That passkey's name as displayed.
        rp_id: The relying party of both passkeys.
    """

    passkey_id: str
    payer_id: str
    passkey_display: str
    rp_id: str


Terms = PaymentTerms | MandateTerms | WithdrawalTerms | PasskeyAddTerms | RecoveryVetoTerms | PasskeyResumeTerms
