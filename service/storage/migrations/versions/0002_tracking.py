"""Tracking: marks, sticky visitors, sums that outlive erased rows; events are unique for their decision."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

ID = sa.String(length=128)


def upgrade() -> None:
    op.drop_index("ix_decisions_workspace_experiment_id_seq", "decisions")
    op.add_column("decisions", sa.Column("mark", sa.String(length=16), nullable=True))
    op.create_index("ix_decisions_experiment_id_seq", "decisions", ["experiment_id", "seq"])

    op.drop_index("ix_events_workspace_experiment_id_seq", "events")
    op.drop_index("ix_events_decision_id", "events")
    with op.batch_alter_table("events") as events:
        events.drop_constraint("uq_events_workspace_id", type_="unique")
        events.create_unique_constraint("uq_events_decision_id_id", ["decision_id", "id"])
        events.add_column(sa.Column("mark", sa.String(length=16), nullable=True))
    op.create_index("ix_events_experiment_id_seq", "events", ["experiment_id", "seq"])

    with op.batch_alter_table("event_counts") as counts:
        counts.alter_column("outcome", type_=sa.String(length=32), existing_type=sa.String(length=16))

    op.create_table(
        "arm_sets",
        _id("workspace"),
        sa.Column("id", sa.String(length=40), nullable=False),
        _text("arms"),
        _key("arm_sets", "workspace", "id"),
    )
    op.create_table(
        "assignments",
        _id("workspace"),
        _id("experiment_id"),
        sa.Column("visitor", sa.String(length=32), nullable=False),
        _id("decision_id"),
        _key("assignments", "visitor", "workspace", "experiment_id"),
    )
    op.create_index("ix_assignments_decision_id", "assignments", ["decision_id"])
    op.create_table(
        "test_counting",
        _id("workspace"),
        _id("experiment_id"),
        _text("marks"),
        sa.Column("epoch", sa.Integer(), nullable=False),
        _key("test_counting", "workspace", "experiment_id"),
    )
    op.create_table(
        "log_state",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("owner", sa.String(length=16), nullable=False),
        _key("log_state", "id"),
    )
    op.create_table(
        "kept_cells",
        _id("workspace"),
        _id("experiment_id"),
        sa.Column("version", sa.Integer(), nullable=False),
        _id("segment"),
        _text("available"),
        _id("arm"),
        sa.Column("decisions", sa.BigInteger(), nullable=False),
        *(
            sa.Column(name, sa.Float(precision=53), nullable=False)
            for name in ("shown", "succeeded", "value", "square", "time_sum")
        ),
        _key("kept_cells", "workspace", "experiment_id", "version", "segment", "available", "arm"),
    )
    op.create_table(
        "kept_kinds",
        _id("workspace"),
        _id("experiment_id"),
        sa.Column("kind", sa.String(length=32), nullable=False),
        _id("arm"),
        sa.Column("n", sa.BigInteger(), nullable=False),
        _key("kept_kinds", "workspace", "experiment_id", "kind", "arm"),
    )


def _id(name: str) -> sa.Column[str]:
    return sa.Column(name, ID, nullable=False)


def _text(name: str) -> sa.Column[str]:
    return sa.Column(name, sa.Text(), nullable=False)


def _key(table: str, *columns: str) -> sa.PrimaryKeyConstraint:
    return sa.PrimaryKeyConstraint(*columns, name=op.f(f"pk_{table}"))


def downgrade() -> None:
    """Back to the first tables; what was erased stays erased, and two events of one id must not be there."""
    for table in ("kept_kinds", "kept_cells", "log_state", "test_counting", "assignments", "arm_sets"):
        op.drop_table(table)
    with op.batch_alter_table("event_counts") as counts:
        counts.alter_column("outcome", type_=sa.String(length=16), existing_type=sa.String(length=32))
    op.drop_index("ix_events_experiment_id_seq", "events")
    with op.batch_alter_table("events") as events:
        events.drop_column("mark")
        events.drop_constraint("uq_events_decision_id_id", type_="unique")
        events.create_unique_constraint("uq_events_workspace_id", ["workspace", "id"])
    op.create_index("ix_events_decision_id", "events", ["decision_id"])
    op.create_index("ix_events_workspace_experiment_id_seq", "events", ["workspace", "experiment_id", "seq"])
    op.drop_index("ix_decisions_experiment_id_seq", "decisions")
    with op.batch_alter_table("decisions") as decisions:
        decisions.drop_column("mark")
    op.create_index("ix_decisions_workspace_experiment_id_seq", "decisions", ["workspace", "experiment_id", "seq"])
