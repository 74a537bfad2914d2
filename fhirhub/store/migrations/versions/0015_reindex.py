"""What an earlier version indexed is indexed anew in the background: relations and labels (0004), references by their
type alone, message Bundles and names of insurance plans.

Revision: 0015
"""

from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "INSERT INTO job (tenant, id, kind, content, due, tries) "
        "SELECT tenant, '0015', 'reindex', '{}', 0, 0 FROM tenant"
    )


def downgrade() -> None:
    raise NotImplementedError("Restore a backup to go back.")
