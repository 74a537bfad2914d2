"""Who may see what: relations and holdings, and the labels of resources. `fhirhub reindex` fills them for what
is stored already.

Revision: 0004
"""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("resource", sa.Column("label", TEXT, nullable=True))
    op.add_column("version", sa.Column("label", TEXT, nullable=True))
    op.create_table(
        "relation",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("rid", sa.BigInteger(), nullable=False),
        sa.Column("subject", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
        sa.Column("type", TEXT, nullable=False),
        sa.Column("start", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("weight", sa.Integer(), nullable=False),
    )
    op.create_index(
        "relation_a", "relation", ["tenant", "subject", "kind", "actor", "start", "until", "type", "weight"]
    )
    op.create_index("relation_b", "relation", ["tenant", "rid"])
    op.create_index("relation_c", "relation", ["tenant", "actor", "kind", "subject", "start", "until"])
    op.create_table(
        "holding",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("rid", sa.BigInteger(), nullable=False),
        sa.Column("target_type", TEXT, nullable=False),
        sa.Column("target_id", TEXT, nullable=False),
        sa.Column("actor", TEXT, nullable=False),
        sa.Column("kind", sa.Integer(), nullable=False),
    )
    op.create_index("holding_a", "holding", ["tenant", "target_id", "target_type", "kind", "actor"])
    op.create_index("holding_b", "holding", ["tenant", "rid"])
    op.create_index("holding_c", "holding", ["tenant", "actor", "kind", "target_type", "target_id"])
