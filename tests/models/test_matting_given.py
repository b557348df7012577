"""A mask that a person drew is taken as it is."""

from __future__ import annotations

import numpy as np
import pytest

from models.errors import NoProductFound, ShapeMismatch, UnsupportedRequest
from models.matting.given import cut_out_with_mask

PHOTO = np.full((60, 80, 3), 230, np.uint8)
PHOTO[20:40, 30:50] = (20, 90, 110)
MASK = np.zeros((60, 80), np.float32)
MASK[20:40, 30:50] = 1.0


def test_a_persons_mask_is_kept_to_the_bit() -> None:
    soft = MASK.copy()
    soft[19, 30:50] = 0.25
    result = cut_out_with_mask(PHOTO, soft)
    assert np.array_equal(result.alpha, soft)
    assert np.array_equal(result.foreground[20:40, 30:50], PHOTO[20:40, 30:50])
    assert (result.uncertainty, result.needs_review, result.n_products) == (0.0, False, 1)
    assert result.provenance.backend == "given"


def test_another_mask_is_another_revision_and_bytes_are_the_same_mask() -> None:
    one, same = cut_out_with_mask(PHOTO, MASK), cut_out_with_mask(PHOTO, (MASK * 255).astype(np.uint8))
    other = cut_out_with_mask(PHOTO, np.roll(MASK, 3, axis=1))
    assert one.provenance.revision == same.provenance.revision != other.provenance.revision


def test_a_mask_drawn_on_a_smaller_copy_is_enlarged() -> None:
    result = cut_out_with_mask(PHOTO, MASK[::2, ::2])
    assert result.alpha.shape == PHOTO.shape[:2]
    assert result.alpha[30, 40] == 1.0


def test_masks_that_cannot_be_meant_are_refused_with_the_reason() -> None:
    with pytest.raises(ShapeMismatch, match="mask"):
        cut_out_with_mask(PHOTO, np.ones((80, 60), np.float32))
    with pytest.raises(NoProductFound, match="empty"):
        cut_out_with_mask(PHOTO, np.zeros((60, 80), np.float32))
    with pytest.raises(UnsupportedRequest, match="between 0 and 1"):
        cut_out_with_mask(PHOTO, MASK * 255)
    with pytest.raises(UnsupportedRequest, match="one plane"):
        cut_out_with_mask(PHOTO, np.ones((60, 80, 3), np.float32))
