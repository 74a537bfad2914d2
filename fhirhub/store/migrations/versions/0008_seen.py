"""How far each person has seen a plan.

Revision: 0008
"""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "seen",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("rid", sa.BigInteger(), nullable=False),
        sa.Column("person", text, nullable=False),
        sa.Column("last_updated", sa.BigInteger(), nullable=False),
        sa.Column("last_rid", sa.BigInteger(), nullable=False),
        sa.Column("last_version", sa.BigInteger(), nullable=False),
        sa.Column("moment", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "rid", "person"),
    )


def downgrade() -> None:
    raise NotImplementedError("Restore a backup to go back.")
