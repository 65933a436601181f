"""EvidenceReport: what an evidence file proves, found by reading it and nothing else.

In: a file from `evidence.finished`. Out: the report. Invariant: a function of the file, and of the installation's
public keys where somebody brings them: no clock, no network, no database. Only an accepted one is `proven`.
"""

import json
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from keelpay_server.book.times import SECOND_US

from .assertion import ExpectedAssertion, Verified, verify_assertion
from .assertion_failure import AssertionRefused
from .challenge import challenge
from .evidence import Evidence, evidence_digest, read_evidence
from .evidence_outcome import MEMBER as OUTCOME
from .evidence_outcome import EvidenceOutcome, read_outcome
from .evidence_seal import MEMBER as SEAL
from .evidence_seal import require_seal
from .jwks import read_jwk
from .signing_key import VerifyingKey
from .spc import SpcTerms
from .spc_display import displayed
from .strict_json import parse_object
from .terms import ConfirmationMethod, PaymentTerms, Terms


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceReport:
    """What a file proves.

    Attributes:
        genuine: The passkey in the file signed the terms in the file, with its user verified, and the installation
            whose key that signature names has sealed what became of it.
        failure: Empty when genuine; otherwise `malformed`, `expired`, `seal` or the failure of the assertion.
        detail: One sentence to it.
        outcome: What became of it, where genuine.
        seal_key: Name of the key that sealed it, where genuine.
        seal_known: Whether that key is among those that were given to compare; False where none were.
        terms: The terms, where they could be read.
        verified: What the signature proved, where it held.
        started_at_us: As in the file, or 0.
        verified_at_us: As in the file, or 0.
    """

    genuine: bool
    failure: str
    detail: str
    outcome: EvidenceOutcome | None = None
    seal_key: str = ""
    seal_known: bool = False
    terms: Terms | None = None
    verified: Verified | None = None
    started_at_us: int = 0
    verified_at_us: int = 0

    @property
    def proven(self) -> bool:
        """Whether the payer confirmed exactly these terms and that was accepted."""
        return self.genuine and self.outcome is not None and self.outcome.accepted


def verify_evidence(file: str, known: Collection[VerifyingKey] | None = None) -> EvidenceReport:
    """Checks a file from `evidence.finished`; never raises for what the file holds.

    Args:
        file: The file.
        known: The installation's public keys (`read_jwks`). Without them the seal is only known to be of the
            key that the payer's signature names: who has the passkey could have made the whole file.
    """
    try:
        evidence = read_evidence(file)
        members = parse_object(file)
        outcome = read_outcome(members.get(OUTCOME))
        expected = ExpectedAssertion(
            challenge=challenge(evidence.terms, evidence.nonce, evidence.expires_at_s),
            passkey=evidence.passkey,
            party=evidence.party,
            payment=_displayed(evidence),
        )
        verified = verify_assertion(evidence.credential_json, expected)
    except AssertionRefused as refused:
        return EvidenceReport(genuine=False, failure=refused.failure.value, detail=refused.detail)
    except (ValueError, TypeError, AttributeError) as error:
        return EvidenceReport(genuine=False, failure="malformed", detail=str(error))
    facts: dict[str, Any] = {
        "terms": evidence.terms, "verified": verified, "started_at_us": evidence.started_at_us,
        "verified_at_us": evidence.verified_at_us,
    }  # fmt: skip
    try:
        key = require_seal(members.get(SEAL), evidence.nonce, evidence_digest(file), known)
    except ValueError as error:
        return EvidenceReport(genuine=False, failure="seal", detail=str(error), **facts)
    if outcome.accepted and not _in_time(evidence, outcome):
        return EvidenceReport(
            genuine=False, failure="expired", detail="accepted outside the confirmation's life", **facts
        )
    return EvidenceReport(
        genuine=True, failure="", detail="", outcome=outcome, seal_key=key.kid, seal_known=known is not None, **facts
    )


def read_jwks(text: str) -> list[VerifyingKey]:
    """Reads an installation's public keys, as `keelpay keys jwks` prints them.

    Raises:
        ValueError: It is no such document.
    """
    listed = parse_object(text).get("keys")
    if not isinstance(listed, list):
        raise ValueError("a key set has a list `keys`")  # noqa: TRY004  (one exception for everything malformed)
    return [read_jwk(json.dumps(each)) for each in listed]


def _in_time(evidence: Evidence, outcome: EvidenceOutcome) -> bool:
    ends_us = evidence.expires_at_s * SECOND_US
    return evidence.started_at_us <= evidence.verified_at_us < ends_us and outcome.decided_at_us < ends_us


def _displayed(evidence: Evidence) -> SpcTerms | None:
    """The signed method decides whether there must be a display; a file cannot drop it."""
    terms, display = evidence.terms, evidence.display
    if not isinstance(terms, PaymentTerms) or terms.method is not ConfirmationMethod.SPC:
        return None
    if display is None:
        raise ValueError("Secure Payment Confirmation without its display")
    return displayed(terms, display)
