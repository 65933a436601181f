"""Confirmations as the server makes them, from the contract's own words: SHA-256 over JCS of the terms."""

import hashlib
import json
from base64 import urlsafe_b64encode
from typing import Any

from google.protobuf import json_format

from keelpay.api.auth.v1 import confirmation_pb2, confirmation_service_pb2

PAYER = "partners/shop/payers/ann"
NAME = f"{PAYER}/confirmations/cnf-1"
RP_ID = "pay.example.com"
NONCE = "A" * 43
EXPIRES = "1900000000"
TYPES = {
    "payment": "keelpay.payment-confirmation.v1",
    "mandate": "keelpay.mandate.v1",
    "withdrawal": "keelpay.withdrawal.v1",
    "passkey_add": "keelpay.passkey-add.v1",
    "recovery_veto": "keelpay.recovery-veto.v1",
    "passkey_resume": "keelpay.passkey-resume.v1",
}


def text(data: bytes) -> str:
    return urlsafe_b64encode(data).rstrip(b"=").decode()


def confirmation(kind: str, passkey_ids: list[bytes], **terms: str) -> confirmation_pb2.Confirmation:
    """A pending confirmation over terms, with a challenge that is theirs and options that ask for it."""
    raw = confirmation_pb2.Confirmation(name=NAME, state=1, method=1)
    all_terms = getattr(raw, kind)
    values = {"type": TYPES[kind], "payer_id": PAYER, "rp_id": RP_ID, "nonce": NONCE, "expires_at": EXPIRES}
    for name, value in {**values, **terms}.items():
        setattr(all_terms, name, value)
    members = json_format.MessageToDict(all_terms)
    document = json.dumps(members, sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    raw.challenge = hashlib.sha256(document.encode()).digest()
    raw.options_json = json.dumps(
        {
            "challenge": text(raw.challenge),
            "rpId": RP_ID,
            "userVerification": "required",
            "allowCredentials": [{"type": "public-key", "id": text(each)} for each in passkey_ids],
        }
    )
    return raw


def payment_confirmation(passkey_ids: list[bytes], **changes: str) -> confirmation_pb2.Confirmation:
    terms = {
        "payment_id": "merchants/cafe/payments/pay-1",
        "payee_id": "merchants/cafe",
        "payee_name": "Café 咖啡",
        "currency": "CNY",
        "amount_minor": "1230",
        "instrument_id": "balance",
        "instrument_display": "Balance",
        "method": "webauthn",
    }
    return confirmation("payment", passkey_ids, **{**terms, **changes})


def started(raw: confirmation_pb2.Confirmation) -> Any:
    return confirmation_service_pb2.StartConfirmationResponse(confirmation=raw)
