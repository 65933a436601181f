"""Payer tokens: what a person's page or app may do, for one purpose and ten minutes.

In: the partner's request for its own payer. Out: the scopes of the purpose; for `enrol`, the partner's word on record.
Invariant: no purpose allows to create a payment (no such RPC serves payers), and a partner's enrol tokens are counted.
"""

from dataclasses import dataclass
from typing import ClassVar, Final

from keelpay_server.book.changes import Changes
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.payer import Payer
from keelpay_server.book.reasons import Reason
from keelpay_server.book.world import World

from .enrolment import AttestedPerson
from .quota import count, quota_needs
from .single_use import use, use_needs
from .token import PayerPurpose

QUOTA: Final = "enrol"
PURPOSES: Final = {1: PayerPurpose.PAY, 2: PayerPurpose.ENROL, 3: PayerPurpose.MANAGE}
"""PayerTokenKind of the contract."""
SCOPES: Final[dict[PayerPurpose, frozenset[str]]] = {
    PayerPurpose.PAY: frozenset(
        {
            "confirmations.read", "confirmations.write", "orders.read", "payments.confirm", "payments.read",
            "payments.write", "refunds.read", "sessions.read",
        }
    ),
    PayerPurpose.ENROL: frozenset({"passkeys.enrol", "passkeys.read", "sessions.read"}),
    PayerPurpose.MANAGE: frozenset(
        {
            "balances.read", "balances.write", "confirmations.read", "confirmations.write", "instruments.read",
            "instruments.write", "mandates.read", "mandates.write", "passkeys.enrol", "passkeys.read",
            "passkeys.write", "payers.read", "payments.read", "refunds.read", "sessions.read",
        }
    ),
}  # fmt: skip
"""`payments.write` lets a payer cancel: the RPCs that create or capture serve partners alone."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Word:
    """A partner's verified word about a person.

    Attributes:
        digest: SHA-256 of it, base64url.
        text: The compact JWS.
        use_key: Key of its single use.
        until_us: Wall clock from which it is not valid any more.
    """

    digest: str
    text: str
    use_key: bytes
    until_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IssuePayerToken(Command):
    """Records that a token for a payer is issued. The token itself is signed after the commit and stored nowhere.

    Attributes:
        payer: `<partner>/<id>`.
        word: For ENROL; None otherwise.
        a_day: Enrol tokens that one partner may ask for a day.
    """

    payer: str
    word: Word | None
    a_day: int

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The payer; for an enrol token the quota, and whether the word was used."""
        need.row(Payer, self.payer)
        if self.word is not None:
            quota_needs(need, self.payer.partition("/")[0], QUOTA)
            use_needs(need, self.word.use_key)

    def decide(self, world: World) -> Changes:
        """A repeat of the same request is answered with a new token, as long as the word itself is fresh."""
        payer = world.require(Payer, self.payer)
        if self.word is None:
            return Changes(payer)  # what an acknowledged request answers with exists (invariant 7)
        quota = count(world, payer.partner, QUOTA, self.a_day)
        used = use(world, self.word.use_key, self.word.until_us, Reason.CLIENT_ASSERTION_REPLAYED)
        person = AttestedPerson(
            world.new_id(), payer.id, PayerPurpose.ENROL.value, self.word.digest, self.word.text, world.wall_us
        )
        return Changes(person, rows=(quota,), work=(used,))
