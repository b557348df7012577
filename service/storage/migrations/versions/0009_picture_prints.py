"""Prints of finished pictures: what they look like, to find them again without their names."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

ID = sa.String(length=128)


def upgrade() -> None:
    op.create_table(
        "picture_prints",
        sa.Column("seq", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), autoincrement=True, nullable=False),
        sa.Column("workspace", ID, nullable=False),
        sa.Column("creative_id", ID, nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("print", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("seq", name=op.f("pk_picture_prints")),
        sa.UniqueConstraint("workspace", "creative_id", name=op.f("uq_picture_prints_workspace_creative_id")),
    )
    for columns in (["workspace", "sha256"], ["workspace", "seq"]):
        name = op.f(f"ix_picture_prints_{'_'.join(columns)}")
        op.create_index(name, "picture_prints", columns, unique=False)


def downgrade() -> None:
    op.drop_table("picture_prints")
