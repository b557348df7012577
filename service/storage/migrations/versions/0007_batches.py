"""Batches of pictures; jobs that are paused, resumed and tried again."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None

BODY = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
ID = sa.String(length=128)


def upgrade() -> None:
    op.create_table(
        "batches",
        sa.Column("workspace", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("body", BODY, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "id", name=op.f("pk_batches")),
    )
    op.add_column("jobs", sa.Column("round", sa.Integer(), nullable=False, server_default="0"))
    op.add_column("jobs", sa.Column("reason", sa.Text(), nullable=True))


def downgrade() -> None:
    op.drop_column("jobs", "reason")
    op.drop_column("jobs", "round")
    op.drop_table("batches")
