"""Tables of the `auth` room."""

from sqlalchemy import Index

from keelpay_server.auth.confirmation import Confirmation
from keelpay_server.auth.confirmation_evidence import ConfirmationEvidence
from keelpay_server.auth.mandate import Mandate
from keelpay_server.auth.passkey import Passkey

from .entity import entity_table

confirmations = entity_table(
    Confirmation, "confirmations", Index(None, "book_id", "pending_act"), Index(None, "book_id", "payer", "id"),
    changing=True,
)  # fmt: skip
confirmation_evidence = entity_table(ConfirmationEvidence, "confirmation_evidence", append_only=True)
passkeys = entity_table(
    Passkey, "passkeys", Index(None, "book_id", "credential", unique=True), Index(None, "book_id", "payer", "id"),
    changing=True,
)  # fmt: skip
mandates = entity_table(
    Mandate, "mandates", Index(None, "book_id", "merchant", "id"), Index(None, "book_id", "payer", "id"),
    changing=True,
)  # fmt: skip
