"""Proof: what a payer's signature proves, and the one place where the confirmation it answers is spent.

In: a Proof, verified before the queue, and the terms as they are now. Out: Changes for the commit of the act itself.
Invariant: one confirmation allows one act, once, in time, on the terms that were signed; a failed attempt spends it.
"""

from dataclasses import replace
from hmac import compare_digest
from typing import Any, Final, NamedTuple

from keelpay_server.book.changes import Changes, Event
from keelpay_server.book.need import Need
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.times import SECOND_US
from keelpay_server.book.world import World
from keelpay_server.ledger.money import amount_text

from . import passkey as passkeys
from .assertion_failure import AssertionFailure
from .challenge import TermsInvalid, challenge
from .confirmation import (
    METHODS,
    Confirmation,
    ConfirmationState,
    act_of,
    event_of,
    exposure,
    exposure_currency,
    move,
)
from .confirmation_evidence import ConfirmationEvidence
from .evidence_outcome import EvidenceOutcome, with_outcome
from .names import payer_name
from .passkey import Passkey, PasskeyState
from .terms import ConfirmationMethod, PaymentTerms, RecoveryVetoTerms, Terms

_ENDED: Final = {
    ConfirmationState.CONSUMED: Reason.CONFIRMATION_REUSED,
    ConfirmationState.REJECTED: Reason.CONFIRMATION_REJECTED,
    ConfirmationState.EXPIRED: Reason.CONFIRMATION_EXPIRED,
    ConfirmationState.SUPERSEDED: Reason.CONFIRMATION_SUPERSEDED,
}


class Proof(NamedTuple):
    """What verifying an assertion found, before the queue: facts for `spend`, which decides.

    Attributes:
        confirmation: The confirmation it answers.
        payer: Who was asked, as the confirmation's name says.
        passkey: The passkey that the assertion names, or None if the payer has no such passkey.
        failure: The first check of the assertion that failed (an AssertionFailure), or empty: the signature holds.
        sign_count: The signed counter; `spend` compares it with the passkey's counter of then.
        backup_state: Whether the passkey is synced now.
        origin: Where the ceremony ran.
        rp_id: The relying party of the ceremony.
        method: The ceremony that was asked for.
        browser_key: The key (COSE) of the browser that signed too, or None.
        browser_bound: Whether that key was seen with the passkey before.
        device: The digest of the device that signed (auth.device), or empty.
        limit_minor: The most a passkey that is still new may confirm in the currency of the terms.
        evidence: The evidence document, JSON; empty where the signature does not hold.
        evidence_digest: Its digest, hexadecimal, still without the outcome; empty with it.
        detail: The failure as a sentence: the check, and what it saw.
    """

    confirmation: bytes
    payer: str
    passkey: bytes | None
    failure: str
    sign_count: int = 0
    backup_state: bool = False
    origin: str = ""
    rp_id: str = ""
    method: ConfirmationMethod = ConfirmationMethod.WEBAUTHN
    browser_key: bytes | None = None
    browser_bound: bool = False
    device: str = ""
    limit_minor: int = 0
    evidence: str = ""
    evidence_digest: str = ""
    detail: str = ""


def spend_needs(need: Need, proof: Proof) -> None:
    """Names what `spend` reads: both keys are in the proof, so one round is enough."""
    need.row(Confirmation, proof.confirmation)
    if proof.passkey is not None:
        need.row(Passkey, proof.passkey)


def spend(world: World, proof: Proof, terms: Terms) -> Changes:
    """Spends a confirmation for one act, in the commit of that act.

    Args:
        world: Loaded by `spend_needs`.
        proof: What verification found.
        terms: The act as it is now. Its `rp_id` and `method` are those of the ceremony and are taken from the
            confirmation; everything else must be what was signed.

    Returns:
        Changes without an answering row, to be joined to the act's own. With a `refusal`, the attempt failed and has
        spent the confirmation: return them as they are and do nothing else.

    Raises:
        Refused: Nothing changes: RESOURCE_NOT_FOUND; NOT_OWNER (another payer's); CONFIRMATION_REUSED, _REJECTED,
            _EXPIRED or _SUPERSEDED for one that ended before.
    """
    if payer_name(proof.payer) != terms.payer_id:
        raise Refused(Reason.NOT_OWNER)
    confirmation = _pending(world, proof)
    if world.wall_us >= confirmation.expire_time:
        return _too_late(world, confirmation)
    key = None if proof.passkey is None else world.get(Passkey, proof.passkey)
    return _consume(world, confirmation, key, proof, _judge(confirmation, key, proof, terms, world.wall_us))


def misused(world: World, proof: Proof) -> Changes:
    """Spends a confirmation that was brought for an act of another kind; raises and returns as `spend` does."""
    confirmation = _pending(world, proof)
    key = None if proof.passkey is None else world.get(Passkey, proof.passkey)
    refusal = Refused(Reason.CONFIRMATION_REPLAYED, "the confirmation is for another act")
    return _consume(world, confirmation, key, proof, refusal)


def _pending(world: World, proof: Proof) -> Confirmation:
    confirmation = world.require(Confirmation, proof.confirmation)
    if confirmation.payer != proof.payer:
        raise Refused(Reason.NOT_OWNER)
    state = ConfirmationState(confirmation.state)
    if state is not ConfirmationState.PENDING:
        raise Refused(_ENDED[state], f"the confirmation is {state.name}")
    return confirmation


def _too_late(world: World, confirmation: Confirmation) -> Changes:
    ended = move(confirmation, ConfirmationState.EXPIRED, world.wall_us, reason=Reason.CONFIRMATION_EXPIRED.name)
    refusal = Refused(Reason.CONFIRMATION_EXPIRED, "its time ran out before it was spent")
    return Changes(rows=(ended,), events=(event_of(ended),), done=(ended.id,), refusal=refusal)


def _judge(confirmation: Confirmation, key: Passkey | None, proof: Proof, terms: Terms, wall_us: int) -> Refused | None:
    """Returns the first reason against it: the signature, the terms, the key, its counter, its limit."""
    if proof.failure == AssertionFailure.CHALLENGE or confirmation.act != act_of(terms):
        return Refused(Reason.CONFIRMATION_REPLAYED, "the assertion or the confirmation is for another act")
    if proof.failure.startswith("payment_"):
        sentence = f"the browser showed other terms: {proof.detail}"
        return Refused(Reason.CONFIRMATION_MISMATCH, sentence, failure=proof.failure)
    if proof.failure or key is None or key.payer != confirmation.payer:
        sentence = f"the assertion proves nothing: {proof.detail or 'the passkey is of another payer'}"
        return Refused(Reason.CONFIRMATION_SIGNATURE_INVALID, sentence, failure=proof.failure)
    if not _signed_these(confirmation, terms):
        return Refused(Reason.CONFIRMATION_MISMATCH, "what was signed is not what is asked for now")
    allowed = passkeys.may_veto(key) if isinstance(terms, RecoveryVetoTerms) else key.state == PasskeyState.ACTIVE
    if not allowed:
        return Refused(Reason.PASSKEY_NOT_ACTIVE, "the passkey may not sign", state=PasskeyState(key.state).name)
    if passkeys.regressed(key, proof.sign_count):
        return Refused(Reason.PASSKEY_COUNTER_REGRESSED, "the passkey's counter went back: it may have been copied")
    if wall_us < key.trusted_time and exposure(terms) > proof.limit_minor:
        limit = amount_text(proof.limit_minor, exposure_currency(terms))
        sentence = f"the passkey is new and confirms at most {limit}"
        return Refused(Reason.PASSKEY_LIMIT_EXCEEDED, sentence, limit_minor=str(proof.limit_minor))
    return None


def _signed_these(confirmation: Confirmation, terms: Terms) -> bool:
    """Recomputes the challenge from the act as it is now."""
    now = (
        replace(terms, rp_id=confirmation.rp_id, method=METHODS[confirmation.method])
        if isinstance(terms, PaymentTerms)
        else replace(terms, rp_id=confirmation.rp_id)
    )
    try:
        computed = challenge(now, confirmation.nonce, confirmation.expire_time // SECOND_US)
    except TermsInvalid:
        return False
    return compare_digest(computed, confirmation.challenge)


def _consume(
    world: World, confirmation: Confirmation, key: Passkey | None, proof: Proof, refusal: Refused | None
) -> Changes:
    wall_us = world.wall_us
    reason = "" if refusal is None else refusal.reason.name
    consumed = move(confirmation, ConfirmationState.CONSUMED, wall_us, passkey=proof.passkey, reason=reason)
    rows: list[Any] = [consumed]
    events: list[Event] = []
    if key is not None and not proof.failure:
        rows.append(ConfirmationEvidence(consumed.id, consumed.payer, key.id, proof.evidence, reason, wall_us))
    facts: dict[str, Any] = {"reason": reason, "failure": proof.failure, "origin": proof.origin}
    if proof.evidence_digest:
        facts["evidence"] = with_outcome(proof.evidence_digest, EvidenceOutcome(reason, wall_us))
    if key is not None:
        facts |= {"passkey": key.id, "synced": bool(proof.backup_state), "key_age_us": wall_us - key.create_time}
    if proof.browser_key is not None:
        facts["browser_bound"] = proof.browser_bound
    events.append(event_of(consumed, **facts))
    if key is not None and refusal is None:
        counted = {"sign_count": proof.sign_count, "backup_state": proof.backup_state, "browser_key": proof.browser_key}
        rows.append(passkeys.used(key, wall_us, device=proof.device, **counted))  # type: ignore[arg-type]
    elif key is not None and refusal is not None and refusal.reason is Reason.PASSKEY_COUNTER_REGRESSED:
        suspected = passkeys.suspect(key, wall_us)
        rows.append(suspected)
        events.append(passkeys.event_of(suspected, "counter_regressed", confirmation=consumed.id))
    return Changes(rows=tuple(rows), events=tuple(events), done=(consumed.id,), refusal=refusal)
