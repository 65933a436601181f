"""Vouching: what a payer says of one passkey by signing with another.

In: the passkey that it is about, and what the other one signed. Out: the confirmation spent, for the commit of the act.
Invariant: each act is about a passkey in one state; terms are built here alone, so what is asked for is what is spent.
"""

from typing import Final, NamedTuple

from keelpay_server.book.changes import Changes
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, refuse_transition
from keelpay_server.book.world import World

from .names import payer_name, payers_own_name
from .passkey import Passkey, PasskeyState
from .proof import Proof, spend
from .terms import PasskeyResumeTerms, RecoveryVetoTerms


class Act(NamedTuple):
    """One of the things that a payer says of a passkey.

    Attributes:
        terms: What is signed.
        origin: The state that the passkey is in.
        to: The state that it comes to.
    """

    terms: type[RecoveryVetoTerms | PasskeyResumeTerms]
    origin: PasskeyState
    to: PasskeyState

    def terms_of(self, key: Passkey, rp_id: str) -> RecoveryVetoTerms | PasskeyResumeTerms:
        """Returns what is signed about a passkey."""
        return self.terms(
            passkey_id=payers_own_name("passkeys", key.payer, key.id), payer_id=payer_name(key.payer),
            passkey_display=key.display_name, rp_id=rp_id,
        )  # fmt: skip


VETO: Final = Act(RecoveryVetoTerms, PasskeyState.COOLING, PasskeyState.REVOKED)
RESUME: Final = Act(PasskeyResumeTerms, PasskeyState.SUSPENDED, PasskeyState.ACTIVE)


def own_passkey(world: World, passkey: bytes, payer: str) -> Passkey:
    """Returns a loaded passkey of the payer.

    Raises:
        Refused: RESOURCE_NOT_FOUND, also for another payer's.
    """
    key = world.require(Passkey, passkey)
    if key.payer != payer:
        raise Refused(Reason.RESOURCE_NOT_FOUND, resource="passkey")
    return key


def vouch(world: World, act: Act, key: Passkey, proof: Proof, rp_id: str) -> Changes:
    """Spends the confirmation of an act about a passkey.

    Returns:
        What `spend` returns: with a `refusal`, return it and do nothing else.

    Raises:
        Refused: ILLEGAL_TRANSITION for a passkey in another state, and what `spend` raises.
    """
    if key.state != act.origin:
        refuse_transition("passkey", PasskeyState(key.state).name, act.to.name)
    return spend(world, proof, act.terms_of(key, rp_id))
