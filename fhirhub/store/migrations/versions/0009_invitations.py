"""The one-time codes by which relatives get an account, and accounts by their person.

Revision: 0009
"""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "auth_invitation",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("id", text, nullable=False),
        sa.Column("person", text, nullable=False),
        sa.Column("patient", text, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("expires", sa.BigInteger(), nullable=False),
        sa.Column("used", sa.BigInteger()),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )
    op.create_index("auth_invitation_patient", "auth_invitation", ["tenant", "patient"])
    op.create_index("auth_role_person", "auth_role", ["tenant", "fhir_user"])


def downgrade() -> None:
    raise NotImplementedError("Restore a backup to go back.")
