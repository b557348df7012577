"""What is kept stays as it was, whole or not at all."""

from __future__ import annotations

import dataclasses
import stat
import subprocess
import sys
import threading
from decimal import Decimal
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy.exc import IntegrityError

from experiments import Arm, Experiment, make_table
from service.domain import Approval, Fact, Money, Product, Review
from service.errors import Conflict, NotFound
from service.records import AuditEntry, ItemState, JobItem, JobState, RunningTest, Showing, TestState
from service.settings import Settings, keep_secret
from service.storage import Database, Objects, Store
from service.storage.objects import open_objects
from service.storage.tables import metadata
from tests.service.conftest import NOW, SCENES, creative_of, png

ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def database(tmp_path: Path) -> Database:
    database = Database(f"sqlite:///{tmp_path / 'rows.sqlite'}")
    database.migrate()
    return database


@pytest.fixture
def objects(tmp_path: Path) -> Objects:
    return Objects(open_objects(f"file://{tmp_path / 'objects'}"), "main")


PRODUCT = Product(
    id="mug",
    title="Becher, 350 ml 杯",
    facts=(Fact("capacity", "350 ml"), Fact("height", "92", "mm")),
    price=Money(Decimal("28.10"), "EUR"),
    reviews=(Review("r1", "good", 4.5, "2026-01-02"),),
)


def draft(id: str = "t1") -> RunningTest:
    arms = (Arm("a", {"headline": "x"}), Arm("b", {"headline": "y"}))
    from experiments import Factor

    plan = Experiment(id, arms, (Factor("headline", ("x", "y")),))
    showings = tuple(
        Showing(
            arm.id, "cr", "mug", "k.png", 1, 1, "x", None, None, "https://shop.example", True, {"creative": ("cr",)}
        )
        for arm in arms
    )
    return RunningTest(id, "T", TestState.DRAFT, plan, showings, f"pk_{id}", NOW)


def test_the_first_migration_makes_exactly_the_tables(database: Database) -> None:
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
        assert connection.exec_driver_sql("pragma journal_mode").scalar() == "wal"
        assert connection.exec_driver_sql("pragma synchronous").scalar() == 2  # FULL: a commit is on disk
    database.migrate()  # again: nothing to do


def test_the_tables_and_the_raw_inserts_can_be_said_to_postgresql() -> None:
    """The dialect has a word for every type and gives every raw insert's column; a server is not asked."""
    from sqlalchemy.dialects import postgresql
    from sqlalchemy.schema import CreateTable

    from service.tracking.sinks import DECISION_COLUMNS, EVENT_COLUMNS

    dialect = postgresql.dialect()  # type: ignore[no-untyped-call]
    said = {name: str(CreateTable(table).compile(dialect=dialect)) for name, table in metadata.tables.items()}
    assert "seq BIGSERIAL" in said["events"]
    assert "body JSONB" in said["products"]
    assert set(DECISION_COLUMNS) == set(metadata.tables["decisions"].c.keys()) - {"seq"}
    assert set(EVENT_COLUMNS) == set(metadata.tables["events"].c.keys()) - {"seq"}


def test_starting_the_service_loads_no_network() -> None:
    code = "import sys, service.app; print(sorted({'torch', 'transformers', 'diffusers', 'cv2'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "[]"


def test_every_row_belongs_to_a_workspace() -> None:
    owner = {"workspaces": "id", "api_keys": "workspace", "log_state": "id"}  # log_state: one row for all
    for name, table in metadata.tables.items():
        assert owner.get(name, "workspace") in table.c, name


def test_a_product_survives_a_restart_field_by_field(database: Database, tmp_path: Path) -> None:
    Store(database, "main").products.put(PRODUCT, NOW)
    database.close()
    again = Database(f"sqlite:///{tmp_path / 'rows.sqlite'}")
    again.migrate()
    assert Store(again, "main").products.get("mug") == PRODUCT


def test_many_products_are_kept_together_or_not_at_all(database: Database) -> None:
    products = Store(database, "main").products
    broken = dataclasses.replace(PRODUCT, id="bad", title=None)  # type: ignore[arg-type]
    with pytest.raises(IntegrityError):
        products.put_many([PRODUCT, broken], NOW)
    with pytest.raises(NotFound):
        products.get("mug")


def test_a_workspace_does_not_see_anothers_rows(database: Database) -> None:
    Store(database, "main").products.put(PRODUCT, NOW)
    with pytest.raises(NotFound):
        Store(database, "other").products.get("mug")
    assert Store(database, "other").products.page().items == ()


def test_a_creative_keeps_its_approval_when_it_is_made_again(database: Database) -> None:
    store = Store(database, "main")
    creative, _ = creative_of("mug", SCENES[0])
    store.creatives.put(creative, NOW)
    entry = AuditEntry(NOW, "key", "approve", "creative", creative.id)
    store.creatives.decide_approval(creative.id, Approval.APPROVED, entry)
    store.creatives.put(creative, NOW)
    got = store.creatives.get(creative.id)
    assert got == dataclasses.replace(creative, approval=Approval.APPROVED, created=NOW)
    assert store.audit() == (entry,)


def test_a_job_closes_when_its_last_item_is_settled_and_an_item_settles_once(database: Database) -> None:
    jobs = Store(database, "main").jobs
    assert jobs.add("j", "images", [{"n": 0}, {"n": 1}], NOW)
    assert not jobs.add("j", "images", [{"n": 0}], NOW)
    jobs.settle("j", JobItem(0, {}, ItemState.DONE, "cr_1"), NOW)
    jobs.settle("j", JobItem(0, {}, ItemState.FAILED, None, "late"), NOW)  # a second worker comes too late
    assert jobs.get("j").state is JobState.QUEUED
    jobs.settle("j", JobItem(1, {}, ItemState.FAILED, None, "no product"), NOW)
    job = jobs.get("j")
    assert (job.state, job.n_done, job.n_failed, job.finished) == (JobState.DONE, 1, 1, NOW)
    assert jobs.item("j", 0).result_id == "cr_1"
    with pytest.raises(Conflict):
        jobs.cancel("j", NOW)


def test_a_test_comes_back_with_its_plan_its_arms_and_what_they_show(database: Database) -> None:
    tests = Store(database, "main").tests
    assert tests.add(draft())
    assert tests.get("t1") == draft()
    tests.set_arm_states("t1", {"b": "paused"})
    assert tests.get("t1").plan.active_arms == ("a",)


def test_two_processes_cannot_both_write_the_same_weight_version(database: Database) -> None:
    import numpy as np

    tests = Store(database, "main").tests
    tests.add(draft())
    table = make_table(draft().plan, {"all": np.array([0.3, 0.7])}, version=1, time=0.0)
    assert [tests.add_table("t1", table, NOW) for _ in range(2)] == [True, False]
    kept = tests.tables("t1")[1]
    assert kept.segments["all"].logged == table.segments["all"].logged  # bit by bit: these are logged as propensities


def test_a_stopped_test_cannot_start_again(database: Database) -> None:
    tests = Store(database, "main").tests
    tests.add(draft())
    entry = AuditEntry(NOW, "key", "stop", "experiment", "t1")
    tests.change("t1", TestState.STOPPED, entry, (TestState.DRAFT,))
    with pytest.raises(Conflict):
        tests.change("t1", TestState.RUNNING, entry, (TestState.DRAFT, TestState.PAUSED))


def test_an_object_is_put_once_and_the_first_bytes_stay(objects: Objects) -> None:
    assert objects.put("pictures/a.png", b"first") == objects.put("pictures/a.png", b"second")
    assert objects.get("pictures/a.png") == b"first"
    assert objects.has("pictures/a.png")
    assert not objects.has("pictures/b.png")


@pytest.mark.parametrize("key", ["../other/a.png", "/etc/passwd", "a/../../b", "a//b", "", ".hidden", "a\n"])
def test_a_key_cannot_leave_its_workspace(objects: Objects, key: str) -> None:
    with pytest.raises(NotFound):
        objects.get(key)


def test_photographs_are_kept_under_the_digest_of_their_bytes(objects: Objects) -> None:
    key = objects.put_photo(png(), "png")
    assert objects.put_photo(png(), "png") == key
    assert objects.get(key) == png()


def test_a_secret_is_made_once_and_only_its_owner_can_read_it(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "secret.key"
    found: list[str] = []
    threads = [threading.Thread(target=lambda i=i: found.append(keep_secret(path, f"value-{i}"))) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(found)) == 1
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(path.parent.iterdir()) == [path]


def test_settings_never_print_their_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADLOOM_SECRET_KEY", "do-not-tell")
    monkeypatch.setenv("ADLOOM_PORT", "9001")
    settings = Settings()
    assert settings.port == 9001
    assert settings.secret() == b"do-not-tell"
    assert "do-not-tell" not in repr(settings)
