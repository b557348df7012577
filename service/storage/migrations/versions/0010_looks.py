"""How a brand looks: colours, corners, the keys of its logo and fonts."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

BODY = sa.JSON().with_variant(postgresql.JSONB(), "postgresql")
ID = sa.String(length=128)


def upgrade() -> None:
    op.create_table(
        "looks",
        sa.Column("workspace", ID, nullable=False),
        sa.Column("id", ID, nullable=False),
        sa.Column("body", BODY, nullable=False),
        sa.Column("updated", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("workspace", "id", name=op.f("pk_looks")),
    )


def downgrade() -> None:
    op.drop_table("looks")
