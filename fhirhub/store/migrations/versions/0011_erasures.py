"""Of an erasure what kind of subject it was, and who decided it.

Revision: 0011
"""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    text = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
    op.add_column("erasure", sa.Column("kind", text, nullable=False, server_default="patient"))
    op.add_column("erasure", sa.Column("decider", text, nullable=False, server_default=""))


def downgrade() -> None:
    raise NotImplementedError("Restore a backup to go back.")
