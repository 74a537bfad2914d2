"""Resources, their versions, the search indexes, and what the hub keeps of itself.

Revision: 0001
"""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "composite",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("rid", sa.BigInteger(), nullable=False),
        sa.Column("param", sa.Integer(), nullable=False),
        sa.Column("text1", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("system1", sa.BigInteger(), nullable=True),
        sa.Column("low1", sa.Double(), nullable=True),
        sa.Column("high1", sa.Double(), nullable=True),
        sa.Column("text2", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=True),
        sa.Column("system2", sa.BigInteger(), nullable=True),
        sa.Column("low2", sa.Double(), nullable=True),
        sa.Column("high2", sa.Double(), nullable=True),
        sa.Column("text3", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=True),
        sa.Column("system3", sa.BigInteger(), nullable=True),
        sa.Column("low3", sa.Double(), nullable=True),
        sa.Column("high3", sa.Double(), nullable=True),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("code", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=True),
        sa.Column("unit", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=True),
    )
    op.create_index("composite_a", "composite", ["tenant", "param", "text1", "rid"], unique=False)
    op.create_index("composite_b", "composite", ["tenant", "rid", "param"], unique=False)
    op.create_table(
        "content",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("rid", sa.BigInteger(), nullable=False),
        sa.Column("param", sa.Integer(), nullable=False),
        sa.Column("value", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
    )
    op.create_index("content_a", "content", ["tenant", "param", "rid"], unique=False)
    op.create_index("content_b", "content", ["tenant", "rid", "param"], unique=False)
    op.create_table(
        "custom_parameter",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("state", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("body", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )
    op.create_table(
        "date",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("rid", sa.BigInteger(), nullable=False),
        sa.Column("param", sa.Integer(), nullable=False),
        sa.Column("low", sa.BigInteger(), nullable=False),
        sa.Column("high", sa.BigInteger(), nullable=False),
    )
    op.create_index("date_a", "date", ["tenant", "param", "low", "high", "rid"], unique=False)
    op.create_index("date_b", "date", ["tenant", "rid", "param"], unique=False)
    op.create_table(
        "erasure",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("subject", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("ground", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("erased", sa.BigInteger(), nullable=False),
        sa.Column("resources", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )
    op.create_table(
        "instance",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("value", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.PrimaryKeyConstraint("tenant", "name"),
    )
    op.create_table(
        "job",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("kind", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("content", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.Column("fault", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )
    op.create_index("job_due", "job", ["tenant", "due"], unique=False)
    op.create_table(
        "number",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("rid", sa.BigInteger(), nullable=False),
        sa.Column("param", sa.Integer(), nullable=False),
        sa.Column("low", sa.Double(), nullable=False),
        sa.Column("high", sa.Double(), nullable=False),
    )
    op.create_index("number_a", "number", ["tenant", "param", "low", "rid"], unique=False)
    op.create_index("number_b", "number", ["tenant", "rid", "param"], unique=False)
    op.create_table(
        "quantity",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("rid", sa.BigInteger(), nullable=False),
        sa.Column("param", sa.Integer(), nullable=False),
        sa.Column("low", sa.Double(), nullable=True),
        sa.Column("high", sa.Double(), nullable=True),
        sa.Column("code", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("system", sa.BigInteger(), nullable=False),
        sa.Column("unit", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("canonical", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("canonical_low", sa.Double(), nullable=True),
        sa.Column("canonical_high", sa.Double(), nullable=True),
    )
    op.create_index(
        "quantity_a", "quantity", ["tenant", "param", "canonical", "canonical_low", "rid"], unique=False
    )
    op.create_index("quantity_b", "quantity", ["tenant", "rid", "param"], unique=False)
    op.create_table(
        "reference",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("rid", sa.BigInteger(), nullable=False),
        sa.Column("param", sa.Integer(), nullable=False),
        sa.Column(
            "target_type", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False
        ),
        sa.Column("target_id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column(
            "target_version", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=True
        ),
        sa.Column("at", sa.BigInteger(), nullable=True),
    )
    op.create_index(
        "reference_a", "reference", ["tenant", "target_id", "param", "rid", "target_type"], unique=False
    )
    op.create_index("reference_b", "reference", ["tenant", "rid", "param"], unique=False)
    op.create_index(
        "reference_c",
        "reference",
        ["tenant", "target_id", "param", "at", "rid", "target_type"],
        unique=False,
        sqlite_where=sa.text("at IS NOT NULL"),
        postgresql_where=sa.text("at IS NOT NULL"),
    )
    op.create_table(
        "resource",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("rid", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("method", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("patient", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=True),
        sa.Column("write_id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "rid"),
    )
    op.create_index("resource_id", "resource", ["tenant", "type", "id"], unique=True)
    op.create_index("resource_updated", "resource", ["tenant", "type", "updated", "rid"], unique=False)
    op.create_table(
        "row_key",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("next", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant"),
    )
    op.create_table(
        "string",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("rid", sa.BigInteger(), nullable=False),
        sa.Column("param", sa.Integer(), nullable=False),
        sa.Column("value", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("exact", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=True),
        sa.Column("tail", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=True),
    )
    op.create_index("string_a", "string", ["tenant", "param", "value", "rid"], unique=False)
    op.create_index("string_b", "string", ["tenant", "rid", "param"], unique=False)
    op.create_table(
        "tenant",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("name", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("tenant"),
    )
    op.create_table(
        "token",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("rid", sa.BigInteger(), nullable=False),
        sa.Column("param", sa.Integer(), nullable=False),
        sa.Column("code", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("system", sa.BigInteger(), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=True),
    )
    op.create_index("token_a", "token", ["tenant", "param", "code", "rid", "system"], unique=False)
    op.create_index("token_b", "token", ["tenant", "rid", "param"], unique=False)
    op.create_index(
        "token_c",
        "token",
        ["tenant", "param", "code", "at", "rid", "system"],
        unique=False,
        sqlite_where=sa.text("at IS NOT NULL"),
        postgresql_where=sa.text("at IS NOT NULL"),
    )
    op.create_table(
        "uri",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("rid", sa.BigInteger(), nullable=False),
        sa.Column("param", sa.Integer(), nullable=False),
        sa.Column("value", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
    )
    op.create_index("uri_a", "uri", ["tenant", "param", "value", "rid"], unique=False)
    op.create_index("uri_b", "uri", ["tenant", "rid", "param"], unique=False)
    op.create_table(
        "version",
        sa.Column("tenant", sa.Integer(), nullable=False),
        sa.Column("rid", sa.BigInteger(), nullable=False),
        sa.Column("type", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=False),
        sa.Column("deleted", sa.Boolean(), nullable=False),
        sa.Column("method", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("patient", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=True),
        sa.Column("write_id", sa.Text().with_variant(sa.Text(collation="C"), "postgresql"), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("tenant", "rid", "version"),
    )
    op.create_index(
        "version_updated", "version", ["tenant", "type", "updated", "rid", "version"], unique=False
    )

    if op.get_bind().dialect.name == "postgresql":
        op.execute("ALTER TABLE resource ALTER body SET COMPRESSION lz4")
        op.execute("ALTER TABLE version ALTER body SET COMPRESSION lz4")


def downgrade() -> None:
    raise NotImplementedError("Restore a backup to go back.")
