"""The tokenizer: from what a payer types to what is kept of it and what a rail knows it by.

In: a number in clear, for the length of one call. Out: Tokenised. Invariant: the number leaves this file only sealed,
as a keyed digest, or to the rail that serves it.
"""

from collections.abc import Callable
from typing import Final, NamedTuple, Protocol

from keelpay_server.auth.payout_vault import PayoutTarget
from keelpay_server.book.channel import Channel
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused

from .card import TITLES, brand_of
from .instrument_commands import Tokenised
from .routes import Routes
from .vault import NONCE_BYTES, Vault
from .wallet_title import TITLES as WALLET_TITLES

WALLET, CARD, BANK, STABLECOIN = Channel.WALLET, Channel.CARD, Channel.BANK, Channel.STABLECOIN
"""The contract's channels that have instruments."""
_LAST: Final = 4
_DOTS: Final = "••••"


class Tokenizer(Protocol):
    """How a rail's token for a number is had; the rails of an installation implement it."""

    async def token(self, bank: str, number: str, fingerprint: str) -> str:
        """Returns what the rail knows a number by.

        Args:
            bank: The rail.
            number: In clear.
            fingerprint: Our keyed digest of it: the same number may get the same token.
        """
        ...


class Details(NamedTuple):
    """What a payer typed.

    Attributes:
        channel: The contract's Channel.
        number: Of the card, the account, at the wallet, on the chain; in clear.
        brand: The bank, wallet or chain; for a card it is read from the number.
        expire_month: 1..12, or 0.
        expire_year: Or 0.
    """

    channel: int
    number: str
    brand: str = ""
    expire_month: int = 0
    expire_year: int = 0


class InstrumentDesk:
    """Where numbers are handed in.

    Args:
        vault: Seals them.
        tokenizer: Asks the rails for tokens.
        routes: Which rail serves what.
        nonce: Returns so many random bytes.
    """

    def __init__(self, vault: Vault, tokenizer: Tokenizer, routes: Routes, nonce: Callable[[int], bytes]) -> None:
        self._vault, self._tokenizer, self._routes, self._nonce = vault, tokenizer, routes, nonce

    @property
    def body_key(self) -> bytes:
        """Keys the digest by which a repeated request is known."""
        return self._vault.body_key

    async def protect_account(
        self, *, currency: str, bank_code: str, account_holder: str, account_number: str  # noqa: ARG002
    ) -> PayoutTarget:  # fmt: skip
        """Returns where a merchant is paid out (see `auth.payout_vault`): of its account only the token is kept.

        Raises:
            Refused: UNSUPPORTED_BY_RAIL if no bank here pays out in the currency.
        """
        bank = self._routes.choose(BANK, currency, bank_code) or self._routes.choose(BANK, currency)
        if not bank:
            raise Refused(Reason.UNSUPPORTED_BY_RAIL, f"no bank here pays out {currency}")
        fingerprint = self._vault.fingerprint(BANK, account_number)
        return PayoutTarget(bank, await self._tokenizer.token(bank, account_number, fingerprint))

    async def take(self, payer: str, details: Details) -> Tokenised:
        """Returns what is kept of a number.

        Raises:
            Refused: UNSUPPORTED_BY_RAIL if nobody serves it here.
        """
        wanted = details.brand if details.channel != CARD else ""
        bank = self._routes.serving(details.channel, wanted)
        if not bank:
            raise Refused(Reason.UNSUPPORTED_BY_RAIL, "no bank or wallet here serves this channel")
        brand = brand_of(details.number) if details.channel == CARD else details.brand.lower()
        fingerprint = self._vault.fingerprint(details.channel, details.number)
        last_four = "" if details.channel == WALLET else details.number[-_LAST:]
        titles = TITLES if details.channel == CARD else WALLET_TITLES
        title = titles.get(brand, brand.upper() if details.channel == BANK else brand.capitalize())
        return Tokenised(
            channel=details.channel, bank=bank,
            token=await self._tokenizer.token(bank, details.number, fingerprint),
            sealed=self._vault.seal(details.number, payer, self._nonce(NONCE_BYTES)), fingerprint=fingerprint,
            display=f"{title} {_DOTS} {last_four}" if last_four else title, brand=brand, last_four=last_four,
            expire_month=details.expire_month, expire_year=details.expire_year,
        )  # fmt: skip
