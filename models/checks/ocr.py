"""Reads the text in a picture: PP-OCRv4 detection and recognition, Chinese and English, on onnxruntime.

The weights are the row ``ocr``; the reading around them is written here, so that no second copy of OpenCV is needed.

Source: Liao et al., "Real-time Scene Text Detection with Differentiable Binarization", 2020 (boxes from a probability
map, grown by area * ratio / perimeter); Graves et al., "Connectionist Temporal Classification", 2006 (greedy decoding).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from models import weights
from models.errors import MissingWeights
from models.types import BytePixels

WEIGHTS = "ocr"
LONG_SIDE_PX = 736  # detection works at most at this size: costs grow with the square
PROBABLE = 0.3  # of a pixel to be text
SURE_BOX = 0.5  # mean probability within a box
GROW = 1.6  # the network is taught boxes that are shrunk; this undoes it
LINE_PX = 48  # height the recogniser wants
SURE_LINE = 0.6  # mean probability of the characters of a line that is kept
MOST_LINES = 40
_DET = "ch_PP-OCRv4_det_infer.onnx"
_REC = "ch_PP-OCRv4_rec_infer.onnx"

Quad = NDArray[np.float32]  # (4, 2) px, clockwise from the left upper corner


@dataclass(frozen=True, slots=True)
class Line:
    """One line of text as read."""

    text: str
    confidence: float  # 0 to 1, mean over its characters
    box: tuple[int, int, int, int]  # left, top, right, bottom, px
    height_px: float  # of the line


class Reader:
    """Finds and reads lines of text. One for a process; its two networks are loaded when first used."""

    def __init__(self, threads: int = 1) -> None:
        self._threads = threads

    @cached_property
    def digest(self) -> str:
        """Short digest of both networks' weights."""
        return "+".join(file.sha256[:12] for file in weights.row(WEIGHTS).files[:2])

    def read(self, picture: BytePixels, long_side_px: int = LONG_SIDE_PX) -> tuple[Line, ...]:
        """Lines from top to bottom, then left to right.

        Args:
            picture: (H, W, 3) sRGB.
            long_side_px: detection is done at most at this size.

        Raises:
            MissingWeights: the row is not installed.
        """
        boxes = self._find(picture, long_side_px)
        lines = [line for box in boxes[:MOST_LINES] if (line := self._read_line(picture, box)) is not None]
        return tuple(sorted(lines, key=lambda line: (line.box[1] // 12, line.box[0])))

    def _find(self, picture: BytePixels, long_side_px: int) -> list[Quad]:
        import cv2

        height, width = picture.shape[:2]
        scale = min(1.0, long_side_px / max(height, width))
        size = (max(32, round(width * scale / 32) * 32), max(32, round(height * scale / 32) * 32))
        small = cv2.resize(picture, size, interpolation=cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR)
        mean = np.array([0.485, 0.456, 0.406], np.float32)  # ImageNet's
        spread = np.array([0.229, 0.224, 0.225], np.float32)
        values = (small.astype(np.float32) / 255.0 - mean) / spread
        (found,) = self._detector.run(None, {"x": np.ascontiguousarray(values.transpose(2, 0, 1))[None]})
        probable = found[0, 0]
        contours, _ = cv2.findContours((probable > PROBABLE).astype(np.uint8), cv2.RETR_LIST, cv2.CHAIN_APPROX_SIMPLE)
        back = np.array([width / size[0], height / size[1]], np.float32)
        boxes: list[Quad] = []
        for contour in sorted(contours, key=cv2.contourArea, reverse=True)[: 3 * MOST_LINES]:
            (centre, (w, h), angle) = cv2.minAreaRect(contour)
            if min(w, h) < 3 or _mean_inside(probable, contour) < SURE_BOX:
                continue
            reach = w * h * GROW / (2 * (w + h))
            corners = cv2.boxPoints((centre, (w + 2 * reach, h + 2 * reach), angle))
            boxes.append(_clockwise(corners.astype(np.float32) * back))
        return boxes

    def _read_line(self, picture: BytePixels, box: Quad) -> Line | None:
        import cv2

        width = float(max(np.linalg.norm(box[1] - box[0]), np.linalg.norm(box[2] - box[3])))
        height = float(max(np.linalg.norm(box[3] - box[0]), np.linalg.norm(box[2] - box[1])))
        if width < 4 or height < 4:
            return None
        corners = box
        if height > 1.6 * width:  # set upright along its side
            corners, width, height = np.roll(box, 1, axis=0), height, width
        wide = int(min(max(LINE_PX, round(width * LINE_PX / height)), 1600))
        target = np.array([[0, 0], [wide, 0], [wide, LINE_PX], [0, LINE_PX]], np.float32)
        turn = cv2.getPerspectiveTransform(np.ascontiguousarray(corners, dtype=np.float32), target)
        strip = cv2.warpPerspective(
            picture, turn, (wide, LINE_PX), flags=cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE
        )
        values = strip.astype(np.float32).transpose(2, 0, 1) / 127.5 - 1.0
        (chances,) = self._recogniser.run(None, {"x": values[None]})
        text, confidence = self._decode(chances[0])
        if not text.strip() or confidence < SURE_LINE:
            return None
        left, top = np.floor(box.min(axis=0)).clip(0).astype(int)
        right, bottom = np.ceil(box.max(axis=0)).astype(int)
        return Line(
            text.strip(),
            round(confidence, 3),
            (int(left), int(top), min(int(right), picture.shape[1]), min(int(bottom), picture.shape[0])),
            round(height, 1),
        )

    def _decode(self, chances: NDArray[np.float32]) -> tuple[str, float]:
        """Greedy: the likeliest sign at each step, repeats joined, blanks dropped."""
        best = chances.argmax(axis=1)
        kept = (best != 0) & np.concatenate([[True], best[1:] != best[:-1]])
        if not kept.any():
            return "", 0.0
        signs = self._alphabet
        return "".join(signs[i] for i in best[kept]), float(chances.max(axis=1)[kept].mean())

    @cached_property
    def _alphabet(self) -> tuple[str, ...]:
        listed = self._recogniser.get_modelmeta().custom_metadata_map["character"].splitlines()
        return ("", *listed, " ")  # 0 is the blank of the decoding, a space is last

    @cached_property
    def _detector(self) -> Any:
        return self._session(_DET)

    @cached_property
    def _recogniser(self) -> Any:
        return self._session(_REC)

    def _session(self, name: str) -> Any:
        import onnxruntime

        file = weights.folder() / WEIGHTS / name
        if not file.is_file():
            raise MissingWeights(WEIGHTS)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def is_installed() -> bool:
    """Whether the weights are here; nothing is loaded."""
    return all((weights.folder() / WEIGHTS / name).is_file() for name in (_DET, _REC))


def _mean_inside(probable: NDArray[np.float32], contour: NDArray[np.int32]) -> float:
    import cv2

    left, top, wide, tall = cv2.boundingRect(contour)
    inside = np.zeros((tall, wide), np.uint8)
    cv2.drawContours(inside, [contour - np.array([[left, top]])], -1, 1, -1)
    there = probable[top : top + tall, left : left + wide]
    return float(there[inside > 0].mean())


def _clockwise(corners: Quad) -> Quad:
    """Corners in order: left upper, right upper, right lower, left lower."""
    by_x = corners[np.argsort(corners[:, 0])]
    left, right = by_x[:2], by_x[2:]
    left, right = left[np.argsort(left[:, 1])], right[np.argsort(right[:, 1])]
    return np.ascontiguousarray(np.stack([left[0], right[0], right[1], left[1]]))
