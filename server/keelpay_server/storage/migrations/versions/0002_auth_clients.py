"""Tables of the auth room: clients, client_keys, platform_keys, partner_quotas, attested_persons, payer_links, registrations, enrolment_evidence, passkeys, confirmations, confirmation_evidence, mandates.

In: a database at step 0001. Out: one at step 0002. Invariant: unchanged once it is released.
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Brings a database of the step before to this one."""
    op.create_table(
        "clients",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("scopes", sa.Text(), nullable=False),
        sa.Column("state", sa.BigInteger(), nullable=False),
        sa.Column("state_version", sa.BigInteger(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="clients_pk"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "client_keys",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("client", sa.Text(), nullable=False),
        sa.Column("algorithm", sa.BigInteger(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.BigInteger(), nullable=False),
        sa.Column("state_version", sa.BigInteger(), nullable=False),
        sa.Column("expire_time", sa.BigInteger(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="client_keys_pk"),
        sqlite_with_rowid=False,
    )
    op.create_index("client_keys_book_id_client_id_ix", "client_keys", ["book_id", "client", "id"])
    op.create_index("client_keys_book_id_public_key_ix", "client_keys", ["book_id", "public_key"])
    op.create_table(
        "platform_keys",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("sign_from_time", sa.BigInteger(), nullable=False),
        sa.Column("verify_until_time", sa.BigInteger(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="platform_keys_pk"),
        sqlite_with_rowid=False,
    )
    op.create_index("platform_keys_book_id_purpose_ix", "platform_keys", ["book_id", "purpose"])
    op.create_table(
        "partner_quotas",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.Text(), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="partner_quotas_pk"),
        postgresql_with={"fillfactor": 70},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "attested_persons",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("digest", sa.Text(), nullable=False),
        sa.Column("word", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="attested_persons_pk"),
        postgresql_with={"autovacuum_vacuum_insert_threshold": -1},
        sqlite_with_rowid=False,
    )
    op.create_index("attested_persons_book_id_payer_id_ix", "attested_persons", ["book_id", "payer", "id"])
    op.create_table(
        "payer_links",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("digest", sa.LargeBinary(), nullable=False),
        sa.Column("seed", sa.LargeBinary(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("purpose", sa.Text(), nullable=False),
        sa.Column("payment", sa.Text(), nullable=False),
        sa.Column("attestation", sa.Text(), nullable=False),
        sa.Column("client_key", sa.Text(), nullable=False),
        sa.Column("live_target", sa.Text(), nullable=True),
        sa.Column("state", sa.BigInteger(), nullable=False),
        sa.Column("open_time", sa.BigInteger(), nullable=False),
        sa.Column("device", sa.Text(), nullable=False),
        sa.Column("expire_time", sa.BigInteger(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.Column("return_uri", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="payer_links_pk"),
        sqlite_with_rowid=False,
    )
    op.create_index("payer_links_book_id_digest_ix", "payer_links", ["book_id", "digest"], unique=True)
    op.create_index("payer_links_book_id_live_target_ix", "payer_links", ["book_id", "live_target"])
    op.create_table(
        "registrations",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("challenge", sa.LargeBinary(), nullable=False),
        sa.Column("spc", sa.Boolean(), nullable=False),
        sa.Column("recovery", sa.Boolean(), nullable=False),
        sa.Column("confirmation_required", sa.Boolean(), nullable=False),
        sa.Column("attested", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("passkey", sa.LargeBinary(), nullable=True),
        sa.Column("expire_time", sa.BigInteger(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="registrations_pk"),
        sqlite_with_rowid=False,
    )
    op.create_index("registrations_book_id_payer_id_ix", "registrations", ["book_id", "payer", "id"])
    op.create_table(
        "enrolment_evidence",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("registration", sa.LargeBinary(), nullable=False),
        sa.Column("credential", sa.Text(), nullable=False),
        sa.Column("challenge", sa.LargeBinary(), nullable=False),
        sa.Column("attested", sa.Text(), nullable=False),
        sa.Column("confirmation", sa.LargeBinary(), nullable=True),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="enrolment_evidence_pk"),
        postgresql_with={"autovacuum_vacuum_insert_threshold": -1},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "passkeys",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("display_name", sa.Text(), nullable=False),
        sa.Column("state", sa.BigInteger(), nullable=False),
        sa.Column("state_version", sa.BigInteger(), nullable=False),
        sa.Column("credential", sa.LargeBinary(), nullable=False),
        sa.Column("public_key", sa.LargeBinary(), nullable=False),
        sa.Column("handle", sa.LargeBinary(), nullable=False),
        sa.Column("sign_count", sa.BigInteger(), nullable=False),
        sa.Column("backup_eligible", sa.Boolean(), nullable=False),
        sa.Column("backup_state", sa.Boolean(), nullable=False),
        sa.Column("aaguid", sa.Text(), nullable=False),
        sa.Column("transports", sa.Text(), nullable=False),
        sa.Column("spc", sa.Boolean(), nullable=False),
        sa.Column("browser_keys", sa.Text(), nullable=False),
        sa.Column("devices", sa.Text(), nullable=False),
        sa.Column("registration", sa.LargeBinary(), nullable=False),
        sa.Column("regressed_time", sa.BigInteger(), nullable=False),
        sa.Column("trusted_time", sa.BigInteger(), nullable=False),
        sa.Column("cooling_end_time", sa.BigInteger(), nullable=False),
        sa.Column("last_use_time", sa.BigInteger(), nullable=False),
        sa.Column("revoked_by", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="passkeys_pk"),
        postgresql_with={"fillfactor": 70},
        sqlite_with_rowid=False,
    )
    op.create_index("passkeys_book_id_credential_ix", "passkeys", ["book_id", "credential"], unique=True)
    op.create_index("passkeys_book_id_payer_id_ix", "passkeys", ["book_id", "payer", "id"])
    op.create_table(
        "confirmations",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("act", sa.Text(), nullable=False),
        sa.Column("pending_act", sa.Text(), nullable=True),
        sa.Column("method", sa.BigInteger(), nullable=False),
        sa.Column("terms", sa.Text(), nullable=False),
        sa.Column("rp_id", sa.Text(), nullable=False),
        sa.Column("nonce", sa.LargeBinary(), nullable=False),
        sa.Column("challenge", sa.LargeBinary(), nullable=False),
        sa.Column("display", sa.Text(), nullable=False),
        sa.Column("options", sa.Text(), nullable=False),
        sa.Column("state", sa.BigInteger(), nullable=False),
        sa.Column("rejection", sa.BigInteger(), nullable=False),
        sa.Column("passkey", sa.LargeBinary(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("state_version", sa.BigInteger(), nullable=False),
        sa.Column("expire_time", sa.BigInteger(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="confirmations_pk"),
        postgresql_with={"fillfactor": 70},
        sqlite_with_rowid=False,
    )
    op.create_index("confirmations_book_id_payer_id_ix", "confirmations", ["book_id", "payer", "id"])
    op.create_index("confirmations_book_id_pending_act_ix", "confirmations", ["book_id", "pending_act"])
    op.create_table(
        "confirmation_evidence",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("passkey", sa.LargeBinary(), nullable=False),
        sa.Column("document", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="confirmation_evidence_pk"),
        postgresql_with={"autovacuum_vacuum_insert_threshold": -1},
        sqlite_with_rowid=False,
    )
    op.create_table(
        "mandates",
        sa.Column("book_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("id", sa.LargeBinary(), nullable=False),
        sa.Column("merchant", sa.Text(), nullable=False),
        sa.Column("payer", sa.Text(), nullable=False),
        sa.Column("instrument", sa.LargeBinary(), nullable=True),
        sa.Column("currency", sa.Text(), nullable=False),
        sa.Column("payment_max", sa.BigInteger(), nullable=False),
        sa.Column("day_max", sa.BigInteger(), nullable=False),
        sa.Column("total_max", sa.BigInteger(), nullable=False),
        sa.Column("day_zone", sa.Text(), nullable=False),
        sa.Column("state", sa.BigInteger(), nullable=False),
        sa.Column("state_version", sa.BigInteger(), nullable=False),
        sa.Column("day", sa.BigInteger(), nullable=False),
        sa.Column("spent_day", sa.BigInteger(), nullable=False),
        sa.Column("spent_total", sa.BigInteger(), nullable=False),
        sa.Column("confirmation", sa.LargeBinary(), nullable=False),
        sa.Column("expire_time", sa.BigInteger(), nullable=False),
        sa.Column("create_time", sa.BigInteger(), nullable=False),
        sa.Column("update_time", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("book_id", "id", name="mandates_pk"),
        postgresql_with={"fillfactor": 70},
        sqlite_with_rowid=False,
    )
    op.create_index("mandates_book_id_merchant_id_ix", "mandates", ["book_id", "merchant", "id"])
    op.create_index("mandates_book_id_payer_id_ix", "mandates", ["book_id", "payer", "id"])


def downgrade() -> None:
    """Takes it back."""
    op.drop_table("mandates")
    op.drop_table("confirmation_evidence")
    op.drop_table("confirmations")
    op.drop_table("passkeys")
    op.drop_table("enrolment_evidence")
    op.drop_table("registrations")
    op.drop_table("payer_links")
    op.drop_table("attested_persons")
    op.drop_table("partner_quotas")
    op.drop_table("platform_keys")
    op.drop_table("client_keys")
    op.drop_table("clients")
