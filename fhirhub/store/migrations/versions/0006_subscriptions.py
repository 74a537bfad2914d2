"""Subscriptions: how far each is, and its events.

Revision: 0006
"""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

TEXT = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def _column(name: str, kind: Any = TEXT, *, null: bool = False) -> Any:
    return sa.Column(name, kind, nullable=null)


def _number(name: str, *, null: bool = False) -> Any:
    return _column(name, sa.BigInteger(), null=null)


def upgrade() -> None:
    op.create_table(
        "subscription",
        _column("tenant", sa.Integer()),
        _column("id"),
        _column("status"),
        _column("organization", null=True),
        _column("receiver", null=True),
        _column("confirmed", sa.Boolean()),
        _number("numbered"),
        _number("delivered"),
        _number("due"),
        _column("tries", sa.Integer()),
        _number("sent"),
        _column("fault", null=True),
        _number("lease"),
        _column("holder"),
        _number("created"),
        sa.PrimaryKeyConstraint("tenant", "id"),
    )
    op.create_index("subscription_due", "subscription", ["tenant", "due"])
    op.create_index("subscription_organization", "subscription", ["tenant", "organization"])
    op.create_table(
        "subscription_event",
        _column("tenant", sa.Integer()),
        _column("subscription"),
        _column("key"),
        _number("number", null=True),
        _column("type"),
        _column("id"),
        _column("version", sa.Integer()),
        _column("method"),
        _column("topic", null=True),
        _column("bare", sa.Boolean()),
        _number("moment"),
        sa.PrimaryKeyConstraint("tenant", "subscription", "key"),
    )
    waiting = sa.text("number IS NULL")
    op.create_index("subscription_event_number", "subscription_event", ["tenant", "subscription", "number"])
    op.create_index(
        "subscription_event_waiting",
        "subscription_event",
        ["tenant", "subscription"],
        sqlite_where=waiting,
        postgresql_where=waiting,
    )
    op.create_index("subscription_event_focus", "subscription_event", ["tenant", "type", "id"])
    op.create_index("subscription_event_moment", "subscription_event", ["tenant", "moment"])
    op.create_table(
        "subscription_mark",
        _column("tenant", sa.Integer()),
        _number("generation"),
        sa.PrimaryKeyConstraint("tenant"),
    )
