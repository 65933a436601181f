"""Lifting a suspension: the payer says with another passkey that the suspended one is theirs alone.

In: what the other passkey signed. Out: the passkey ACTIVE, with the limits of a new one. Invariant: a passkey that may
have been copied never speaks for itself, and no word of a partner or an operator takes the place of the signature.
"""

from dataclasses import dataclass
from typing import ClassVar

from keelpay_server.book.changes import Changes
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.world import World

from .passkey import Passkey, event_of, resume
from .proof import Proof, spend_needs
from .registration_ceremony import refuse_while_cooling
from .vouching import RESUME, own_passkey, vouch


@dataclass(frozen=True, slots=True, kw_only=True)
class ResumePasskey(Command):
    """Lets a suspended passkey sign again.

    Attributes:
        passkey: Key of the suspended passkey.
        payer: Whose it must be.
        proof: What another passkey signed.
        rp_id: The relying party.
        new_passkey_s: How long it is new.
    """

    passkey: bytes
    payer: str
    proof: Proof
    rp_id: str
    new_passkey_s: int

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The confirmation, and all passkeys of the payer."""
        spend_needs(need, self.proof)
        need.row(Passkey, self.passkey)
        need.all(Passkey, "payer", self.payer)

    def decide(self, world: World) -> Changes:
        """A confirmation is spent by an active passkey only (`spend`), so never by the suspended one itself."""
        key = own_passkey(world, self.passkey, self.payer)
        refuse_while_cooling(world.all(Passkey, "payer", self.payer))
        spent = vouch(world, RESUME, key, self.proof, self.rp_id)
        if spent.refusal is not None:
            return spent
        key = resume(key, world.wall_us, self.new_passkey_s)
        facts = {"confirmation": self.proof.confirmation, "vouched_by": self.proof.passkey}
        return Changes(key, events=(event_of(key, "resumed", **facts),)).join(spent)
