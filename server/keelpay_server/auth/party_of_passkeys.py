"""Whose the passkeys of a book are: checked before a server serves them.

In: what a device made last, as it is kept; the rp id of the settings. Out: nothing, or a reason not to start.
Invariant: no server starts for a relying party under which no browser would show the passkeys that its payers have.
"""

import hashlib

from webauthn.helpers import parse_attestation_object, parse_registration_credential_json

from keelpay_server.book.ports import Page, Reader

from .client_data import parse_client_data
from .enrolment import EnrolmentEvidence
from .strict_json import parse_object


class WrongRelyingParty(Exception):  # noqa: N818  (told to the person at the keyboard)
    """The passkeys were made for another relying party than that of the settings."""


async def refuse_other_party(reader: Reader, rp_id: str) -> None:
    """Looks at the passkey that was made last: the server that made it was let start beside the older ones.

    Raises:
        WrongRelyingParty: Telling where it was made; of the rp id itself a passkey tells only the digest.
    """
    newest = await reader.find(EnrolmentEvidence, {}, Page(1, descending=True))
    for made in newest:
        response = parse_registration_credential_json(parse_object(made.credential)).response
        signed = parse_attestation_object(response.attestation_object).auth_data.rp_id_hash
        if signed != hashlib.sha256(rp_id.encode()).digest():
            origin = parse_client_data(response.client_data_json).origin
            raise WrongRelyingParty(f"rp_id is {rp_id}, and the passkeys here, made at {origin}, are of another one")
