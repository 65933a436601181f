"""Commands on confirmations: start, reject, expire. Spending one belongs to the command of the act it allows.

In: the terms of an act, a fresh nonce, the payer. Out: a PENDING confirmation with everything the browser needs.
Invariant: only the payer's own active passkeys are listed, and an act has one pending confirmation at most.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

from keelpay_server.book.changes import Changes
from keelpay_server.book.command import Command
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused, invalid
from keelpay_server.book.times import SECOND_US
from keelpay_server.book.world import World
from keelpay_server.ledger.money import amount_text

from .challenge import TermsInvalid, challenge, document
from .confirmation import (
    METHOD_NUMBERS,
    Confirmation,
    ConfirmationState,
    act_of,
    event_of,
    expiry_of,
    exposure,
    exposure_currency,
    move,
)
from .options import KnownPasskey, request_options, spc_request
from .passkey import Passkey, PasskeyState, may_veto
from .spc_display import SpcDisplay, displayed, write_display
from .terms import ConfirmationMethod, PaymentTerms, RecoveryVetoTerms, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class Ceremony:
    """How a confirmation is asked for.

    Attributes:
        method: The ceremony.
        nonce: 32 fresh bytes (`evidence_seal`).
        life_s: How long it can be spent.
        limit_minor: The most that a new passkey may confirm in the currency of the terms.
        display: What Secure Payment Confirmation shows besides the terms; None for plain WebAuthn.
    """

    method: ConfirmationMethod
    nonce: bytes
    life_s: int
    limit_minor: int
    display: SpcDisplay | None = None


def start(world: World, payer: str, terms: Terms, ceremony: Ceremony, pending: Sequence[Confirmation] = ()) -> Changes:
    """Returns a new confirmation of an act, and the end of the one that was pending for it.

    Args:
        world: Loaded with the payer's passkeys.
        payer: `<partner>/<id>`.
        terms: What is to be signed.
        ceremony: How.
        pending: What is pending for the same act.

    Raises:
        Refused: PASSKEY_REQUIRED, PASSKEY_NOT_ACTIVE, PASSKEY_LIMIT_EXCEEDED: no passkey of the payer could confirm
            this. FIELD_INVALID: the terms cannot be signed.
    """
    keys = usable(world.all(Passkey, "payer", payer), terms, ceremony, world.wall_us)
    expires_at_s = world.wall_us // SECOND_US + ceremony.life_s
    try:
        members = document(terms, ceremony.nonce, expires_at_s)
        signed = challenge(terms, ceremony.nonce, expires_at_s)
    except TermsInvalid as error:
        invalid("act", f"its terms cannot be signed: {error}")
    act = act_of(terms)
    allow = [KnownPasskey(key.credential, tuple(key.transports.split())) for key in keys]
    if ceremony.display is not None and isinstance(terms, PaymentTerms):
        shown = displayed(terms, ceremony.display)
        options = spc_request(rp_id=terms.rp_id, challenge=signed, allow=allow, terms=shown)
    else:
        options = request_options(rp_id=terms.rp_id, challenge=signed, allow=allow)
    row = Confirmation(
        id=world.new_id(), payer=payer, act=act, pending_act=act, method=METHOD_NUMBERS[ceremony.method],
        terms=json.dumps(members, ensure_ascii=False), rp_id=terms.rp_id, nonce=ceremony.nonce, challenge=signed,
        display=write_display(ceremony.display), options=options, state=ConfirmationState.PENDING, rejection=0,
        passkey=None, reason="", state_version=1, expire_time=expires_at_s * SECOND_US,
        create_time=world.wall_us, update_time=world.wall_us,
    )  # fmt: skip
    old = [move(each, ConfirmationState.SUPERSEDED, world.wall_us) for each in pending]
    return Changes(
        row, rows=tuple(old), events=(event_of(row), *(event_of(each) for each in old)), work=(expiry_of(row),),
        done=tuple(each.id for each in old),
    )  # fmt: skip


def usable(keys: Sequence[Passkey], terms: Terms, ceremony: Ceremony, wall_us: int) -> list[Passkey]:
    """Returns the passkeys that may confirm terms, oldest first.

    Raises:
        Refused: PASSKEY_REQUIRED, PASSKEY_NOT_ACTIVE or PASSKEY_LIMIT_EXCEEDED, whichever stands in the way of all.
    """
    if not keys:
        raise Refused(Reason.PASSKEY_REQUIRED, "the payer has no passkey")
    veto = isinstance(terms, RecoveryVetoTerms)
    active = [key for key in keys if (may_veto(key) if veto else key.state == PasskeyState.ACTIVE)]
    if not active:
        states = sorted({PasskeyState(key.state).name for key in keys} - {PasskeyState.REVOKED.name})
        if not states:
            raise Refused(Reason.PASSKEY_REQUIRED, "every passkey of the payer is revoked")
        raise Refused(Reason.PASSKEY_NOT_ACTIVE, "no passkey of the payer may sign", state=",".join(states))
    if ceremony.method is ConfirmationMethod.SPC:
        active = [key for key in active if key.spc]
        if not active:
            raise Refused(Reason.PASSKEY_REQUIRED, "no passkey was made for Secure Payment Confirmation; use WEBAUTHN")
    enough = [key for key in active if wall_us >= key.trusted_time or exposure(terms) <= ceremony.limit_minor]
    if not enough:
        limit = amount_text(ceremony.limit_minor, exposure_currency(terms))
        sentence = f"the payer's passkeys are new and confirm at most {limit}"
        raise Refused(Reason.PASSKEY_LIMIT_EXCEEDED, sentence, limit_minor=str(ceremony.limit_minor))
    return sorted(enough)


@dataclass(frozen=True, slots=True, kw_only=True)
class StartConfirmation(Command):
    """Asks a payer to sign an act whose terms are known.

    Attributes:
        payer: `<partner>/<id>`.
        terms: What is to be signed.
        ceremony: How.
    """

    payer: str
    terms: Terms
    ceremony: Ceremony

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The payer's passkeys, and what is pending for the act."""
        need.all(Passkey, "payer", self.payer)
        need.all(Confirmation, "pending_act", act_of(self.terms))

    def decide(self, world: World) -> Changes:
        """See `start`."""
        pending = world.all(Confirmation, "pending_act", act_of(self.terms))
        return start(world, self.payer, self.terms, self.ceremony, pending)


@dataclass(frozen=True, slots=True, kw_only=True)
class RejectConfirmation(Command):
    """The payer, or the client for the payer, says no. Higher rooms may act on it: `confirmation.rejected`.

    Attributes:
        confirmation: Its key.
        payer: Whose it must be.
        rejection: Why, the contract's number.
    """

    confirmation: bytes
    payer: str
    rejection: int

    depth: ClassVar[int] = 1
    emits: ClassVar[str] = "confirmation.rejected"

    def needs(self, need: Need) -> None:
        """The confirmation."""
        need.row(Confirmation, self.confirmation)

    def decide(self, world: World) -> Changes:
        """Ends it; a late or second no is an illegal transition."""
        row = world.require(Confirmation, self.confirmation)
        if row.payer != self.payer:
            raise Refused(Reason.RESOURCE_NOT_FOUND, resource="confirmation")
        row = move(row, ConfirmationState.REJECTED, world.wall_us, rejection=self.rejection)
        return Changes(row, events=(event_of(row, rejection=self.rejection),), done=(row.id,))


@dataclass(frozen=True, slots=True, kw_only=True)
class ExpireConfirmation(Command):
    """Ends a confirmation that nobody signed in time.

    Attributes:
        confirmation: Its key.
    """

    confirmation: bytes

    depth: ClassVar[int] = 1

    def needs(self, need: Need) -> None:
        """The confirmation."""
        need.row(Confirmation, self.confirmation)

    def decide(self, world: World) -> Changes:
        """Leaves alone what was answered meanwhile, or is not due by the wall clock."""
        row = world.get(Confirmation, self.confirmation)
        if row is None or row.state != ConfirmationState.PENDING:
            return Changes(done=(self.confirmation,))
        if world.wall_us < row.expire_time:
            return Changes(work=(expiry_of(row),))
        row = move(row, ConfirmationState.EXPIRED, world.wall_us)
        return Changes(row, events=(event_of(row),), done=(row.id,))
