"""Drafts of copy: what was asked for on the page, its lines, and who approved them."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

BODY = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
ID = sa.String(length=128)


def upgrade() -> None:
    op.create_table(
        "drafts",
        sa.Column("workspace", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("product_id", ID, nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("body", BODY, nullable=False),
        sa.Column("doing", sa.Text(), nullable=False),
        sa.Column("share", sa.Float(precision=53), nullable=False),
        sa.Column("began", sa.BigInteger(), nullable=True),
        sa.Column("beat", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.String(length=32), nullable=False),
        sa.Column("is_unwanted", sa.Boolean(), nullable=False),
        sa.Column("copies", BODY, nullable=False),
        sa.Column("problems", BODY, nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "id", name=op.f("pk_drafts")),
    )
    op.create_index(op.f("ix_drafts_workspace_created"), "drafts", ["workspace", "created"], unique=False)
    op.create_table(
        "draft_lines",
        sa.Column("workspace", ID, nullable=False),
        sa.Column("draft_id", ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("channel", ID, nullable=False),
        sa.Column("body", BODY, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("approved_by", ID, nullable=True),
        sa.Column("approved_name", sa.Text(), nullable=True),
        sa.Column("approved_at", sa.BigInteger(), nullable=True),
        sa.Column("past", BODY, nullable=False),
        sa.PrimaryKeyConstraint("workspace", "draft_id", "number", name=op.f("pk_draft_lines")),
    )


def downgrade() -> None:
    op.drop_table("draft_lines")
    op.drop_index(op.f("ix_drafts_workspace_created"), table_name="drafts")
    op.drop_table("drafts")
