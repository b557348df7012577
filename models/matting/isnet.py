"""IS-Net: cuts out whatever stands out, on any background. ONNX, run by onnxruntime on the CPU or a GPU it knows.

Architecture and training: Qin et al., "Highly Accurate Dichotomous Image Segmentation", ECCV 2022. The weights are the
row "isnet"; a folder or a hub id that holds one ONNX file with the same input works too (BiRefNet exports do).
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from models import weights
from models.errors import NoProductFound, UnknownWeights, UnsupportedRequest, WeightSourceFailed
from models.types import Alpha, BytePixels, CutOut, Provenance

from .cutting import finished
from .refine import refined, without_speckle

REVISION = "isnet-1"
INPUT_PX = 1024
ZOOM_BELOW = 0.62  # of the frame's side: smaller products are looked at a second time, larger
LEAST = 0.003  # of the frame


class IsNet:
    """Matting by IS-Net. Same photograph and weights, same bytes on one machine."""

    name = "isnet"

    def __init__(self, model: str = "isnet", threads: int = 0, zoom: bool = True) -> None:
        """Choose the weights; they are loaded when first used.

        Args:
            model: a row of the weight table, a hub id that was added, or a folder or file with an ONNX model.
            threads: 0 lets onnxruntime choose.
            zoom: look twice where the product is small in the frame; twice the time, a finer edge.
        """
        self._model, self._threads, self._zoom = model, threads, zoom
        self._file = _onnx_file(model)

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.log_severity_level = 3
        wanted = ("CUDAExecutionProvider", "CPUExecutionProvider")
        there = [name for name in wanted if name in onnxruntime.get_available_providers()]
        try:
            return onnxruntime.InferenceSession(str(self._file), options, providers=there)
        except Exception as error:  # onnxruntime has one class a fault, all of them plain Exceptions
            reason = (str(error).splitlines() or [type(error).__name__])[0][:160]
            raise WeightSourceFailed(
                self._model, f"{self._file.name} is not a model that runs here: {reason}"
            ) from error

    @cached_property
    def _revision(self) -> str:
        try:
            return f"{REVISION}-{weights.revision(self._model)[:16]}"
        except UnknownWeights:
            return f"{REVISION}-{weights.sha256_of(self._file)[:16]}"

    def cut_out(self, photo: BytePixels) -> CutOut:
        """Lift the product off any background. Raises NoProductFound where nothing stands out."""
        coarse, grid_px = self.look(photo)
        if float((coarse > 0.5).mean()) < LEAST:
            raise NoProductFound("nothing on the photograph stands out to the network")
        alpha = refined(photo, coarse, grid_px)
        return finished(photo, alpha, coarse=coarse, provenance=Provenance("isnet", self._model, self._revision))

    def look(self, photo: BytePixels) -> tuple[Alpha, int]:
        """What the network itself answers: (h, w) 0 to 1 over the whole frame, and its cells along the longer side."""
        height, width = photo.shape[:2]
        first = self._run(photo)
        grid = (min(INPUT_PX, width), min(INPUT_PX, height))
        whole = np.asarray(cv2.resize(first, grid, interpolation=cv2.INTER_AREA), dtype=np.float32)
        box = _box(whole, width / grid[0], height / grid[1], photo.shape[:2])
        if not self._zoom or box is None:
            return whole, max(grid)
        left, top, right, bottom = box
        if max((right - left) / width, (bottom - top) / height) > ZOOM_BELOW:
            return whole, max(grid)
        second = self._run(photo[top:bottom, left:right])
        fine = np.zeros((height, width), np.float32)
        fine[top:bottom, left:right] = cv2.resize(second, (right - left, bottom - top), interpolation=cv2.INTER_AREA)
        return fine, round(INPUT_PX * max(height, width) / max(right - left, bottom - top))

    def _run(self, photo: BytePixels) -> NDArray[np.float32]:
        shrinks = max(photo.shape[:2]) > INPUT_PX
        kind = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
        square = cv2.resize(photo, (INPUT_PX, INPUT_PX), interpolation=kind).astype(np.float32)
        batch = np.ascontiguousarray((square / 255.0 - 0.5).transpose(2, 0, 1)[None], dtype=np.float32)
        session = self._session
        first = session.get_outputs()[0].name
        answer = np.asarray(session.run([first], {session.get_inputs()[0].name: batch})[0], dtype=np.float32)
        plane = answer.reshape(answer.shape[-2:]) if answer.size == INPUT_PX * INPUT_PX else answer[0].max(axis=0)
        if not np.isfinite(plane).all():
            raise UnsupportedRequest("isnet", f"{self._file.name} answered with numbers that are none")
        if float(plane.min()) < -0.01 or float(plane.max()) > 1.01:  # an export that ends before its sigmoid
            plane = 1.0 / (1.0 + np.exp(-plane))
        return without_speckle(np.clip(plane, 0.0, 1.0).astype(np.float32))


def _onnx_file(model: str) -> Path:
    """The ONNX file of a row, an added hub id, a folder or a file. Raises MissingWeights, WeightSourceFailed."""
    given = Path(model).expanduser()
    place = given if given.exists() else weights.path(model)
    if place.is_file():
        return place
    found = sorted(place.rglob("*.onnx"))
    if not found:
        raise WeightSourceFailed(model, f"{place} has no ONNX file")
    return found[0]


def _box(whole: Alpha, x_scale: float, y_scale: float, shape: tuple[int, ...]) -> tuple[int, int, int, int] | None:
    """The product's box in the photograph with a fifth of its size around it; None where nothing is seen."""
    rows, columns = np.flatnonzero((whole > 0.3).any(axis=1)), np.flatnonzero((whole > 0.3).any(axis=0))
    if len(rows) == 0:
        return None
    top, bottom = rows[0] * y_scale, (rows[-1] + 1) * y_scale
    left, right = columns[0] * x_scale, (columns[-1] + 1) * x_scale
    pad = 0.2 * max(bottom - top, right - left) + 8
    return (
        max(0, int(left - pad)),
        max(0, int(top - pad)),
        min(shape[1], int(right + pad)),
        min(shape[0], int(bottom + pad)),
    )
