"""The tables. Every row belongs to a workspace; every time is whole microseconds since 1970, UTC.

``decisions`` and ``events`` are written by ``service/tracking/sinks.py``, which names their columns again.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Dialect,
    Float,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


class Moment(TypeDecorator[datetime]):
    """A time with its zone, kept as microseconds since 1970: the same on every database, and sortable."""

    impl = BigInteger
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> int | None:
        return None if value is None else (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: Any, dialect: Dialect) -> datetime | None:
        return None if value is None else EPOCH + value * MICROSECOND


Body = JSON().with_variant(JSONB(), "postgresql")
Serial = BigInteger().with_variant(Integer(), "sqlite")  # SQLite numbers rows only when the type is INTEGER
Id = String(128)

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _owned(name: str, *rest: Any) -> Table:
    """A table of things with an id of their own within a workspace."""
    return Table(
        name,
        metadata,
        Column("workspace", Id, nullable=False),
        Column("id", Id, nullable=False),
        *rest,
        PrimaryKeyConstraint("workspace", "id"),
    )


workspaces = Table(
    "workspaces",
    metadata,
    Column("id", Id, primary_key=True),
    Column("name", Text, nullable=False),
    Column("created", Moment, nullable=False),
)

api_keys = Table(
    "api_keys",
    metadata,
    Column("id", Id, primary_key=True),
    Column("workspace", Id, nullable=False, index=True),
    Column("name", Text, nullable=False),
    Column("scopes", Body, nullable=False),
    Column("sha256", String(64), nullable=False),
    Column("created", Moment, nullable=False),
    Column("revoked", Moment),
    Column("expires", Moment),
    Column("rate", String(64)),  # null: what the settings say
    Column("quotas", Body),  # {what: how many in a month}
)

usage = Table(  # what each key had made in a month
    "usage",
    metadata,
    Column("workspace", Id, nullable=False),
    Column("key_id", Id, nullable=False),
    Column("month", String(7), nullable=False),  # "2026-03", UTC
    Column("what", String(32), nullable=False),
    Column("n", BigInteger, nullable=False),
    PrimaryKeyConstraint("workspace", "month", "key_id", "what"),
)

products = _owned(
    "products",
    Column("title", Text, nullable=False),
    Column("category", Text),
    Column("body", Body, nullable=False),
    Column("created", Moment, nullable=False),
    Column("updated", Moment, nullable=False),
)

brands = _owned(
    "brands",
    Column("body", Body, nullable=False),
    Column("created", Moment, nullable=False),
    Column("updated", Moment, nullable=False),
)

looks = _owned(  # how a brand looks; the id is the brand's
    "looks",
    Column("body", Body, nullable=False),
    Column("updated", Moment, nullable=False),
)

copies = _owned(
    "copies",
    Column("product_id", Id, nullable=False),
    Column("channel", Id, nullable=False),
    Column("language", String(35), nullable=False),
    Column("body", Body, nullable=False),
    Column("created", Moment, nullable=False),
    Index(None, "workspace", "product_id"),
)

creatives = _owned(
    "creatives",
    Column("product_id", Id, nullable=False),
    Column("format", Id, nullable=False),
    Column("approval", String(16), nullable=False),
    Column("picture_key", Text, nullable=False),
    Column("body", Body, nullable=False),
    Column("created", Moment, nullable=False),
    Index(None, "workspace", "product_id"),
    Index(None, "workspace", "approval"),
)

jobs = _owned(
    "jobs",
    Column("kind", String(32), nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("n_items", Integer, nullable=False),
    Column("created", Moment, nullable=False),
    Column("started", Moment),
    Column("finished", Moment),
    Column("round", Integer, nullable=False, server_default="0"),
    Column("reason", Text),
)

batches = _owned("batches", Column("body", Body, nullable=False), Column("created", Moment, nullable=False))

job_items = Table(
    "job_items",
    metadata,
    Column("workspace", Id, nullable=False),
    Column("job_id", Id, nullable=False),
    Column("position", Integer, nullable=False),
    Column("state", String(16), nullable=False),
    Column("request", Body, nullable=False),
    Column("result_id", Id),
    Column("reason", Text),
    Column("seconds", Float),
    PrimaryKeyConstraint("workspace", "job_id", "position"),
    Index(None, "workspace", "job_id", "state"),
)

experiments = _owned(
    "experiments",
    Column("name", Text, nullable=False),
    Column("state", String(16), nullable=False, index=True),
    Column("publishable_key", Id, nullable=False, unique=True),
    Column("body", Body, nullable=False),
    Column("created", Moment, nullable=False),
    Column("started", Moment),
    Column("stopped", Moment),
)

arms = Table(
    "arms",
    metadata,
    Column("workspace", Id, nullable=False),
    Column("experiment_id", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("position", Integer, nullable=False),
    Column("creative_id", Id, nullable=False),
    Column("state", String(16), nullable=False),
    Column("levels", Body),
    Column("showing", Body, nullable=False),
    PrimaryKeyConstraint("workspace", "experiment_id", "id"),
)

weight_tables = Table(
    "weight_tables",
    metadata,
    Column("workspace", Id, nullable=False),
    Column("experiment_id", Id, nullable=False),
    Column("version", Integer, nullable=False),
    Column("body", Body, nullable=False),
    Column("created", Moment, nullable=False),
    PrimaryKeyConstraint("workspace", "experiment_id", "version"),
)

decisions = Table(
    "decisions",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("id", Id, nullable=False, unique=True),
    Column("workspace", Id, nullable=False),
    Column("experiment_id", Id, nullable=False),
    Column("arm", Id, nullable=False),
    Column("propensity", Float(53), nullable=False),
    Column("version", Integer, nullable=False),
    Column("segment", Id, nullable=False),
    Column("is_holdout", Boolean, nullable=False),
    Column("visitor", String(32)),  # salted digest, or nothing
    Column("available", Text),  # arms that could be shown, a JSON list or an id in arm_sets; null: all of the table
    Column("at", BigInteger, nullable=False),
    Column("mark", String(16)),  # why it does not look like a person's; null: it does
    Index(None, "experiment_id", "seq"),
)

events = Table(
    "events",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("workspace", Id, nullable=False),
    Column("id", Id, nullable=False),
    Column("experiment_id", Id, nullable=False),
    Column("decision_id", Id, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("value", Float(53), nullable=False),
    Column("at", BigInteger, nullable=False),
    Column("received", BigInteger, nullable=False),
    Column("adds_exposure", Integer, nullable=False),  # 1 if this event is what made its decision an exposure
    Column("adds_success", Integer, nullable=False),  # 1 if it is the decision's first success
    Column("adds_value", Float(53), nullable=False),  # value that counts
    Column("adds_square", Float(53), nullable=False),  # what it adds to the square of the decision's value
    Column("is_late", Boolean, nullable=False),
    Column("mark", String(16)),  # its own or its decision's; marked events add nothing unless test_counting says so
    UniqueConstraint("decision_id", "id"),
    Index(None, "experiment_id", "seq"),
)

event_counts = Table(
    "event_counts",
    metadata,
    Column("workspace", Id, nullable=False),
    Column("experiment_id", Id, nullable=False),  # "" when the decision is unknown
    Column("outcome", String(32), nullable=False),  # or "out_of_order", "decisions:bot", "events:prefetch" ...
    Column("n", BigInteger, nullable=False),
    PrimaryKeyConstraint("workspace", "experiment_id", "outcome"),
)

arm_sets = Table(
    "arm_sets",
    metadata,
    Column("workspace", Id, nullable=False),
    Column("id", String(40), nullable=False),  # "set_" and the digest of `arms`
    Column("arms", Text, nullable=False),  # JSON list
    PrimaryKeyConstraint("workspace", "id"),
)

assignments = Table(  # what sticky visitors were promised
    "assignments",
    metadata,
    Column("workspace", Id, nullable=False),
    Column("experiment_id", Id, nullable=False),
    Column("visitor", String(32), nullable=False),
    Column("decision_id", Id, nullable=False, index=True),
    PrimaryKeyConstraint("visitor", "workspace", "experiment_id"),
)

test_counting = Table(
    "test_counting",
    metadata,
    Column("workspace", Id, nullable=False),
    Column("experiment_id", Id, nullable=False),
    Column("marks", Text, nullable=False),  # JSON list of the marks that are counted in
    Column("epoch", Integer, nullable=False),  # grows when rows that were read before change or go
    PrimaryKeyConstraint("workspace", "experiment_id"),
)

log_state = Table(
    "log_state",
    metadata,
    Column("id", Integer, primary_key=True),  # 1: there is one row
    Column("owner", String(16), nullable=False),  # the process that wrote last; others forget what they remember
)

kept_cells = Table(  # sums of the decisions that were erased or have expired
    "kept_cells",
    metadata,
    Column("workspace", Id, nullable=False),
    Column("experiment_id", Id, nullable=False),
    Column("version", Integer, nullable=False),
    Column("segment", Id, nullable=False),
    Column("available", Text, nullable=False),  # "": all of the table
    Column("arm", Id, nullable=False),
    Column("decisions", BigInteger, nullable=False),
    Column("shown", Float(53), nullable=False),
    Column("succeeded", Float(53), nullable=False),
    Column("value", Float(53), nullable=False),
    Column("square", Float(53), nullable=False),
    Column("time_sum", Float(53), nullable=False),  # seconds, over the exposures
    PrimaryKeyConstraint("workspace", "experiment_id", "version", "segment", "available", "arm"),
)

kept_kinds = Table(  # decisions of the same that were followed by a kind of event
    "kept_kinds",
    metadata,
    Column("workspace", Id, nullable=False),
    Column("experiment_id", Id, nullable=False),
    Column("kind", String(32), nullable=False),
    Column("arm", Id, nullable=False),
    Column("n", BigInteger, nullable=False),
    PrimaryKeyConstraint("workspace", "experiment_id", "kind", "arm"),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("workspace", Id, nullable=False),
    Column("key", String(255), nullable=False),
    Column("fingerprint", String(64), nullable=False),
    Column("owner", String(32), nullable=False),  # the process that is answering it
    Column("status", Integer),
    Column("content_type", Text),
    Column("location", Text),
    Column("answer", Text),
    Column("created", Moment, nullable=False, index=True),
    PrimaryKeyConstraint("workspace", "key"),
)

audit = Table(
    "audit",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("workspace", Id, nullable=False, index=True),
    Column("at", Moment, nullable=False),
    Column("actor", Id, nullable=False),
    Column("action", String(32), nullable=False),
    Column("kind", String(32), nullable=False),
    Column("thing_id", Id, nullable=False),
    Column("detail", Body, nullable=False),
)

drafts = _owned(  # copy asked for on the page, on its way to approval
    "drafts",
    Column("product_id", Id, nullable=False),
    Column("state", String(16), nullable=False),
    Column("body", Body, nullable=False),  # the product as it was, channels, brief, who asked
    Column("doing", Text, nullable=False),
    Column("share", Float(53), nullable=False),
    Column("began", Moment),
    Column("beat", Moment, nullable=False),
    Column("owner", String(32), nullable=False),
    Column("is_unwanted", Boolean, nullable=False),
    Column("copies", Body, nullable=False),
    Column("problems", Body, nullable=False),
    Column("created", Moment, nullable=False),
    Index(None, "workspace", "created"),
)

draft_lines = Table(
    "draft_lines",
    metadata,
    Column("workspace", Id, nullable=False),
    Column("draft_id", Id, nullable=False),
    Column("number", Integer, nullable=False),
    Column("channel", Id, nullable=False),
    Column("body", Body, nullable=False),
    Column("version", Integer, nullable=False),
    Column("approved_by", Id),  # a key's id; null: not approved
    Column("approved_name", Text),
    Column("approved_at", Moment),
    Column("past", Body, nullable=False),  # how it was before each change
    PrimaryKeyConstraint("workspace", "draft_id", "number"),
)

photo_masks = _owned(  # cut-outs that a person corrected; the id is the photograph's SHA-256
    "photo_masks",
    Column("mask_key", Text, nullable=False),
    Column("sha256", String(64), nullable=False),  # of the mask's bytes
    Column("by_key", Id, nullable=False),
    Column("by_name", Text, nullable=False),
    Column("updated", Moment, nullable=False),
)

channel_days = Table(  # what platforms report of ads that they serve; never mixed with our own log
    "channel_days",
    metadata,
    Column("workspace", Id, nullable=False),
    Column("platform", String(32), nullable=False),
    Column("ad", Id, nullable=False),
    Column("day", String(10), nullable=False),  # ISO 8601
    Column("ad_name", Text, nullable=False),
    Column("campaign", Text, nullable=False),
    Column("creative_id", Id),
    Column("impressions", BigInteger, nullable=False),
    Column("clicks", BigInteger, nullable=False),
    Column("cost", Float(53)),
    Column("currency", String(3)),
    Column("conversions", Float(53)),
    Column("value", Float(53)),
    Column("imported", Moment, nullable=False),
    PrimaryKeyConstraint("workspace", "platform", "ad", "day"),
)

picture_prints = Table(  # what finished pictures look like, to find them again without their names
    "picture_prints",
    metadata,
    Column("seq", Serial, primary_key=True, autoincrement=True),
    Column("workspace", Id, nullable=False),
    Column("creative_id", Id, nullable=False),
    Column("sha256", String(64), nullable=False),  # of the delivered file
    Column("print", LargeBinary, nullable=False),  # service/provenance/prints.py
    UniqueConstraint("workspace", "creative_id"),
    Index(None, "workspace", "sha256"),
    Index(None, "workspace", "seq"),
)
