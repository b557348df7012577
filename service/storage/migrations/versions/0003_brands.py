"""Brands: how a shop speaks; and an index that tells quickly whether a job has items left."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

BODY = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")


def upgrade() -> None:
    op.create_table(
        "brands",
        sa.Column("workspace", sa.String(length=128), nullable=False),
        sa.Column("id", sa.String(length=128), nullable=False),
        sa.Column("body", BODY, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "id", name=op.f("pk_brands")),
    )
    op.create_index(
        op.f("ix_job_items_workspace_job_id_state"), "job_items", ["workspace", "job_id", "state"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_job_items_workspace_job_id_state"), table_name="job_items")
    op.drop_table("brands")
