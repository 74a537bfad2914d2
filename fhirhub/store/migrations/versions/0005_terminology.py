"""Code systems that are too large to lie in memory.

Revision: 0005
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")

    def key(name: str, kind: Any = None) -> Any:
        return sa.Column(name, sa.Integer() if kind is None else kind, nullable=False)

    op.create_table(
        "code_system",
        key("tenant"),
        key("edition"),
        key("url", text),
        key("version", text),
        key("state", text),
        key("loaded", sa.BigInteger()),
        key("concepts"),
        key("description", text),
        sa.PrimaryKeyConstraint("tenant", "edition"),
    )
    op.create_table(
        "code_system_use",
        key("tenant"),
        key("edition"),
        sa.PrimaryKeyConstraint("tenant", "edition"),
    )
    op.create_table(
        "concept",
        key("tenant"),
        key("edition"),
        key("n"),
        key("code", text),
        sa.Column("display", text, nullable=True),
        key("active", sa.Boolean()),
        key("abstract", sa.Boolean()),
        key("words", text),
        key("detail", text),
        sa.PrimaryKeyConstraint("tenant", "edition", "n"),
        sqlite_with_rowid=False,
    )
    op.create_index("concept_code", "concept", ["tenant", "edition", "code"], unique=True)
    op.create_table(
        "concept_edge",
        key("tenant"),
        key("edition"),
        key("parent"),
        key("child"),
        sa.PrimaryKeyConstraint("tenant", "edition", "parent", "child"),
        sqlite_with_rowid=False,
    )
    op.create_index("concept_edge_up", "concept_edge", ["tenant", "edition", "child", "parent"])
    op.create_table(
        "concept_interval",
        key("tenant"),
        key("edition"),
        key("n"),
        key("low"),
        key("high"),
        sa.PrimaryKeyConstraint("tenant", "edition", "n", "low"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "concept_property",
        key("tenant"),
        key("edition"),
        key("property", text),
        key("value", text),
        key("n"),
        sa.PrimaryKeyConstraint("tenant", "edition", "property", "value", "n"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "concept_word",
        key("tenant"),
        key("edition"),
        key("start", text),
        key("length"),
        key("n"),
        key("word", text),
        sa.PrimaryKeyConstraint("tenant", "edition", "start", "length", "n", "word"),
        sqlite_with_rowid=False,
    )


def downgrade() -> None:
    raise NotImplementedError("Restore a backup to go back.")
