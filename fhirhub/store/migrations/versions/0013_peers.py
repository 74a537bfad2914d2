"""Other hubs where plans live, and what they showed of these.

Revision: 0013
"""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "peer",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("base", text, nullable=False),
        sa.Column("client", text, nullable=False),
        sa.Column("organization", text, nullable=False),
        sa.Column("place", text),
        sa.Column("mark", text, nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=False),
        sa.Column("filled", sa.BigInteger(), nullable=False),
        sa.Column("looked", sa.BigInteger(), nullable=False),
        sa.Column("failed", sa.BigInteger()),
        sa.Column("fault", text),
        sa.PrimaryKeyConstraint("tenant", "name"),
    )
    op.create_table(
        "peer_view",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("peer", text, nullable=False),
        sa.Column("type", text, nullable=False),
        sa.Column("id", text, nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "peer", "type", "id"),
    )


def downgrade() -> None:
    raise NotImplementedError("Restore a backup to go back.")
