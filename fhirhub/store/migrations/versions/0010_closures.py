"""The closure tables of clients, and what was told of each.

Revision: 0010
"""

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "closure",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("owner", text, nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("started", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "owner", "name"),
    )
    op.create_table(
        "closure_step",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("owner", text, nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("system", text, nullable=False),
        sa.Column("edition", text, nullable=False),
        sa.Column("content", text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "owner", "name", "version", "system"),
    )


def downgrade() -> None:
    raise NotImplementedError("Restore a backup to go back.")
