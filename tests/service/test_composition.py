"""A drawn mug in a drawn studio: what the composer, the placement and the receipt promise."""

from __future__ import annotations

import dataclasses
import functools
import io
import sys
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from models import pixels
from models.finish import footprint, reflection, relight, shadow, volume
from models.types import Backdrop, CutOut, Provenance
from service.images import placement as placing
from service.images.compose import Composition, compose, lay_product
from service.images.fidelity import measure
from service.images.placement import Fit, Placement, estimate_photo_view_angle, find_base, fits, place

sys.path.insert(0, str(Path(__file__).parent))
import studio_set as studio  # a neighbour of this file; the tests are no package

FRAME = (360, 360)
MUG_HEIGHT_M = 0.26


@functools.cache
def mug(view_deg: float = 14.0) -> CutOut:
    return studio.cut_out(view_deg, 500)


@functools.cache
def room(view_deg: float = 14.0, light_from: str = "left", roughness: float = 0.8) -> Backdrop:
    return studio.backdrop(view_deg, 400, light_from, roughness)


def put(cut_out: CutOut, backdrop: Backdrop, size_px: tuple[int, int] = FRAME) -> Placement:
    standing = (size_px[0] * 0.5, size_px[1] * 0.75)
    room_px = (size_px[0] * 0.6, size_px[1] * 0.55)
    return place(cut_out, backdrop, size_px=size_px, standing_px=standing, max_product_px=room_px, real_height_m=0.26)


@functools.cache
def made(light_from: str = "left", roughness: float = 0.8) -> tuple[Composition, Placement]:
    where = put(mug(), room(14.0, light_from, roughness))
    return compose(mug(), room(14.0, light_from, roughness), where, seed=3), where


def png(picture: NDArray[np.uint8]) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "PNG")
    return buffer.getvalue()


def receipt_of(picture: NDArray[np.uint8], where: Placement, offset: tuple[int, int] = (0, 0)) -> int:
    receipt = measure(
        png(picture),
        cut_out=mug(),
        placement=where,
        photo_sha256="0" * 64,
        provenance=room().provenance,
        offset_px=offset,
    )
    return receipt.max_abs_diff


# --- the product -------------------------------------------------------------------------------------------------


def test_solid_pixels_equal_the_resized_photograph_byte_for_byte() -> None:
    result, where = made()
    left, top, right, bottom = where.product_box
    reference = pixels.resize_photo(mug().photo, (right - left, bottom - top), where.photo_box)
    there = result.pixels[top:bottom, left:right]
    solid = result.product_alpha[top:bottom, left:right] >= 0.98
    assert solid.sum() > 5_000
    assert np.array_equal(there[solid], reference[solid])


def test_the_receipt_of_an_untouched_product_is_zero() -> None:
    result, where = made()
    receipt = measure(
        png(result.pixels), cut_out=mug(), placement=where, photo_sha256="ab", provenance=room().provenance
    )
    assert receipt.max_abs_diff == 0
    assert receipt.checked_px > 4_000
    assert receipt.passed
    assert receipt.resized
    assert receipt.scale == where.scale
    assert receipt.backend == "fake"


def test_the_receipt_fails_when_one_pixel_of_the_product_changes_by_one() -> None:
    result, where = made()
    left, top, right, bottom = where.product_box
    changed = result.pixels.copy()
    row, column = (top + bottom) // 2, left + (right - left) // 3
    assert result.product_alpha[row, column] == 1.0
    changed[row, column, 1] ^= 1
    assert receipt_of(changed, where) == 1
    assert receipt_of(result.pixels, where) == 0


def test_the_receipt_finds_a_product_moved_by_one_pixel() -> None:
    result, where = made()
    assert receipt_of(np.roll(result.pixels, 1, axis=1), where) > 0
    assert receipt_of(np.pad(result.pixels, ((20, 0), (7, 0), (0, 0))), where, offset=(7, 20)) == 0


def test_the_receipt_of_a_picture_that_lost_its_product_fails() -> None:
    result, where = made()
    small = result.pixels[:100, :100]
    receipt = measure(png(small), cut_out=mug(), placement=where, photo_sha256="ab", provenance=room().provenance)
    assert not receipt.passed


def test_a_product_at_its_own_size_is_the_photograph_itself() -> None:
    where = Placement(
        (500, 500), (0, 0, 400, 400), (100.0, 90.0, 400.0, 400.0), (100, 90, 400, 400), (0.0, 0.0), 1.0, None
    )
    laid = lay_product(mug(), where)
    assert np.array_equal(laid.photo, mug().photo[90:400, 100:400])


def test_the_same_arguments_give_the_same_bytes() -> None:
    first, where = made()
    again = compose(mug(), room(), where, seed=3)
    assert np.array_equal(first.pixels, again.pixels)


# --- the ground --------------------------------------------------------------------------------------------------


def darkening(result: Composition, backdrop: Backdrop, where: Placement) -> NDArray[np.float64]:
    """(H, W) how much darker each pixel outside the product is than the empty place."""
    linear = pixels.crop_resize(backdrop.linear, where.crop, where.size_px)
    gain = relight.balance(result.product_pixels, _box_alpha(result), backdrop.ball_rgb).gain
    empty = pixels.encode(relight.apply_gain(linear, gain), backdrop.curve)
    dark = (empty.astype(float) - result.pixels).mean(axis=2)
    dark[result.product_alpha > 0] = 0.0
    return np.asarray(dark)


def _box_alpha(result: Composition) -> NDArray[np.float32]:
    left, top, right, bottom = result.product_box_px
    return result.product_alpha[top:bottom, left:right]


@pytest.mark.parametrize(("light_from", "sign"), [("left", 1.0), ("right", -1.0)])
def test_the_shadow_falls_away_from_the_light(light_from: str, sign: float) -> None:
    result, where = made(light_from)
    dark = darkening(result, room(14.0, light_from), where)
    columns = np.arange(FRAME[0]) - (where.product_box[0] + where.product_box[2]) / 2
    lean = float((dark.clip(6) - 6).sum(axis=0) @ columns)
    assert sign * lean > 0


def test_the_ground_is_darkest_at_the_contact() -> None:
    result, where = made()
    dark = darkening(result, room(), where)
    bottom = where.product_box[3]
    centre = (where.product_box[0] + where.product_box[2]) // 2
    assert dark[bottom - 4 : bottom + 4, centre - 30 : centre + 60].max() > 25
    assert abs(dark[-12:, :30].mean()) < 2.5  # far from the product nothing happened but grain


def test_a_glossy_ground_shows_the_product_upside_down() -> None:
    result, where = made("left", 0.1)
    matte, _ = made("left", 0.8)
    bottom, centre = where.product_box[3], (where.product_box[0] + where.product_box[2]) // 2
    below = (slice(bottom + 6, bottom + 40), slice(centre - 20, centre + 10))
    difference = result.pixels[below].astype(int) - matte.pixels[below]
    assert difference[..., 0].mean() < difference[..., 2].mean()  # a teal mug: less red than blue comes back


def test_nothing_is_drawn_beyond_the_edge_of_a_podium() -> None:
    podium = np.array([[-0.2, -0.2], [0.16, -0.2], [0.16, 0.2], [-0.2, 0.2]])
    backdrop = dataclasses.replace(room(), support_m=podium)
    where = put(mug(), backdrop)
    camera = backdrop.camera.reframed(where.crop, where.size_px)
    body = volume.from_silhouette(made()[0].product_alpha, camera, (0.0, 0.0))
    assert body is not None
    free, kept = shadow.key_visibility(body, room().key), shadow.key_visibility(body, room().key, podium)
    x = kept.origin_m[0] + (np.arange(kept.values.shape[1]) + 0.5) * kept.cell_m
    assert free.values[:, x > 0.18].min() < 0.3
    assert kept.values[:, x > 0.18].min() == 1.0


def test_a_reflection_ends_with_the_podium() -> None:
    podium = np.array([[-0.14, -0.14], [0.14, -0.14], [0.14, 0.14], [-0.14, 0.14]])
    bare = dataclasses.replace(room(14.0, "left", 0.1), support_m=podium)
    where = put(mug(), bare)
    free, kept = made("left", 0.1)[0].pixels, compose(mug(), bare, where, seed=3).pixels
    below = where.product_box[3] + 45
    camera = bare.camera.reframed(where.crop, where.size_px)
    assert camera.project(np.array([0.0, -0.14, 0.0]))[1] < below  # beyond the podium's front edge
    dark = pixels.encode(pixels.crop_resize(bare.linear, where.crop, where.size_px), bare.curve)
    centre = sum(where.product_box[::2]) // 2
    spot = (slice(below, below + 10), slice(centre - 20, centre + 20))
    assert np.abs(kept[spot].astype(int) - dark[spot]).mean() < np.abs(free[spot].astype(int) - dark[spot]).mean()


def test_light_counts_only_where_it_is_key_light() -> None:
    """Full key shadow on a ground lit by the sky alone changes nothing."""
    linear = np.full((4, 4, 3), 0.5, np.float32)
    none, full = np.zeros((4, 4, 3), np.float32), np.ones((4, 4, 3), np.float32)
    dark, open_ = np.zeros((4, 4), np.float32), np.ones((4, 4), np.float32)
    bounce = np.zeros(3, np.float32)
    assert np.allclose(shadow.shade(linear, none, none, dark, open_, bounce), 0.5)
    assert np.allclose(shadow.shade(linear, full, none, dark, open_, bounce), 0.5 * shadow.KEY_BOUNCE)
    assert np.allclose(shadow.shade(linear, full, none, open_, open_, bounce), 0.5)


def test_a_cylinder_throws_the_shadow_that_geometry_says() -> None:
    """Sun at 45 degrees from the left: the shadow of a cylinder ends one height plus one radius to the right."""
    camera = studio.camera(14.0, 400)
    alpha = studio.cylinder_alpha(camera, 0.1, 0.25)
    body = volume.from_silhouette(alpha, camera, (0.0, 0.0))
    assert body is not None
    assert body.height_m == pytest.approx(0.25, abs=0.015)  # one pixel is .003 m; depth of the top is estimated
    sun = dataclasses.replace(room().key, kind="sun", direction=np.array([-1.0, 0.0, 1.0]) / np.sqrt(2), position=None)
    seen = shadow.key_visibility(body, dataclasses.replace(sun, angular_diameter_deg=0.5))
    x = seen.origin_m[0] + (np.arange(seen.values.shape[1]) + 0.5) * seen.cell_m
    covered = x[(seen.values < 0.5).any(axis=0)]
    assert covered.max() == pytest.approx(0.35, abs=0.02)
    assert covered.min() == pytest.approx(-0.1, abs=0.015)


def test_the_penumbra_grows_with_distance() -> None:
    camera = studio.camera(14.0, 400)
    body = volume.from_silhouette(studio.cylinder_alpha(camera, 0.05, 0.3), camera, (0.0, 0.0))
    assert body is not None
    seen = shadow.key_visibility(body, room().key).values
    rows = [np.count_nonzero((seen[:, c] > 0.1) & (seen[:, c] < 0.9)) for c in range(seen.shape[1])]
    filled = [c for c, n in enumerate(rows) if n]
    near, far = filled[len(filled) // 4], filled[3 * len(filled) // 4]
    assert rows[far] > 1.3 * rows[near]


def test_open_sky_is_seen_far_away_and_hidden_at_the_foot() -> None:
    camera = studio.camera(14.0, 400)
    body = volume.from_silhouette(studio.cylinder_alpha(camera, 0.1, 0.25), camera, (0.0, 0.0))
    assert body is not None
    seen = shadow.ambient_visibility(body)
    middle = seen.values.shape[0] // 2
    assert seen.values[middle, middle] < 0.1
    assert seen.values[2, 2] > 0.95


def test_the_contour_of_a_box_on_its_corner_is_no_ellipse() -> None:
    camera = studio.camera(25.0, 500)
    corners = np.array([[0.0, -0.12], [0.12, 0.0], [0.0, 0.12], [-0.12, 0.0]])
    import cv2

    points = np.concatenate([np.column_stack([corners, np.full(4, z)]) for z in (0.0, 0.2)])
    mask = np.zeros((500, 500), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(camera.project(points)).astype(np.int32)), 1)
    ring, _ = footprint.outline(mask.astype(np.float32), camera, (0.0, 0.0), 0.12)
    front = ring[: footprint.N_POINTS]
    at_half = float(np.interp(-0.5, front[:, 0], front[:, 1]))
    assert at_half == pytest.approx(-0.5, abs=0.1)  # an ellipse would be at -.78
    assert front[:, 1].min() == pytest.approx(-1.0, abs=0.12)


def test_fresnel_rises_towards_the_horizon() -> None:
    camera = studio.camera(14.0, 200)
    window = shadow.Window(110, 200, 0, 200)
    share = reflection.fresnel(camera, window, 0.1)
    assert share[0, 100] > 2 * share[-1, 100]
    straight_down = studio.camera(89.9, 200)
    middle = reflection.fresnel(straight_down, shadow.Window(90, 110, 90, 110), 0.1)
    assert middle.mean() == pytest.approx(0.04, abs=0.002)  # Schlick at normal incidence is F0


# --- colour and grain --------------------------------------------------------------------------------------------


def test_the_place_moves_towards_the_white_of_the_product() -> None:
    warm = np.full((80, 80, 3), (238, 226, 205), np.uint8)
    found = relight.balance(warm, np.ones((80, 80), np.float32), (0.6, 0.6, 0.6))
    assert found.gain[0] > 1.0 > found.gain[2]
    assert float(np.array(found.gain) @ pixels.LUMA) == pytest.approx(1.0)


def test_a_coloured_product_moves_nothing() -> None:
    green = np.full((80, 80, 3), (90, 200, 90), np.uint8)
    assert relight.balance(green, np.ones((80, 80), np.float32), (0.6, 0.6, 0.6)).gain == (1.0, 1.0, 1.0)


def test_the_grain_of_the_place_matches_the_products() -> None:
    rng = np.random.default_rng(0)
    product = np.clip(128 + 3.0 * rng.standard_normal((200, 200, 1)) + np.zeros(3), 0, 255).astype(np.uint8)
    solid = np.ones((200, 200), np.float32)
    sigma = relight.grain_sigma(product, solid)
    grained = relight.lay_grain(np.full((200, 200, 3), 128, np.uint8), sigma, seed=1)
    assert relight.grain_sigma(grained, solid) == pytest.approx(sigma, rel=0.15)


def test_texture_is_no_grain() -> None:
    """A product that is calm in places and restless in others has the noise of its calm places."""
    rng = np.random.default_rng(0)
    product = np.full((240, 240, 3), 120.0) + 1.0 * rng.standard_normal((240, 240, 1))
    product[:, 80:] += 15.0 * rng.standard_normal((240, 160, 1))
    sigma = relight.grain_sigma(np.clip(product, 0, 255).astype(np.uint8), np.ones((240, 240), np.float32))
    assert sigma < 1.6


def test_the_fast_display_curve_is_within_half_a_step() -> None:
    curve = studio.curve()
    linear = np.random.default_rng(0).random((50, 50, 3)).astype(np.float32) ** 3
    exact = curve.to_display(linear) * 255.0
    assert np.abs(pixels.encode(linear, curve) - exact).max() < 0.56


# --- placement ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("view_deg", [8.0, 14.0, 22.0, 30.0, 45.0, 70.0])
def test_the_photographs_camera_is_read_from_the_round_base(view_deg: float) -> None:
    angle, confidence = estimate_photo_view_angle(mug(view_deg))
    assert angle == pytest.approx(view_deg, abs=3.0)  # believable matches need 8 to 12 degrees
    assert confidence > 0.6


def test_the_camera_is_read_from_the_corner_of_a_box() -> None:
    camera = studio.camera(20.0, 600, distance_m=4.0, focal=3.5)
    turn = np.radians(35.0)
    spin = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    corners = np.array([[-0.1, -0.07], [0.1, -0.07], [0.1, 0.07], [-0.1, 0.07]]) @ spin.T
    import cv2

    points = np.concatenate([np.column_stack([corners, np.full(4, z)]) for z in (0.0, 0.3)])
    mask = np.zeros((600, 600), np.uint8)
    cv2.fillConvexPoly(mask, cv2.convexHull(np.rint(camera.project(points)).astype(np.int32)), 1)
    base = find_base(mask.astype(np.float32))
    assert not base.is_round
    assert base.view_angle_deg == pytest.approx(20.0, abs=4.0)


@pytest.mark.parametrize(
    ("photo", "plate", "verdict"),
    [
        (15, 14, Fit.BELIEVABLE),
        (23, 14, Fit.BELIEVABLE),
        (27, 14, Fit.DOUBTFUL),
        (32, 14, Fit.REJECT),
        (20, 29, Fit.BELIEVABLE),
        (40, 29, Fit.BELIEVABLE),
        (8, 29, Fit.REJECT),
        (60, 75, Fit.BELIEVABLE),
        (45, 75, Fit.REJECT),
    ],
)
def test_cameras_are_compared_as_the_table_says(photo: float, plate: float, verdict: Fit) -> None:
    assert fits(photo, plate, is_round=False) == verdict


@pytest.mark.parametrize("size_px", [(360, 360), (270, 480), (480, 251), (300, 400)])
def test_the_crop_never_leaves_the_plate_and_is_never_stretched(size_px: tuple[int, int]) -> None:
    where = put(mug(), room(), size_px)
    left, top, right, bottom = where.crop
    assert left >= -1e-6
    assert top >= -1e-6
    assert right <= 400 + 1e-6
    assert bottom <= 400 + 1e-6
    assert (right - left) / (bottom - top) == pytest.approx(size_px[0] / size_px[1], rel=1e-6)
    box = where.product_box
    assert box[0] >= 0
    assert box[1] >= 0
    assert box[2] <= size_px[0]
    assert box[3] <= size_px[1]


def test_the_lowest_row_stands_on_the_nearest_contact() -> None:
    where = put(mug(), room())
    camera = room().camera.reframed(where.crop, where.size_px)
    base = find_base(mug().alpha)
    depth = float(camera.translation[2])
    half_m = base.half_width_px * where.scale * depth / camera.focal_px[0]
    contact = camera.project(np.array([0.0, -placing.CONTACT_DEPTH * half_m, 0.0]))
    alpha = made()[0].product_alpha
    lowest = np.flatnonzero((alpha > 0.5).any(axis=1))[-1]
    assert lowest == pytest.approx(contact[1], abs=1.5)  # whole pixels, twice rounded


def test_a_known_height_sets_the_scale() -> None:
    where = place(
        mug(), room(), size_px=FRAME, standing_px=(180, 270), max_product_px=(170, 130), real_height_m=MUG_HEIGHT_M
    )
    assert where.notes == ()  # neither enlarged to be seen nor shrunk to fit
    camera = room().camera.reframed(where.crop, where.size_px)
    alpha = compose(mug(), room(), where, seed=3).product_alpha
    body = volume.from_silhouette(alpha, camera, where.base_m)
    assert body is not None
    assert body.height_m == pytest.approx(MUG_HEIGHT_M, rel=0.08)  # the photograph's own perspective differs


def test_a_footprint_never_leaves_the_zone() -> None:
    narrow = dataclasses.replace(room(), zone_m=0.05 * np.array([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]]))
    where = place(mug(), narrow, size_px=FRAME, standing_px=(180, 270), max_product_px=(300, 300))
    camera = narrow.camera.reframed(where.crop, where.size_px)
    half_m = find_base(mug().alpha).half_width_px * where.scale * float(camera.translation[2]) / camera.focal_px[0]
    assert half_m <= 0.052  # depth at the standing point is a little off the distance


def test_a_box_on_its_back_is_seen_from_above_and_throws_a_short_shadow() -> None:
    turn = np.radians(15.0)
    v, u = np.mgrid[:400, :400] - 200.0
    x, y = u * np.cos(turn) + v * np.sin(turn), -u * np.sin(turn) + v * np.cos(turn)
    alpha = ((np.abs(x) < 70) & (np.abs(y) < 120)).astype(np.float32)
    base = find_base(alpha)
    assert base.lies_down
    assert base.view_angle_deg > 60
    photo = studio.photograph(alpha)
    lying = CutOut(photo, alpha, photo, 0.0, 1, Provenance("fake", "drawn", "1"))
    where = put(lying, room(70.0))
    assert where.height_m is not None
    assert where.height_m < 0.1


def test_a_backdrop_of_the_scene_model_is_as_good() -> None:
    """Constant key share, no specular layer, small and soft."""
    soft = dataclasses.replace(
        room(),
        key_share=np.full_like(room().key_share, 0.5),
        specular=np.zeros_like(room().specular),
        provenance=Provenance("scene-model", "m", "1", 7),
    )
    where = put(mug(), soft, (640, 640))
    assert any("enlarged" in note for note in where.notes)
    result = compose(mug(), soft, where, seed=1)
    assert result.pixels.shape == (640, 640, 3)
    assert receipt_of(result.pixels, where) == 0
