"""The log: its records, and the heads of its chains.

Revision: 0007
"""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
NAMES = (
    "patient", "type", "target", "version", "label", "person", "role", "organization", "client", "responsible", "rule",
)  # fmt: skip


def upgrade() -> None:
    op.create_table(
        "audit",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("chain", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("recorded", sa.BigInteger(), nullable=False),
        *(sa.Column(name, TEXT, nullable=False) for name in ("interaction", "action", "outcome")),
        *(sa.Column(name, sa.Integer() if name == "version" else TEXT, nullable=True) for name in NAMES),
        sa.Column("facts", sa.Integer(), nullable=False),
        *(sa.Column(name, TEXT, nullable=True) for name in ("request", "detail", "query")),
        sa.Column("query_mac", sa.LargeBinary(), nullable=True),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "chain", "number"),
        sqlite_with_rowid=False,
    )
    op.create_index("audit_patient", "audit", ["tenant", "patient", "recorded"])
    op.create_index("audit_organization", "audit", ["tenant", "organization", "recorded"])
    op.create_table(
        "audit_chain",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("chain", sa.Integer(), nullable=False),
        sa.Column("opened", sa.BigInteger(), nullable=False),
        sa.Column("birth", sa.LargeBinary(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("mac", sa.LargeBinary(), nullable=False),
        sa.Column("seal", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "chain"),
    )
