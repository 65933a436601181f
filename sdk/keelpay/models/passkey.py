"""A passkey: the key in a person's phone or computer that signs confirmations."""

from dataclasses import dataclass
from datetime import datetime

from keelpay.enums import PasskeyState
from keelpay.money import Money

from .model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class Passkey(Model):
    """A WebAuthn credential of one payer.

    Attributes:
        name: `partners/{p}/payers/{u}/passkeys/{k}`.
        display_name: What the person calls it.
        state: Where it stands.
        credential_id: The WebAuthn credential id.
        synced: It may be kept on several devices of the person.
        spc_enabled: It can be used with Secure Payment Confirmation.
        cooling_end_time: When a COOLING passkey becomes ACTIVE unless it is vetoed.
        amount_limit: The most it may confirm at a time while it is new; None once it is trusted, or where neither the
            payer nor a merchant of the partner has a currency yet.
        limit_end_time: Until then it is new; None once it is trusted.
        last_use_time: When it last signed.
        create_time: When it was created.
        update_time: When it last changed.
        state_version: Grows by one with every change.
    """

    name: str
    display_name: str
    state: PasskeyState
    credential_id: bytes
    synced: bool
    spc_enabled: bool
    cooling_end_time: datetime | None
    amount_limit: Money | None
    limit_end_time: datetime | None
    last_use_time: datetime | None
    create_time: datetime | None
    update_time: datetime | None
    state_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Registration(Model):
    """A passkey that is being made.

    Attributes:
        name: `partners/{p}/payers/{u}/registrations/{r}`.
        options_json: PublicKeyCredentialCreationOptionsJSON, ready for the browser.
        expire_time: When it must be finished.
        recovery: It is a recovery: the new passkey will be COOLING first.
        confirmation_required: It needs a confirmation by an active passkey before it can be finished.
    """

    name: str
    options_json: str
    expire_time: datetime | None
    recovery: bool
    confirmation_required: bool
