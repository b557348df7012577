"""Keys that expire, with a rate and quotas of their own; what each key had made in a month."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

BODY = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
ID = sa.String(length=128)


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("expires", sa.BigInteger(), nullable=True))
    op.add_column("api_keys", sa.Column("rate", sa.String(length=64), nullable=True))
    op.add_column("api_keys", sa.Column("quotas", BODY, nullable=True))
    op.create_table(
        "usage",
        sa.Column("workspace", ID, nullable=False),
        sa.Column("key_id", ID, nullable=False),
        sa.Column("month", sa.String(length=7), nullable=False),
        sa.Column("what", sa.String(length=32), nullable=False),
        sa.Column("n", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "month", "key_id", "what", name=op.f("pk_usage")),
    )


def downgrade() -> None:
    op.drop_table("usage")
    for name in ("quotas", "rate", "expires"):
        op.drop_column("api_keys", name)
