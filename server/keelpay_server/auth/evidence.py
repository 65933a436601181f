"""Evidence of a confirmation: one JSON file with which anyone can check, offline and years later, what was signed.

In: the terms, the assertion and the public key as they were; then what became of it. Out: the document that is kept,
and the file that is handed out, with outcome and seal. Invariant: the digest covers every member but the seal, which is
over the digest. What a file proves: `evidence_report`.
"""

import hashlib
import json
from dataclasses import dataclass
from typing import Any, Final

from . import base64url
from .assertion import StoredPasskey
from .challenge import document, parse_document
from .evidence_outcome import MEMBER as OUTCOME
from .evidence_outcome import EvidenceOutcome, read_outcome, with_outcome
from .evidence_seal import MEMBER as SEAL
from .evidence_seal import EvidenceSealer
from .relying_party import RelyingParty
from .spc import Logo
from .spc_display import SpcDisplay
from .strict_json import integer_member, parse_object, text_member
from .terms import Terms

EVIDENCE_V1: Final = "keelpay.evidence.v1"
EVIDENCE_LENGTH_MAX: Final = 262_144
"""Characters of a file that is read at all."""
_CREDENTIAL: Final = ("id", "rawId", "type", "authenticatorAttachment")
_RESPONSE: Final = ("clientDataJSON", "authenticatorData", "signature", "userHandle")


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Everything one confirmation rests on.

    Attributes:
        terms: What was displayed.
        nonce: The confirmation's 32 bytes, half of which name the key of the seal.
        expires_at_s: When the confirmation ended, unix seconds.
        credential_json: The assertion as the browser sent it; the document keeps of it what verification reads.
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


def write_evidence(evidence: Evidence) -> str:
    """The document: one JSON object, byte members as base64url, indented for human readers.

    Raises:
        TermsInvalid: The terms have no canonical form.
        ValueError: The assertion is not a JSON object.
    """
    display = evidence.display
    members: dict[str, Any] = {
        "type": EVIDENCE_V1,
        "terms": document(evidence.terms, evidence.nonce, evidence.expires_at_s),
        "assertion": _verified_members(parse_object(evidence.credential_json)),
        "passkey": {
            "credentialId": base64url.encode(evidence.passkey.credential_id),
            "publicKey": base64url.encode(evidence.passkey.public_key),
            "userHandle": base64url.encode(evidence.passkey.user_handle),
            "backupEligible": evidence.passkey.backup_eligible,
            "signCount": evidence.passkey.sign_count,
            "browserKeys": sorted(map(base64url.encode, evidence.passkey.browser_bound_keys)),
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
            "logos": [logo._asdict() for logo in display.logos],
        }
    return json.dumps(members, ensure_ascii=False, indent=2, sort_keys=True)


def _verified_members(credential: dict[str, Any]) -> dict[str, Any]:
    """What verification reads of an assertion: nobody signed the rest, and it could swell a file past reading."""
    kept: dict[str, Any] = _texts_of(credential, _CREDENTIAL)
    kept["response"] = _texts_of(credential.get("response"), _RESPONSE)
    browser: Any = credential
    for name in ("clientExtensionResults", "payment", "browserBoundSignature"):
        browser = browser.get(name) if isinstance(browser, dict) else None
    if signature := _texts_of(browser, ("signature",)):
        kept["clientExtensionResults"] = {"payment": {"browserBoundSignature": signature}}
    return kept


def _texts_of(members: object, names: tuple[str, ...]) -> dict[str, str]:
    found = members if isinstance(members, dict) else {}
    # A browser writes nothing but ASCII there; half a character that somebody else put in could not be stored.
    return {name: found[name] for name in names if isinstance(found.get(name), str) and found[name].isascii()}


def document_digest(members: dict[str, Any]) -> str:
    """SHA-256 of a document's members, hexadecimal, whatever their order."""
    text = json.dumps(members, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def finished(document: str, outcome: EvidenceOutcome, sealer: EvidenceSealer) -> str:
    """The file that is handed out: the document as it was kept, what became of it, and our seal over both."""
    members = parse_object(document)
    digest = with_outcome(document_digest(members), outcome)
    whole = {**members, OUTCOME: outcome.members(), SEAL: sealer.seal(digest)}
    return json.dumps(whole, ensure_ascii=False, indent=2, sort_keys=True)


def evidence_digest(file: str) -> str:
    """The digest of a file's content, its outcome included and its seal left out; white space and order do not count.

    The journal's event of the confirmation has it too: a file whose digest is there is the one that was kept, to the
    last member, also those that no passkey signs (the outcome, the times, the origins that were allowed then).

    Raises:
        ValueError: The file is not a JSON object with an outcome.
    """
    members = parse_object(file)
    members.pop(SEAL, None)
    outcome = read_outcome(members.pop(OUTCOME, None))
    return with_outcome(document_digest(members), outcome)


def read_evidence(file: str) -> Evidence:
    """Reads what was signed and by which key, from a document or a file; nothing is verified yet.

    Raises:
        ValueError: It is neither.
    """
    if len(file) > EVIDENCE_LENGTH_MAX:
        raise ValueError("the file is too large")
    members = parse_object(file)
    if members.get("type") != EVIDENCE_V1:
        raise ValueError("this is no evidence file of keelpay")
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
            browser_bound_keys=frozenset(map(base64url.decode, _texts(passkey, "browserKeys"))),
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


def _display(members: dict[str, Any]) -> SpcDisplay:
    exponent = integer_member(members, "exponent")
    if not 0 <= exponent <= 18:  # noqa: PLR2004  (the finest registered token has 18 digits)
        raise ValueError("exponent is out of range")
    return SpcDisplay(
        exponent=exponent,
        payee_origin=_text_or_none(members, "payeeOrigin"),
        instrument_icon=text_member(members, "instrumentIcon"),
        instrument_details=_text_or_none(members, "instrumentDetails"),
        logos=tuple(_logos(members)),
    )


def _object(members: dict[str, Any], name: str) -> dict[str, Any]:
    value = members.get(name)
    if not isinstance(value, dict):
        raise ValueError(f"{name} must be an object")  # noqa: TRY004  (one exception for everything malformed)
    return value


def _logos(members: dict[str, Any]) -> list[Logo]:
    value = members.get("logos")
    if not isinstance(value, list) or not all(isinstance(each, dict) for each in value):
        raise ValueError("logos must be a list of objects")
    return [Logo(text_member(each, "url"), text_member(each, "label")) for each in value]


def _texts(members: dict[str, Any], name: str) -> list[str]:
    value = members.get(name)
    if not isinstance(value, list) or not all(isinstance(each, str) for each in value):
        raise ValueError(f"{name} must be a list of text")
    return value


def _text_or_none(members: dict[str, Any], name: str) -> str | None:
    return None if members.get(name) is None else text_member(members, name)
