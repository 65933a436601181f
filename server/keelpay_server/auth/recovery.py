"""Recovery: a payer without a key gets a new one on the partner's word; the old keys may stop it while it cools.

In: a partner's signed word, later time or a veto. Out: a registration; then the passkey ACTIVE or REVOKED, and mandates
and withdrawals as they were. Invariant: a partner's word alone never makes a key that can sign at once.
"""

from dataclasses import dataclass
from typing import ClassVar

from keelpay_server.book.changes import Changes
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.payer import Payer
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.world import World

from .enrolment import AttestedPerson, event_of
from .mandate import Mandate
from .mandate import event_of as mandate_event
from .mandate_commands import resumed
from .passkey import Passkey, PasskeyState, move
from .passkey import event_of as passkey_event
from .payer_token import Word
from .proof import Proof, spend_needs
from .quota import count, quota_needs
from .registration_ceremony import RegistrationOptions, new_registration, refuse_while_cooling
from .registration_commands import cooling_of
from .single_use import use, use_needs
from .vouching import VETO, own_passkey, vouch

QUOTA = "recover"


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRecovery(Command):
    """Begins to make a passkey for a payer who lost all others.

    Attributes:
        payer: `<partner>/<id>`.
        display_name: What the person calls the new passkey.
        options: What ceremonies have in common.
        attested: What the partner's word says, JSON.
        word: The word itself.
        a_day: Recoveries that one partner may start a day.
    """

    payer: str
    display_name: str
    options: RegistrationOptions
    attested: str
    word: Word
    a_day: int

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The payer, its passkeys, the partner's quota, whether the word was used."""
        need.row(Payer, self.payer)
        need.all(Passkey, "payer", self.payer)
        quota_needs(need, self.payer.partition("/")[0], QUOTA)
        use_needs(need, self.word.use_key)

    def decide(self, world: World) -> Changes:
        """Each one counts against the partner: a stolen key goes no further than the limit of a day."""
        payer = world.require(Payer, self.payer)
        keys = world.all(Passkey, "payer", payer.id)
        if not keys:
            raise Refused(Reason.PASSKEY_REQUIRED, "the payer never had a passkey: enrol one")
        refuse_while_cooling(keys)
        quota = count(world, payer.partner, QUOTA, self.a_day)
        used = use(world, self.word.use_key, self.word.until_us, Reason.CLIENT_ASSERTION_REPLAYED)
        row = new_registration(
            world, payer, keys, self.options, display_name=self.display_name, spc=False, recovery=True,
            confirmation_required=False, attested=self.attested,
        )  # fmt: skip
        person = AttestedPerson(world.new_id(), payer.id, "recover", self.word.digest, self.word.text, world.wall_us)
        return Changes(row, rows=(quota, person), events=(event_of(row, "recovery_started"),), work=(used,))


@dataclass(frozen=True, slots=True, kw_only=True)
class EndCooling(Command):
    """Nobody objected in time: the recovered passkey may sign.

    Attributes:
        passkey: Its key.
    """

    passkey: bytes

    depth: ClassVar[int] = 2

    def needs(self, need: Need) -> None:
        """The passkey, then the payer's mandates."""
        key = need.row(Passkey, self.passkey)
        if key is not None:
            need.all(Mandate, "payer", key.payer)

    def decide(self, world: World) -> Changes:
        """Leaves alone what was vetoed meanwhile, or is not due by the wall clock."""
        key = world.get(Passkey, self.passkey)
        if key is None or key.state != PasskeyState.COOLING:
            return Changes(done=(self.passkey,))
        if world.wall_us < key.cooling_end_time:
            return Changes(work=(cooling_of(key),))
        key = move(key, PasskeyState.ACTIVE, world.wall_us, cooling_end_time=0)
        ended = Changes(key, events=(passkey_event(key, "activated"),), done=(key.id,))
        return ended.join(_resume(world, key.payer))


@dataclass(frozen=True, slots=True, kw_only=True)
class VetoRecovery(Command):
    """An old passkey says that the recovery is not its owner's.

    Attributes:
        passkey: Key of the cooling passkey.
        payer: Whose it must be.
        proof: What the old passkey signed.
        rp_id: The relying party.
    """

    passkey: bytes
    payer: str
    proof: Proof
    rp_id: str

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """Both passkeys, the confirmation, the payer and its mandates."""
        spend_needs(need, self.proof)
        need.row(Passkey, self.passkey)
        need.row(Payer, self.payer)
        need.all(Mandate, "payer", self.payer)

    def decide(self, world: World) -> Changes:
        """Revokes the cooling passkey for ever."""
        key = own_passkey(world, self.passkey, self.payer)
        spent = vouch(world, VETO, key, self.proof, self.rp_id)
        if spent.refusal is not None:
            return spent
        return end_recovery(world, key, self.caller.actor, "recovery_vetoed").join(spent)


@dataclass(frozen=True, slots=True, kw_only=True)
class RevokePasskey(Command):
    """Ends a passkey for ever.

    Attributes:
        passkey: Its key.
        payer: Whose it must be.
        may_end_recovery: The caller may also call off a recovery without an old passkey's signature.
    """

    passkey: bytes
    payer: str
    may_end_recovery: bool

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The passkey, the payer and its mandates."""
        need.row(Passkey, self.passkey)
        need.row(Payer, self.payer)
        need.all(Mandate, "payer", self.payer)

    def decide(self, world: World) -> Changes:
        """A cooling one is the veto's business, unless the partner or the operator calls the recovery off."""
        key = own_passkey(world, self.passkey, self.payer)
        if key.state == PasskeyState.COOLING:
            if not self.may_end_recovery:
                raise Refused(Reason.CONFIRMATION_REQUIRED, "a cooling passkey is stopped by VetoRecovery")
            return end_recovery(world, key, self.caller.actor, "revoked")
        key = move(key, PasskeyState.REVOKED, world.wall_us, revoked_by=self.caller.actor)
        return Changes(key, events=(passkey_event(key, "revoked"),))


def end_recovery(world: World, key: Passkey, actor: str, what: str) -> Changes:
    """Returns the end of a recovery that is not carried out: everything is as it was before."""
    key = move(key, PasskeyState.REVOKED, world.wall_us, revoked_by=actor)
    payer = world.require(Payer, key.payer)
    free = payer._replace(withdraw_after=0, state_version=payer.state_version + 1, update_time=world.wall_us)
    ended = Changes(key, rows=(free,), events=(passkey_event(key, what),), done=(key.id,))
    return ended.join(_resume(world, key.payer))


def _resume(world: World, payer: str) -> Changes:
    again = resumed(world.all(Mandate, "payer", payer), world.wall_us)
    return Changes(rows=tuple(again), events=tuple(mandate_event(each, "resumed") for each in again))
