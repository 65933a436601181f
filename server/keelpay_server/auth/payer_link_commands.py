"""Commands on payer links: make one, open one.

In: a partner's request for its own payer; a page's exchange. Out: the link. Invariant: the commit that answers an
exchange is the one that marks the link as used, so that no second exchange can be answered.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

from keelpay_server.book.changes import Changes
from keelpay_server.book.command import Command
from keelpay_server.book.merchant import Merchant
from keelpay_server.book.need import Need
from keelpay_server.book.payer import Payer
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.return_url import check_return_url
from keelpay_server.book.world import World

from .enrolment import AttestedPerson
from .payer_link import PayerLink, PayerLinkState, move, require_open, target_of
from .payer_token import QUOTA, Word
from .quota import count, quota_needs
from .single_use import use, use_needs
from .token import PayerPurpose


@dataclass(frozen=True, slots=True, kw_only=True)
class CreateLink(Command):
    """Makes a link; earlier ones of the same target, and their sessions, end with it.

    Attributes:
        payer: `<partner>/<id>`.
        purpose: What it is good for.
        payment: The payment's resource name for PAY; empty otherwise.
        seed: 32 random bytes.
        digest: SHA-256 of the secret that the seed makes.
        expire_time: Wall clock.
        attestation: How the partner knew the person, JSON, for ENROL; empty otherwise.
        word: The partner's word itself, for ENROL; None otherwise.
        a_day: Enrol tokens and links that one partner may ask for a day.
        merchant: Whose return origins count, or empty.
        return_uri: Where the payer goes back to, or empty.
    """

    payer: str
    purpose: PayerPurpose
    payment: str
    seed: bytes
    digest: bytes
    expire_time: int
    attestation: str = ""
    word: Word | None = None
    a_day: int = 0
    merchant: str = ""
    return_uri: str = ""

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The payer, the merchant, the links it replaces; for enrolment the quota, and whether the word was used."""
        need.row(Payer, self.payer)
        if self.merchant:
            need.row(Merchant, self.merchant)
        need.all(PayerLink, "live_target", target_of(self.purpose, self.payer, self.payment))
        if self.word is not None:
            quota_needs(need, self.payer.partition("/")[0], QUOTA)
            use_needs(need, self.word.use_key)

    def decide(self, world: World) -> Changes:
        """Opens it to whoever comes first."""
        payer, wall_us = world.require(Payer, self.payer), world.wall_us
        if self.merchant:
            merchant = world.require(Merchant, self.merchant)
            if merchant.partner != payer.partner:
                raise Refused(Reason.NOT_OWNER)
            check_return_url(merchant, self.return_uri)
        target = target_of(self.purpose, self.payer, self.payment)
        earlier = world.all(PayerLink, "live_target", target)
        link = PayerLink(
            id=world.new_id(), digest=self.digest, seed=self.seed, payer=payer.id, purpose=self.purpose.value,
            payment=self.payment, attestation=self.attestation, client_key=self.caller.key, live_target=target,
            state=PayerLinkState.OPEN, open_time=0, device="", expire_time=self.expire_time, create_time=wall_us,
            update_time=wall_us, return_uri=self.return_uri,
        )  # fmt: skip
        rows: list[Any] = [move(each, PayerLinkState.REPLACED, wall_us, live_target=None) for each in earlier]
        if self.word is None:
            return Changes(link, tuple(rows))
        rows.append(count(world, payer.partner, QUOTA, self.a_day))
        rows.append(
            AttestedPerson(world.new_id(), payer.id, self.purpose.value, self.word.digest, self.word.text, wall_us)
        )
        used = use(world, self.word.use_key, self.word.until_us, Reason.CLIENT_ASSERTION_REPLAYED)
        return Changes(link, tuple(rows), work=(used,))


@dataclass(frozen=True, slots=True, kw_only=True)
class OpenLink(Command):
    """Exchanges a link for a session.

    Attributes:
        link: Its key.
        device: The digest of the device that opens it (auth.device), or empty: the session is of that device.
    """

    link: bytes
    device: str = ""

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The link."""
        need.row(PayerLink, self.link)

    def decide(self, world: World) -> Changes:
        """See `require_open`."""
        link = world.require(PayerLink, self.link)
        require_open(link, world.wall_us)
        now_us = world.wall_us
        return Changes(move(link, PayerLinkState.USED, now_us, open_time=now_us, device=self.device))
