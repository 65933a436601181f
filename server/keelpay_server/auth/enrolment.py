"""Registration: a passkey that is being made, and the evidence that is kept of one that was.

In: who may enrol, a fresh challenge. Out: the browser's options, later the passkey's key. Invariant: one registration
makes one passkey at most, in time; how the person was known stays on record for ever.
"""

from typing import Any, Final, NamedTuple

from keelpay_server.book.changes import Event

from .names import REGISTRATION, stream_of

KIND: Final = REGISTRATION


class Registration(NamedTuple):
    """One ceremony. Times are wall clock, microseconds.

    Attributes:
        id: Its key.
        payer: `<partner>/<id>`.
        display_name: What the person calls the new passkey.
        challenge: The bytes of the creation options.
        spc: Asked for Secure Payment Confirmation.
        recovery: The passkey will be COOLING first.
        confirmation_required: An active passkey has to sign before it can be finished.
        attested: How the partner knew the person, JSON; empty where a passkey vouches.
        options: JSON for the browser.
        passkey: What it made, or None.
        expire_time: When it must be finished.
        create_time: When it was started.
        update_time: When it last changed.
    """

    id: bytes
    payer: str
    display_name: str
    challenge: bytes
    spc: bool
    recovery: bool
    confirmation_required: bool
    attested: str
    options: str
    passkey: bytes | None
    expire_time: int
    create_time: int
    update_time: int


class EnrolmentEvidence(NamedTuple):
    """What a passkey's belonging to a payer rests on. Rows are only added.

    Attributes:
        id: The passkey's key.
        payer: `<partner>/<id>`.
        registration: The ceremony.
        credential: What the device made, JSON as the browser sent it.
        challenge: What it was made over.
        attested: How the partner knew the person, JSON, or empty.
        confirmation: The confirmation by an older passkey, or None.
        create_time: Wall clock.
    """

    id: bytes
    payer: str
    registration: bytes
    credential: str
    challenge: bytes
    attested: str
    confirmation: bytes | None
    create_time: int


class AttestedPerson(NamedTuple):
    """A partner's signed word about a person, as it came. Rows are only added.

    Attributes:
        id: Its key.
        payer: `<partner>/<id>`.
        purpose: `enrol` or `recover`.
        digest: SHA-256 of the word, base64url: what tokens and registrations quote.
        word: The compact JWS.
        create_time: Wall clock.
    """

    id: bytes
    payer: str
    purpose: str
    digest: str
    word: str
    create_time: int


def event_of(registration: Registration, what: str, **data: Any) -> Event:
    """Returns the event of a registration's step, such as `passkey.recovery_started`."""
    owner = stream_of(registration.payer.partition("/")[0])
    facts = {"payer": registration.payer, "recovery": bool(registration.recovery), **data}
    return Event(f"passkey.{what}", KIND, registration.id, 1, owner, facts)
