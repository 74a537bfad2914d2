"""Packages, and the mark that profiles, value sets and their like changed.

Revision: 0003
"""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.create_table(
        "conformance_mark",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("generation", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant"),
    )
    op.create_table(
        "package",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("version", text, nullable=False),
        sa.Column("added", sa.BigInteger(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("dependencies", text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name", "version"),
    )
    op.create_table(
        "package_resource",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("type", text, nullable=False),
        sa.Column("id", text, nullable=False),
        sa.Column("name", text, nullable=False),
        sa.Column("version", text, nullable=False),
        sa.PrimaryKeyConstraint("tenant", "type", "id", "name", "version"),
    )
