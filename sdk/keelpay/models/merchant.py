"""Who is paid and who calls: merchants, partners, their keys, tokens, and what waits for a second person."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import ClassVar

from keelpay.enums import Channel, KeyAlgorithm, MerchantState, PartnerState, ProposalState, SigningKeyState

from .model import Model


@dataclass(frozen=True, slots=True, kw_only=True)
class SettlementCalendar(Model):
    """When a merchant's window closes each day.

    Attributes:
        time_zone: IANA name.
        cut_off_minute: Minutes after midnight, 0 to 1439.
    """

    time_zone: str
    cut_off_minute: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeeRule(Model):
    """What a merchant pays for one payment: a share of what is captured, plus a fixed part.

    Attributes:
        channel: The channel it is for; UNSPECIFIED is for every channel without a rule of its own.
        basis_points: Hundredths of a percent.
        fixed_minor: The fixed part, in minor units of the payment's currency.
    """

    channel: Channel
    basis_points: int
    fixed_minor: int


@dataclass(frozen=True, slots=True, kw_only=True)
class FeePlan(Model):
    """What a merchant pays for payments.

    Attributes:
        rules: One a channel.
    """

    rules: tuple[FeeRule, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class PayoutAccount(Model):
    """The bank account to which a merchant is paid out.

    Attributes:
        bank_code: The bank.
        account_holder: The account's owner.
        account_number_token: The token that stands for the number.
        display: What a person recognises the account by.
    """

    LEFT_OUT: ClassVar[frozenset[str]] = frozenset({"account_number"})

    bank_code: str
    account_holder: str = field(repr=False)
    account_number_token: str
    display: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Merchant(Model):
    """Whoever is paid.

    Attributes:
        name: `merchants/{m}`.
        partner: The partner it belongs to.
        display_name: Who the payer pays, as shown and signed.
        statement_descriptor: What the payer's bank statement shows.
        settlement_currency: Currency in which it is settled.
        settlement_calendar: When its windows close.
        fee_plan: What it pays us.
        payout_account: Where its money goes; None until it is known.
        metadata: The partner's own notes.
        state: Whether it takes payments.
        create_time: When it was created.
        update_time: When it last changed.
        state_version: Grows by one with every change.
        return_origins: Where payers may be sent back to.
    """

    name: str
    partner: str
    display_name: str
    statement_descriptor: str
    settlement_currency: str
    settlement_calendar: SettlementCalendar
    fee_plan: FeePlan
    payout_account: PayoutAccount | None
    metadata: Mapping[str, str]
    state: MerchantState
    create_time: datetime | None
    update_time: datetime | None
    state_version: int
    return_origins: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Partner(Model):
    """A platform that calls.

    Attributes:
        name: `partners/{p}`.
        display_name: What people call it.
        state: Whether it may call.
        scopes: The scopes that its tokens may hold.
        create_time: When it was created.
        update_time: When it last changed.
        state_version: Grows by one with every change.
    """

    name: str
    display_name: str
    state: PartnerState
    scopes: tuple[str, ...]
    create_time: datetime | None
    update_time: datetime | None
    state_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class SigningKey(Model):
    """A partner's public key.

    Attributes:
        name: `partners/{p}/signingKeys/{k}`; its last part is the `kid`.
        algorithm: How it signs.
        public_key_der: SubjectPublicKeyInfo, DER.
        expire_time: When it stops by itself.
        state: Where it stands.
        create_time: When it was created.
        update_time: When it last changed.
        state_version: Grows by one with every change.
    """

    name: str
    algorithm: KeyAlgorithm
    public_key_der: bytes
    expire_time: datetime | None
    state: SigningKeyState
    create_time: datetime | None
    update_time: datetime | None
    state_version: int


@dataclass(frozen=True, slots=True, kw_only=True)
class AccessToken(Model):
    """A bearer token. Keep it secret.

    Attributes:
        value: The token.
        expire_time: When it ends.
        scopes: What it allows.
    """

    value: str = field(repr=False)
    expire_time: datetime | None
    scopes: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal(Model):
    """A stored request that waits for a second person.

    Attributes:
        name: `proposals/{x}`.
        state: Where it stands.
        method: What was asked.
        resource: What it is about.
        request_json: The request, with its secrets redacted.
        proposer: Who asked.
        decider: Who decided; empty until then.
        comment: What the decider said.
        expire_time: When it expires unless somebody decides.
        create_time: When it was created.
        update_time: When it last changed.
        state_version: Grows by one with every change.
    """

    LEFT_OUT: ClassVar[frozenset[str]] = frozenset({"outcome"})

    name: str
    state: ProposalState
    method: str
    resource: str
    request_json: str
    proposer: str
    decider: str
    comment: str
    expire_time: datetime | None
    create_time: datetime | None
    update_time: datetime | None
    state_version: int
