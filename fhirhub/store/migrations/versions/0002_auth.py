"""Who may come in: keys, clients, accounts, sessions, and what people granted to apps.

Revision: 0002
"""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "auth_account",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("username", TEXT, nullable=False),
        sa.Column("password", TEXT, nullable=True),
        sa.Column("totp", sa.LargeBinary(), nullable=True),
        sa.Column("totp_step", sa.BigInteger(), nullable=False, server_default="0"),
        sa.Column("disabled", sa.Boolean(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )
    op.create_index("auth_account_username", "auth_account", ["tenant", "username"], unique=True)
    op.create_table(
        "auth_assertion",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("client", TEXT, nullable=False),
        sa.Column("jti", TEXT, nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "client", "jti"),
    )
    op.create_table(
        "auth_attempt",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("what", TEXT, nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "what"),
    )
    op.create_table(
        "auth_client",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("metadata", TEXT, nullable=False),
        sa.Column("secret", TEXT, nullable=True),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )
    op.create_table(
        "auth_code",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("family", TEXT, nullable=False),
        sa.Column("content", TEXT, nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )
    op.create_table(
        "auth_grant",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("client", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("content", TEXT, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("revoked", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )
    op.create_index("auth_grant_account", "auth_grant", ["tenant", "account"], unique=False)
    op.create_table(
        "auth_key",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("kid", TEXT, nullable=False),
        sa.Column("algorithm", TEXT, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("active", sa.BigInteger(), nullable=False),
        sa.Column("retired", sa.BigInteger(), nullable=True),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "kid"),
    )
    op.create_table(
        "auth_launch",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("content", TEXT, nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )
    op.create_table(
        "auth_refresh",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("family", TEXT, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )
    op.create_table(
        "auth_revoked",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("what", TEXT, nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "what"),
    )
    op.create_table(
        "auth_role",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("fhir_user", TEXT, nullable=False),
        sa.Column("organization", TEXT, nullable=True),
        sa.Column("role", TEXT, nullable=False),
        sa.Column("responsible", TEXT, nullable=True),
        sa.PrimaryKeyConstraint("tenant", "account", "id"),
    )
    op.create_table(
        "auth_session",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("id", TEXT, nullable=False),
        sa.Column("account", TEXT, nullable=False),
        sa.Column("role", TEXT, nullable=True),
        sa.Column("acr", TEXT, nullable=False),
        sa.Column("signed_in", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )
    op.create_index("auth_session_account", "auth_session", ["tenant", "account"], unique=False)


def downgrade() -> None:
    raise NotImplementedError("Restore a backup to go back.")
