"""Proofs by clients: the assertion or certificate that asks for a token, and a partner's word about a person.

In: compact tokens signed by a client's key, a certificate of it. Out: what they prove. Invariant: the keys are those of
the client that is claimed, accepted now, and each signed id is used once (auth.single_use).
"""

import json
from typing import NamedTuple

from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate

from keelpay_server.book.ports import Page, Reader
from keelpay_server.book.reasons import Reason
from keelpay_server.book.refusal import Refused
from keelpay_server.book.times import SECOND_US

from .client import KINDS
from .client_assertion import claimed_client, verify_client_assertion
from .client_key import ClientKey, verifying_keys
from .names import partner_name, payer_name
from .payer_token import Word
from .person_attestation import ATTESTATION_AGE_S_MAX, AttestationPurpose, verify_person_attestation
from .settings import AuthSettings
from .signing_key import VerifyingKey
from .single_use import use_key
from .token import Attestation
from .token_failure import TokenRefused

_KEYS_READ_MAX = 100


class ProvenClient(NamedTuple):
    """A client whose assertion holds.

    Attributes:
        client: Its resource name.
        kid: The key that signed.
        use_key: Key of the assertion's single use.
        until_us: Wall clock from which it is not valid any more.
    """

    client: str
    kid: str
    use_key: bytes
    until_us: int


class PersonKnown(NamedTuple):
    """A partner's word that holds.

    Attributes:
        attestation: For the token.
        text: The same as JSON, for the registration.
        word: The word itself, to be put on record.
    """

    attestation: Attestation
    text: str
    word: Word


async def accepted_keys(reader: Reader, client: str, wall_us: int) -> dict[str, VerifyingKey]:
    """Returns the keys by which a client's signatures are accepted now."""
    page = Page(_KEYS_READ_MAX, descending=True)
    return verifying_keys(await reader.find(ClientKey, {"client": client}, page), wall_us)


async def prove_client(reader: Reader, settings: AuthSettings, assertion: str, wall_us: int) -> ProvenClient:
    """Verifies a client assertion.

    Raises:
        Refused: CLIENT_ASSERTION_INVALID, the same for whatever is wrong with it.
    """
    try:
        claimed = claimed_client(assertion)
        if claimed.client.partition("/")[0] not in KINDS:
            raise Refused(Reason.CLIENT_ASSERTION_INVALID)
        keys = await accepted_keys(reader, claimed.client, wall_us)
        proven = verify_client_assertion(
            assertion, client=claimed.client, keys=keys, audience=settings.audience,
            now_s=wall_us / SECOND_US, skew_s=settings.skew_s,
        )  # fmt: skip
    except TokenRefused as refused:
        raise Refused(Reason.CLIENT_ASSERTION_INVALID) from refused
    return ProvenClient(
        proven.client, proven.kid, use_key(proven.client, "assertion", proven.assertion_id),
        (proven.expires_at_s + settings.skew_s + 1) * SECOND_US,
    )  # fmt: skip


async def prove_certificate(reader: Reader, certificate: bytes, wall_us: int) -> ClientKey:
    """Returns the accepted key that a connection's own certificate is of.

    The TLS handshake has proved that the peer holds the private half, and checked the certificate's authority; who it
    is follows from the public key alone, never from a name inside the certificate. A proxy that ends TLS shows its own
    certificate, whose key is nobody's, or none; what it says in headers about its clients is not looked at.

    Args:
        reader: To find the key.
        certificate: PEM, as the handshake proved it; empty where there is none.
        wall_us: Now.

    Raises:
        Refused: CLIENT_ASSERTION_INVALID: no certificate, no such key, or a key that two clients claim.
    """
    try:
        public_key = load_pem_x509_certificate(certificate).public_key()
    except (ValueError, UnsupportedAlgorithm) as error:
        raise Refused(Reason.CLIENT_ASSERTION_INVALID, "an assertion or a client's certificate is needed") from error
    der = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    found = await reader.find(ClientKey, {"public_key": der}, Page(_KEYS_READ_MAX))
    accepted = [key for key in found if key.accepted(wall_us)]
    if not accepted or len({key.client for key in accepted}) > 1:
        raise Refused(Reason.CLIENT_ASSERTION_INVALID, "the certificate is of no client's key")
    return accepted[0]


async def prove_person(
    reader: Reader, settings: AuthSettings, word: str, *, payer: str, purpose: AttestationPurpose, wall_us: int
) -> PersonKnown:
    """Verifies a partner's word about one of its payers.

    Args:
        reader: To find the partner's keys.
        settings: The skew.
        word: The compact JWS.
        payer: `<partner>/<id>`.
        purpose: What it must be for.
        wall_us: Now.

    Raises:
        Refused: SIGNATURE_INVALID, the same for whatever is wrong with it.
    """
    partner = partner_name(payer.partition("/")[0])
    keys = await accepted_keys(reader, partner, wall_us)
    try:
        known = verify_person_attestation(
            word, partner=partner, payer=payer_name(payer), purpose=purpose, keys=keys,
            now_s=wall_us / SECOND_US, skew_s=settings.skew_s,
        )  # fmt: skip
    except TokenRefused as refused:
        raise Refused(Reason.SIGNATURE_INVALID, "the attestation does not verify") from refused
    said = known.attestation
    text = json.dumps({"auth_time": said.authenticated_at_s, "amr": list(said.methods), "digest": said.digest})
    until_us = (said.authenticated_at_s + ATTESTATION_AGE_S_MAX + settings.skew_s + 1) * SECOND_US
    used = use_key(partner, "attestation", known.attestation_id)
    return PersonKnown(said, text, Word(digest=said.digest, text=word, use_key=used, until_us=until_us))
