"""Tables of the `auth` room."""

from sqlalchemy import Index

from keelpay_server.auth.client import Client
from keelpay_server.auth.client_key import ClientKey
from keelpay_server.auth.confirmation import Confirmation
from keelpay_server.auth.confirmation_evidence import ConfirmationEvidence
from keelpay_server.auth.enrolment import AttestedPerson, EnrolmentEvidence, Registration
from keelpay_server.auth.mandate import Mandate
from keelpay_server.auth.passkey import Passkey
from keelpay_server.auth.payer_link import PayerLink
from keelpay_server.auth.platform_key import PlatformKey
from keelpay_server.auth.proposal import Proposal
from keelpay_server.auth.quota import PartnerQuota

from .entity import entity_table

clients = entity_table(Client, "clients")
client_keys = entity_table(
    ClientKey, "client_keys", Index(None, "book_id", "client", "id"), Index(None, "book_id", "public_key")
)
platform_keys = entity_table(PlatformKey, "platform_keys", Index(None, "book_id", "purpose"))
partner_quotas = entity_table(PartnerQuota, "partner_quotas", changing=True)
attested_persons = entity_table(
    AttestedPerson, "attested_persons", Index(None, "book_id", "payer", "id"), append_only=True
)
payer_links = entity_table(
    PayerLink, "payer_links", Index(None, "book_id", "digest", unique=True), Index(None, "book_id", "live_target")
)
registrations = entity_table(Registration, "registrations", Index(None, "book_id", "payer", "id"))
enrolment_evidence = entity_table(EnrolmentEvidence, "enrolment_evidence", append_only=True)
passkeys = entity_table(
    Passkey, "passkeys", Index(None, "book_id", "credential", unique=True), Index(None, "book_id", "payer", "id"),
    changing=True,
)  # fmt: skip
confirmations = entity_table(
    Confirmation, "confirmations", Index(None, "book_id", "pending_act"), Index(None, "book_id", "payer", "id"),
    changing=True,
)  # fmt: skip
confirmation_evidence = entity_table(ConfirmationEvidence, "confirmation_evidence", append_only=True)
mandates = entity_table(
    Mandate, "mandates", Index(None, "book_id", "merchant", "id"), Index(None, "book_id", "payer", "id"),
    changing=True,
)  # fmt: skip
proposals = entity_table(
    Proposal, "proposals", Index(None, "book_id", "state", "id"), Index(None, "book_id", "proposer", "id"),
    Index(None, "book_id", "method", "id"), Index(None, "book_id", "origin"), Index(None, "book_id", "create_time"),
)  # fmt: skip
