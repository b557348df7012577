"""Daily statistics of advertising platforms."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

NUMBER = sa.Float(precision=53)


def upgrade() -> None:
    op.create_table(
        "channel_days",
        sa.Column("workspace", sa.String(length=128), nullable=False),
        sa.Column("platform", sa.String(length=32), nullable=False),
        sa.Column("ad", sa.String(length=128), nullable=False),
        sa.Column("day", sa.String(length=10), nullable=False),
        sa.Column("ad_name", sa.Text(), nullable=False),
        sa.Column("campaign", sa.Text(), nullable=False),
        sa.Column("creative_id", sa.String(length=128), nullable=True),
        sa.Column("impressions", sa.BigInteger(), nullable=False),
        sa.Column("clicks", sa.BigInteger(), nullable=False),
        sa.Column("cost", NUMBER, nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("conversions", NUMBER, nullable=True),
        sa.Column("value", NUMBER, nullable=True),
        sa.Column("imported", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "platform", "ad", "day", name=op.f("pk_channel_days")),
    )


def downgrade() -> None:
    op.drop_table("channel_days")
