"""Figures of measures that were told, so that no later ones tell of few by their difference.

Revision: 0014
"""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "published",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("figure", text, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("digest", text, nullable=False),
        sa.Column("content", text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "figure", "at", "digest"),
    )


def downgrade() -> None:
    raise NotImplementedError("Restore a backup to go back.")
