"""Is a picture safe for work? A number from Yahoo's open_nsfw network on onnxruntime; weights are the row ``opennsfw``.

Source: Mahadeokar and Pesavento, "Open Sourcing a Deep Learning Solution for Detecting NSFW Images", 2016, whose
preparation of pictures is kept: 256 x 256, a JPEG round trip, the middle 224 x 224, BGR less the mean of its training
pictures; it says that scores below .2 are most likely safe and those above .8 most likely not.
"""

from __future__ import annotations

import io
from functools import cached_property
from typing import Any

import numpy as np
from PIL import Image

from models import weights
from models.errors import MissingWeights
from models.types import BytePixels

WEIGHTS = "opennsfw"
FILE = "open-nsfw.onnx"
DOUBTFUL, UNSAFE = 0.5, 0.8
_MEAN_BGR = np.array([104, 117, 123], np.float32)


class SafetyNet:
    """One for a process; loaded when first used."""

    def score(self, picture: BytePixels) -> float:
        """0 safe to 1 not safe for work.

        Args:
            picture: (H, W, 3) sRGB.

        Raises:
            MissingWeights: the row is not installed.
        """
        small = Image.fromarray(np.ascontiguousarray(picture)).resize((256, 256), Image.Resampling.BILINEAR)
        buffer = io.BytesIO()
        small.crop((16, 16, 240, 240)).save(buffer, "JPEG")
        with Image.open(buffer) as image:
            values = np.asarray(image, np.float32)[:, :, ::-1] - _MEAN_BGR
        (scores,) = self._session.run(None, {"input:0": np.ascontiguousarray(values)[None]})
        return float(scores[0][1])

    @cached_property
    def _session(self) -> Any:
        import onnxruntime

        file = weights.folder() / WEIGHTS / FILE
        if not file.is_file():
            raise MissingWeights(WEIGHTS)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = 1
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        return onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])


def is_installed() -> bool:
    """Whether the weights are here; nothing is loaded."""
    return (weights.folder() / WEIGHTS / FILE).is_file()
