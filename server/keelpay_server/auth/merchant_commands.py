"""Commands on merchants (book.merchant): create, update at once, propose what moves money, carry that out.

In: what the partner or an operator wants. Out: the merchant, its accounts, and a proposal where a second person has to
agree. Invariant: fee plan and payout account of an existing merchant change by an approved proposal and no other way.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, ClassVar, Final

from keelpay_server.book.changes import Changes, Event
from keelpay_server.book.command import Command
from keelpay_server.book.merchant import Merchant, MerchantState
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import World

from .client import Client, ClientState
from .names import merchant_name, partner_name
from .proposal import propose

CREATED: Final = "merchant.created"
CHANGE_MONEY: Final = "merchant.change-money"
UPDATE_METHOD: Final = "keelpay.api.auth.v1.PartnerService/UpdateMerchant"
COLLECTION: Final = "merchants"


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateMerchant(Command):
    """Admits a merchant and opens its accounts; the room of settlement reacts and opens its first window.

    Attributes:
        merchant: The name its partner chose.
        partner: The partner it belongs to.
        display_name: What payers read.
        statement_descriptor: What payers read on their bank's statement.
        currency: Settlement currency.
        calendar: `<IANA zone>@<HH:MM>`.
        fee_plan: JSON (ledger.fee).
        payout_bank: The rail that pays it out, or empty.
        payout_account: JSON, or empty.
        metadata: JSON object.
        return_origins: Where payers may be sent back to, space-separated.
    """

    merchant: str
    partner: str
    display_name: str
    statement_descriptor: str
    currency: str
    calendar: str
    fee_plan: str
    payout_bank: str
    payout_account: str
    metadata: str
    return_origins: str = ""

    depth: ClassVar[int] = 1
    emits: ClassVar[str] = CREATED

    def needs(self, need: Need) -> None:
        """Whether the name is taken, and the partner."""
        need.row(Merchant, self.merchant)
        need.row(Client, partner_name(self.partner))

    def decide(self, world: World) -> Changes:
        """Its number, under which its accounts are kept, is for ever."""
        name = merchant_name(self.merchant)
        if world.get(Merchant, self.merchant) is not None:
            raise Refused(Reason.RESOURCE_ALREADY_EXISTS, f"{name} exists", name=name)
        partner = world.require(Client, partner_name(self.partner))
        if partner.state != ClientState.ACTIVE:
            raise Refused(Reason.PARTNER_SUSPENDED)
        row = Merchant(
            id=self.merchant, partner=self.partner, number=world.new_owner(), state=MerchantState.ACTIVE,
            state_version=1, display_name=self.display_name, statement_descriptor=self.statement_descriptor,
            currency=self.currency, calendar=self.calendar, fee_plan=self.fee_plan, payout_bank=self.payout_bank,
            payout_account=self.payout_account, window_opened=0, metadata=self.metadata,
            create_time=world.wall_us, update_time=world.wall_us, return_origins=self.return_origins,
        )  # fmt: skip
        return Changes(row, events=(event_of(row, "created"),), opens=(row.available(), row.owed()))


@dataclass(frozen=True, slots=True, kw_only=True)
class UpdateMerchant(Command):
    """Changes what may change at once, and proposes the rest.

    Attributes:
        merchant: Which one.
        partner: Whose it must be, or empty for an operator.
        state_version: The version that the caller saw, or 0 not to check.
        plain: New values of display_name, statement_descriptor, metadata (JSON), return_origins, by field.
        money: New values of fee_plan, payout_bank, payout_account, by field.
        shown: The request as JSON, redacted, for the second person.
    """

    merchant: str
    partner: str
    state_version: int
    plain: Mapping[str, str]
    money: Mapping[str, str]
    shown: str

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The merchant."""
        need.row(Merchant, self.merchant)

    def decide(self, world: World) -> Changes:
        """Both parts belong to one commit: what is answered is the merchant as it is now."""
        row = world.require(Merchant, self.merchant)
        if self.partner and row.partner != self.partner:
            raise Refused(Reason.NOT_OWNER)
        if self.state_version and self.state_version != row.state_version:
            raise Refused(Reason.ETAG_MISMATCH, state_version=str(row.state_version))
        changes = Changes(row)
        if self.plain:
            row = changed(row, world.wall_us, self.plain)
            changes = Changes(row, events=(event_of(row, "updated"),))
        if not self.money:
            return changes
        waits = propose(
            world, kind=CHANGE_MONEY, arguments=json.dumps({"merchant": row.id, "money": dict(self.money)}),
            method=UPDATE_METHOD, resource=merchant_name(row.id), shown=self.shown, proposer=self.caller,
            origin=b"" if self.request is None else self.request.key,
        )  # fmt: skip
        return changes.join(waits)


@dataclass(frozen=True, slots=True, kw_only=True)
class ChangeMerchantMoney(Command):
    """Carries out an approved change of what moves money.

    Attributes:
        merchant: Which one.
        money: New values of fee_plan, payout_bank, payout_account, by field.
    """

    merchant: str
    money: Mapping[str, str]

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The merchant."""
        need.row(Merchant, self.merchant)

    def decide(self, world: World) -> Changes:
        """Changes nothing but what was proposed."""
        row = changed(world.require(Merchant, self.merchant), world.wall_us, self.money)
        return Changes(row, events=(event_of(row, "updated"),))


def rebuild_money_change(arguments: Mapping[str, Any]) -> ChangeMerchantMoney:
    """Makes the command of an approved proposal of kind CHANGE_MONEY."""
    return ChangeMerchantMoney(merchant=arguments["merchant"], money=arguments["money"])


def changed(merchant: Merchant, wall_us: int, fields: Mapping[str, str]) -> Merchant:
    """Returns the merchant with other values of some text fields."""
    values: dict[str, Any] = dict(fields)
    return merchant._replace(state_version=merchant.state_version + 1, update_time=wall_us, **values)


def event_of(merchant: Merchant, what: str) -> Event:
    """Returns the event of a merchant's step; names and accounts stay out of it."""
    data = {"state": int(merchant.state), "partner": merchant.partner, "currency": merchant.currency}
    return Event(f"merchant.{what}", COLLECTION, merchant.id, merchant.state_version, merchant.id, data)
