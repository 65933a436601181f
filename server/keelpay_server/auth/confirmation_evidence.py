"""ConfirmationEvidence: what a confirmation rests on, kept for ever beside what it allowed.

In: the document that verification wrote (auth.evidence). Out: the row, saved in the commit that spends the
confirmation. Invariant: rows are only added; one confirmation has one at most.
"""

from typing import NamedTuple

from .evidence_outcome import EvidenceOutcome


class ConfirmationEvidence(NamedTuple):
    """The proof of one spent confirmation.

    Attributes:
        id: The confirmation's key.
        payer: `<partner>/<id>`.
        passkey: The passkey that signed.
        document: Terms, nonce, assertion, public key, relying party and times (auth.evidence), JSON; outcome and seal
            are put to it when it is handed out.
        reason: Why the valid signature was refused all the same, or empty: it was accepted.
        create_time: When that was decided, wall clock.
    """

    id: bytes
    payer: str
    passkey: bytes
    document: str
    reason: str
    create_time: int

    @property
    def outcome(self) -> EvidenceOutcome:
        """What became of the confirmation."""
        return EvidenceOutcome(self.reason, self.create_time)
