"""Evidence of a confirmation: one JSON file with which anyone can check, offline and years later, what was signed.

In: the terms, the assertion and the public key as they were. Out: the file, and later a report on it. Invariant: the
report is a function of the file alone: no clock, no network, no database.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from keelpay_server.book.times import SECOND_US

from . import base64url
from .assertion import ExpectedAssertion, StoredPasskey, Verified, verify_assertion
from .assertion_failure import AssertionRefused
from .challenge import challenge, document, parse_document
from .relying_party import RelyingParty
from .spc import SpcTerms, spc_terms
from .strict_json import integer_member, parse_object, text_member
from .terms import ConfirmationMethod, PaymentTerms, Terms

EVIDENCE_V1: Final = "keelpay.evidence.v1"
EVIDENCE_LENGTH_MAX: Final = 262_144
"""Characters of a file that is read at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SpcDisplay:
    """What Secure Payment Confirmation showed besides the terms (members as in SpcTerms).

    Attributes:
        exponent: The currency's digits after the point.
        payee_origin: The payee's https origin, or None.
        instrument_icon: URL of the instrument's icon.
        instrument_details: A further line about the instrument, or None.
        logos: URLs of the logos offered.
    """

    exponent: int
    payee_origin: str | None
    instrument_icon: str
    instrument_details: str | None = None
    logos: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything one confirmation rests on.

    Attributes:
        terms: What was displayed.
        nonce: The confirmation's 32 random bytes.
        expires_at_s: When the confirmation ended, unix seconds.
        credential_json: The assertion exactly as the browser sent it.
        passkey: The passkey as it was stored then.
        party: Our rp id, origins and embedders then.
        display: What Secure Payment Confirmation showed, or None.
        started_at_us: When the confirmation was started, microseconds since the epoch.
        verified_at_us: When the assertion was verified, microseconds since the epoch.
    """

    terms: Terms
    nonce: bytes
    expires_at_s: int
    credential_json: str
    passkey: StoredPasskey
    party: RelyingParty
    display: SpcDisplay | None
    started_at_us: int
    verified_at_us: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EvidenceReport:
    """What a file proves.

    Attributes:
        valid: The passkey in the file signed the terms in the file, in time, with its user verified.
        failure: Empty when valid; otherwise `malformed`, `expired` or the failure of the assertion.
        detail: One sentence to it.
        terms: The terms, where they could be read.
        verified: What the signature proved, where it held.
        started_at_us: As in the file, or 0.
        verified_at_us: As in the file, or 0.
    """

    valid: bool
    failure: str
    detail: str
    terms: Terms | None = None
    verified: Verified | None = None
    started_at_us: int = 0
    verified_at_us: int = 0


def write_evidence(evidence: Evidence) -> str:
    """The file: one JSON object, byte members as base64url, indented for human readers.

    Raises:
        TermsInvalid: The terms have no canonical form.
        ValueError: The assertion is not a JSON object.
    """
    display = evidence.display
    members: dict[str, Any] = {
        "type": EVIDENCE_V1,
        "terms": document(evidence.terms, evidence.nonce, evidence.expires_at_s),
        "assertion": parse_object(evidence.credential_json),
        "passkey": {
            "credentialId": base64url.encode(evidence.passkey.credential_id),
            "publicKey": base64url.encode(evidence.passkey.public_key),
            "userHandle": base64url.encode(evidence.passkey.user_handle),
            "backupEligible": evidence.passkey.backup_eligible,
            "signCount": evidence.passkey.sign_count,
        },
        "relyingParty": {
            "id": evidence.party.rp_id,
            "origins": sorted(evidence.party.origins),
            "embedders": sorted(evidence.party.embedders),
        },
        "times": {"startedAtUs": evidence.started_at_us, "verifiedAtUs": evidence.verified_at_us},
    }
    if display is not None:
        members["display"] = {
            "exponent": display.exponent,
            "payeeOrigin": display.payee_origin,
            "instrumentIcon": display.instrument_icon,
            "instrumentDetails": display.instrument_details,
            "logos": list(display.logos),
        }
    return json.dumps(members, ensure_ascii=False, indent=2, sort_keys=True)


def evidence_digest(file: str) -> str:
    """SHA-256 of a file's content, hexadecimal, whatever its white space and the order of its members.

    The journal's event of the confirmation has it too: a file whose digest is there is the one that was kept, to the
    last member, also those that no passkey signs (the times, the origins that were allowed then).

    Raises:
        ValueError: The file is not a JSON object.
    """
    text = json.dumps(parse_object(file), ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def verify_evidence(file: str) -> EvidenceReport:
    """Checks a file from `write_evidence`; never raises for what the file holds.

    That the passkey belonged to the payer is the installation's own word: its registration is kept beside the
    evidence. Everything else follows from the file.
    """
    try:
        evidence = read_evidence(file)
        expected = ExpectedAssertion(
            challenge=challenge(evidence.terms, evidence.nonce, evidence.expires_at_s),
            passkey=evidence.passkey,
            party=evidence.party,
            payment=_displayed(evidence),
        )
        verified = verify_assertion(evidence.credential_json, expected)
    except AssertionRefused as refused:
        return EvidenceReport(valid=False, failure=refused.failure.value, detail=refused.detail)
    except (ValueError, TypeError, AttributeError) as error:
        return EvidenceReport(valid=False, failure="malformed", detail=str(error))
    times = {"started_at_us": evidence.started_at_us, "verified_at_us": evidence.verified_at_us}
    in_time = evidence.started_at_us <= evidence.verified_at_us < evidence.expires_at_s * SECOND_US
    return EvidenceReport(
        valid=in_time,
        failure="" if in_time else "expired",
        detail="" if in_time else "verified outside the confirmation's life",
        terms=evidence.terms,
        verified=verified,
        **times,
    )


def read_evidence(file: str) -> Evidence:
    """Reads a file from `write_evidence`; nothing is verified yet.

    Raises:
        ValueError: It is not such a file.
    """
    if len(file) > EVIDENCE_LENGTH_MAX:
        raise ValueError("the file is too large")
    members = parse_object(file)
    if text_member(members, "type") != EVIDENCE_V1:
        raise ValueError("unknown type of evidence")
    passkey, party, times = (_object(members, name) for name in ("passkey", "relyingParty", "times"))
    terms_members = _object(members, "terms")
    terms, nonce, expires_at_s = parse_document({name: text_member(terms_members, name) for name in terms_members})
    if type(passkey.get("backupEligible")) is not bool:
        raise ValueError("backupEligible must be a bool")
    return Evidence(
        terms=terms,
        nonce=nonce,
        expires_at_s=expires_at_s,
        credential_json=json.dumps(_object(members, "assertion")),
        passkey=StoredPasskey(
            credential_id=base64url.decode(text_member(passkey, "credentialId")),
            public_key=base64url.decode(text_member(passkey, "publicKey")),
            user_handle=base64url.decode(text_member(passkey, "userHandle")),
            sign_count=integer_member(passkey, "signCount"),
            backup_eligible=passkey["backupEligible"],
        ),
        party=RelyingParty(
            rp_id=text_member(party, "id"),
            origins=frozenset(_texts(party, "origins")),
            embedders=frozenset(_texts(party, "embedders")),
        ),
        display=_display(_object(members, "display")) if "display" in members else None,
        started_at_us=integer_member(times, "startedAtUs"),
        verified_at_us=integer_member(times, "verifiedAtUs"),
    )


def _displayed(evidence: Evidence) -> SpcTerms | None:
    """The signed method decides whether there must be a display; a file cannot drop it."""
    terms, display = evidence.terms, evidence.display
    if not isinstance(terms, PaymentTerms) or terms.method is not ConfirmationMethod.SPC:
        return None
    if display is None:
        raise ValueError("Secure Payment Confirmation without its display")
    return spc_terms(
        terms,
        exponent=display.exponent,
        payee_origin=display.payee_origin,
        instrument_icon=display.instrument_icon,
        instrument_details=display.instrument_details,
        logos=display.logos,
    )


def _display(members: dict[str, Any]) -> SpcDisplay:
    exponent = integer_member(members, "exponent")
    if not 0 <= exponent <= 18:  # noqa: PLR2004  (the finest registered token has 18 digits)
        raise ValueError("exponent is out of range")
    return SpcDisplay(
        exponent=exponent,
        payee_origin=_text_or_none(members, "payeeOrigin"),
        instrument_icon=text_member(members, "instrumentIcon"),
        instrument_details=_text_or_none(members, "instrumentDetails"),
        logos=tuple(_texts(members, "logos")),
    )


def _object(members: dict[str, Any], name: str) -> dict[str, Any]:
    value = members.get(name)
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be an object")  # noqa: TRY004  (one exception for everything malformed)
    return value


def _texts(members: dict[str, Any], name: str) -> list[str]:
    value = members.get(name)
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{name} must be a list of text")
    return value


def _text_or_none(members: dict[str, Any], name: str) -> str | None:
    return None if members.get(name) is None else text_member(members, name)
