"""Masks: cut-outs that a person corrected."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

ID = sa.String(length=128)


def upgrade() -> None:
    op.create_table(
        "photo_masks",
        sa.Column("workspace", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("mask_key", sa.Text(), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("by_key", ID, nullable=False),
        sa.Column("by_name", sa.Text(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "id", name=op.f("pk_photo_masks")),
    )


def downgrade() -> None:
    op.drop_table("photo_masks")
