"""How confirmations, mandates, passkeys and registrations look on the wire.

In: stored rows. Out: the contract's messages. Invariant: the terms are shown exactly as they are signed.
"""

import json

from google.protobuf.json_format import ParseDict

from keelpay.api.auth.v1 import confirmation_pb2, mandate_pb2, passkey_pb2
from keelpay_server.book import ids
from keelpay_server.book.reasons import Reason
from keelpay_server.book.wire_render import money, stamp

from . import base64url, names
from .confirmation import Confirmation
from .confirmation_evidence import ConfirmationEvidence
from .enrolment import Registration
from .evidence import finished
from .evidence_seal import EvidenceSealer
from .mandate import Mandate, spent_today
from .passkey import Passkey, PasskeyState

_TERMS = {
    "payment": "payment", "mandate": "mandate", "withdrawal": "withdrawal", "passkey-add": "passkey_add",
    "recovery-veto": "recovery_veto", "passkey-resume": "passkey_resume",
}  # fmt: skip
"""Kind of act to the field of the contract."""


def render_confirmation(confirmation: Confirmation) -> confirmation_pb2.Confirmation:
    """Returns a confirmation, without its evidence."""
    message = confirmation_pb2.Confirmation(
        name=names.payers_own_name("confirmations", confirmation.payer, confirmation.id),
        state=confirmation.state,  # type: ignore[arg-type]
        rejection=confirmation.rejection,  # type: ignore[arg-type]
        method=confirmation.method,  # type: ignore[arg-type]
        challenge=confirmation.challenge,
        options_json=confirmation.options,
        expire_time=stamp(confirmation.expire_time),
        create_time=stamp(confirmation.create_time),
        update_time=stamp(confirmation.update_time),
        state_version=confirmation.state_version,
    )
    field = getattr(message, _TERMS[confirmation.kind_of_act])
    ParseDict(json.loads(confirmation.terms), field)
    return message


def render_evidence(evidence: ConfirmationEvidence, sealer: EvidenceSealer) -> confirmation_pb2.ConfirmationEvidence:
    """Returns the proof of a spent confirmation, for those who may see it; its file sealed."""
    document = json.loads(evidence.document)
    response = document["assertion"]["response"]
    return confirmation_pb2.ConfirmationEvidence(
        passkey=names.payers_own_name("passkeys", evidence.payer, evidence.passkey),
        public_key_cose=base64url.decode(document["passkey"]["publicKey"]),
        client_data_json=base64url.decode(response["clientDataJSON"]),
        authenticator_data=base64url.decode(response["authenticatorData"]),
        signature=base64url.decode(response["signature"]),
        document_json=finished(evidence.document, evidence.outcome, sealer),
        refusal=0 if evidence.outcome.accepted else Reason[evidence.reason].value,  # type: ignore[arg-type]
        decide_time=stamp(evidence.create_time),
    )


def render_mandate(mandate: Mandate, signed: Confirmation | None, business_us: int) -> mandate_pb2.Mandate:
    """Returns a mandate.

    Args:
        mandate: The row.
        signed: The confirmation by which it was given, whose terms say what the payer read.
        business_us: What was spent under it is that of this day.
    """
    terms = {} if signed is None else json.loads(signed.terms)
    instrument = ""
    if mandate.instrument is not None:
        instrument = f"{names.payer_name(mandate.payer)}/instruments/{ids.text('ins', mandate.instrument)}"
    message = mandate_pb2.Mandate(
        name=names.mandate_name(mandate.merchant, mandate.id),
        payer=names.payer_name(mandate.payer),
        instrument=instrument,
        payment_max=money(mandate.payment_max, mandate.currency),
        day_max=money(mandate.day_max, mandate.currency),
        expire_time=stamp(mandate.expire_time),
        state=mandate.state,  # type: ignore[arg-type]
        day_zone=mandate.day_zone,
        spent_day_minor=spent_today(mandate, business_us),
        spent_total_minor=mandate.spent_total,
        confirmation=names.payers_own_name("confirmations", mandate.payer, mandate.confirmation),
        create_time=stamp(mandate.create_time),
        update_time=stamp(mandate.update_time),
        state_version=mandate.state_version,
        payee_name=terms.get("payeeName", ""),
        instrument_display=terms.get("instrumentDisplay", ""),
    )
    if mandate.total_max:
        message.total_max.CopyFrom(money(mandate.total_max, mandate.currency))
    return message


def render_passkey(passkey: Passkey, *, wall_us: int, limit: tuple[int, str] | None) -> passkey_pb2.Passkey:
    """Returns a passkey.

    Args:
        passkey: The row.
        wall_us: Now.
        limit: The most that a new one may confirm, minor units and currency; None where no currency is known.
    """
    message = passkey_pb2.Passkey(
        name=names.payers_own_name("passkeys", passkey.payer, passkey.id),
        display_name=passkey.display_name,
        state=passkey.state,  # type: ignore[arg-type]
        credential_id=passkey.credential,
        synced=bool(passkey.backup_eligible),
        spc_enabled=bool(passkey.spc),
        create_time=stamp(passkey.create_time),
        update_time=stamp(passkey.update_time),
        state_version=passkey.state_version,
    )
    if passkey.state == PasskeyState.COOLING:
        message.cooling_end_time.CopyFrom(stamp(passkey.cooling_end_time))
    if wall_us < passkey.trusted_time:
        message.limit_end_time.CopyFrom(stamp(passkey.trusted_time))
        if limit is not None:
            message.amount_limit.CopyFrom(money(*limit))
    if passkey.last_use_time:
        message.last_use_time.CopyFrom(stamp(passkey.last_use_time))
    return message


def render_registration(registration: Registration) -> passkey_pb2.Registration:
    """Returns a registration."""
    return passkey_pb2.Registration(
        name=names.payers_own_name("registrations", registration.payer, registration.id),
        options_json=registration.options,
        expire_time=stamp(registration.expire_time),
        recovery=bool(registration.recovery),
        confirmation_required=bool(registration.confirmation_required),
    )
