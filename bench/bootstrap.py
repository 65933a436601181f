"""Fills an empty database with the town, by the product's own commands, before a server opens it.

In: the settings of an installation. Out: buyers, and the keys to make their partners' tokens.
Invariant: engine and naive server start from the same rows. Two things are granted in bulk instead of being earned one
by one, because neither is measured: mandates without a signature, and the wallets' tokens without a tokenizer.
"""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar, Final, NamedTuple

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from bench import town
from bench.engine_server import LEAVE_AT_ONCE
from keelpay_server.app.serving import open_server
from keelpay_server.auth.authentication import new_token_id
from keelpay_server.auth.client_commands import CreateClient
from keelpay_server.auth.client_key import ClientKey
from keelpay_server.auth.key_ring import KeyRing
from keelpay_server.auth.mandate import Mandate, MandateState, event_of, expiry_of
from keelpay_server.auth.merchant_commands import CreateMerchant
from keelpay_server.auth.names import mandate_name, merchant_name, partner_name, payer_name
from keelpay_server.auth.token import TOKEN_LIFE_S_MAX, TokenClaims, sign_token
from keelpay_server.book.caller import CallerKind
from keelpay_server.book.changes import Changes, Outcome
from keelpay_server.book.command import Command
from keelpay_server.book.engine import Engine
from keelpay_server.book.need import Need
from keelpay_server.book.ports import Page
from keelpay_server.book.world import World
from keelpay_server.config import Settings
from keelpay_server.gateway.instrument_commands import StoreInstrument, Tokenised
from keelpay_server.gateway.names import instrument_name
from keelpay_server.gateway.operation import OperationState
from keelpay_server.gateway.payer_commands import HANDLE_BYTES, CreatePayer
from keelpay_server.gateway.transfer import Transfer
from keelpay_server.gateway.transfer_commands import TopUp
from keelpay_server.gateway.vault import Sealed

_US_PER_S: Final = 1_000_000
_MANDATE_LIFE_US: Final = 300 * 86_400 * _US_PER_S
_TOP_UP_S_MAX: Final = 60.0
_LOOK_S: Final = 0.1
_WALLET_CHANNEL: Final = 1


class Town(NamedTuple):
    """A filled database.

    Attributes:
        buyers: Who pays whom, and how.
        ring: The installation's signing keys.
        kids: The client key of each partner.
        installation: Issuer and audience of its tokens.
    """

    buyers: tuple[town.Buyer, ...]
    ring: KeyRing
    kids: dict[str, str]
    installation: str

    def tokens(self, now_s: int) -> dict[str, str]:
        """Returns a fresh access token for each partner, as the token service would sign it."""
        return {
            partner: sign_token(
                TokenClaims(
                    kind=CallerKind.PARTNER, subject=partner, scopes=town.SCOPES, issued_at_s=now_s,
                    expires_at_s=now_s + TOKEN_LIFE_S_MAX, token_id=new_token_id(kid, os.urandom),
                ),
                self.ring.signer(now_s), issuer=self.installation, audience=self.installation,
            )
            for partner, kid in self.kids.items()
        }  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class GrantMandate(Command):
    """Makes a mandate without the ceremony of signing it.

    Attributes:
        merchant: The payee.
        payer: `<partner>/<person>`.
    """

    merchant: str
    payer: str

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """Nothing: the parties were made a moment ago."""

    def decide(self, world: World) -> Changes:
        """Makes it."""
        limit = town.LIMIT_MINOR
        mandate = Mandate(
            id=world.new_id(), merchant=self.merchant, payer=self.payer, instrument=None, currency=town.CURRENCY,
            payment_max=limit, day_max=limit, total_max=limit, day_zone=town.CALENDAR.partition("@")[0],
            state=MandateState.ACTIVE, state_version=1, day=0, spent_day=0, spent_total=0, confirmation=world.new_id(),
            expire_time=world.business_us + _MANDATE_LIFE_US, create_time=world.wall_us, update_time=world.wall_us,
        )  # fmt: skip
        return Changes(mandate, events=(event_of(mandate, "created"),), work=(expiry_of(mandate),))


async def fill(settings: Settings, environment: Mapping[str, str]) -> Town:
    """Fills the database of the settings through a whole server, and closes it again."""
    async with open_server(settings, environment=environment, log=len, limits=LEAVE_AT_ONCE) as server:
        engine = server.engine
        kids = await _open_partners(engine)
        await _all_done(engine, [_merchant(number) for number in range(town.MERCHANTS)])
        await _all_done(engine, [_payer(number) for number in range(town.PAYERS)])
        mandates = await _all_done(engine, [_mandate(number) for number in range(town.PAYERS)])
        wallets = await _all_done(engine, [_wallet(number) for number in range(town.PAYERS)])
        await _top_up(engine, [outcome.row.id for outcome in wallets])
        buyers = tuple(_buyer(number, mandates[number].row, wallets[number].row.id) for number in range(town.PAYERS))
        return Town(buyers, server.rooms.keeper.ring, kids, settings.name)


async def _all_done(engine: Engine, commands: list[Command]) -> list[Outcome]:
    outcomes = await engine.execute_many(commands)
    for outcome in outcomes:
        if outcome.refusal is not None:
            raise outcome.refusal
    return outcomes


async def _open_partners(engine: Engine) -> dict[str, str]:
    kids = {}
    for number in range(town.PARTNERS):
        partner = town.partner_id(number)
        public = Ed25519PrivateKey.generate().public_key()
        created = CreateClient(
            client=partner_name(partner), display_name=partner, scopes=town.SCOPES,
            public_key=public.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
        )  # fmt: skip
        await engine.execute(created)
        (key,) = await engine.reader.find(ClientKey, {"client": partner_name(partner)}, Page(1))
        kids[partner] = key.kid
    return kids


def _merchant(number: int) -> Command:
    return CreateMerchant(
        merchant=town.merchant_id(number), partner=town.partner_id(number % town.PARTNERS),
        display_name=f"Shop {number}", statement_descriptor="SHOP", currency=town.CURRENCY, calendar=town.CALENDAR,
        fee_plan=town.FEE_PLAN, payout_bank="", payout_account="", metadata="",
    )  # fmt: skip


def _payer(number: int) -> Command:
    return CreatePayer(
        partner=town.partner_id(number % town.PARTNERS), person=town.payer_id(number),
        handle=os.urandom(HANDLE_BYTES), locale="zh-CN", region=town.REGION,
    )  # fmt: skip


def _mandate(number: int) -> Command:
    return GrantMandate(merchant=town.merchant_id(number % town.MERCHANTS), payer=town.payer_key(number))


def _wallet(number: int) -> Command:
    token = f"wallet-{number}"
    return StoreInstrument(
        payer=town.payer_key(number),
        tokenised=Tokenised(_WALLET_CHANNEL, town.WALLET, token, Sealed(b"", ""), token, "Wallet", "wallet", ""),
    )


async def _top_up(engine: Engine, wallets: list[bytes]) -> None:
    """Moves money in through the sandbox bank, and waits until all of it is there."""
    commands: list[Command] = [
        TopUp(payer=town.payer_key(number), instrument=wallet, currency=town.CURRENCY, amount=town.FUNDS_MINOR)
        for number, wallet in enumerate(wallets)
    ]
    await _all_done(engine, commands)
    async with asyncio.timeout(_TOP_UP_S_MAX):
        while await engine.reader.count(Transfer, {"state": OperationState.SUCCEEDED}) < len(wallets):
            await engine.hub.wait(None, _LOOK_S)


def _buyer(number: int, mandate: Mandate, wallet: bytes) -> town.Buyer:
    payer = town.payer_key(number)
    merchant = town.merchant_id(number % town.MERCHANTS)
    return town.Buyer(
        partner=town.partner_id(number % town.PARTNERS), payer=payer_name(payer), merchant=merchant_name(merchant),
        mandate=mandate_name(merchant, mandate.id), wallet=instrument_name(payer, wallet),
        device=f"phone-{number}",
    )  # fmt: skip
