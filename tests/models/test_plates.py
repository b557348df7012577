"""The plates backend: rendered places, decoded back to scene-linear light."""

from __future__ import annotations

import json
import math
import random
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from models.errors import UnknownPlate
from models.image.plates import Plates, crop_for, load_backdrop, read_depth, reframe
from models.types import CameraClass, ImageRequest, Side

PLATES = Plates()
FAMILIES = {  # what a shop asks for; every one must be there, in more than one arrangement
    *("kitchen", "living_room", "bedroom", "bathroom", "dining", "study", "nursery", "hallway", "balcony", "garden"),
    *("cafe", "beach", "forest", "mountain", "street", "studio", "podium", "geometric"),
    *("christmas", "lunar_new_year", "valentine", "summer", "autumn"),
}
RANGES = {CameraClass.EYE_LEVEL: (4, 16), CameraClass.THREE_QUARTER: (17, 45), CameraClass.TOP_DOWN: (55, 90)}


def test_the_library_covers_every_family_and_every_camera() -> None:
    infos = [PLATES.describe(id) for id in PLATES.ids()]
    assert len(infos) >= 160
    families = Counter(info.family for info in infos)
    assert set(families) >= FAMILIES
    assert min(families[name] for name in FAMILIES) >= 3
    cameras = Counter(info.camera_class for info in infos)
    assert cameras[CameraClass.EYE_LEVEL] >= 50
    assert cameras[CameraClass.THREE_QUARTER] >= 50
    assert cameras[CameraClass.TOP_DOWN] >= 30
    sides = Counter(info.light_side for info in infos)
    assert min(sides[Side.LEFT], sides[Side.RIGHT]) >= 0.25 * len(infos)  # whatever side the packshot is lit from


def test_words_tell_plates_apart_and_say_what_stands_there() -> None:
    words = [PLATES.describe(id).words for id in PLATES.ids()]
    assert len(set(words)) == len(words)
    assert all(4 <= len(text.split()) <= 24 for text in words)


def test_the_library_is_light_enough_to_ship() -> None:
    assert sum(path.stat().st_size for path in PLATES.folder.rglob("*") if path.is_file()) <= 60 * 2**20


def test_the_layers_of_every_plate_have_the_sizes_its_numbers_promise() -> None:
    for id in PLATES.ids():
        size = PLATES.describe(id).size_px[0]
        for name, divisor in (("picture.webp", 1), ("key.webp", 4), ("specular.webp", 2), ("depth.png", 4)):
            with Image.open(PLATES.folder / id / name) as layer:  # the header only
                assert layer.size == (size // divisor, size // divisor), f"{id}/{name}"


def test_the_light_of_every_plate_comes_from_the_side_it_names() -> None:
    for id in PLATES.ids():
        key = json.loads((PLATES.folder / id / "plate.json").read_text("utf-8"))["key"]
        x, _, z = key["direction"]
        assert np.linalg.norm(key["direction"]) == pytest.approx(1.0, abs=1e-4), id
        assert z > 0.2, id  # from above the ground, or shadows run out of every picture
        if key["side"] in ("left", "right"):
            assert (x > 0) == (key["side"] == "right"), id


@pytest.mark.parametrize("id", random.Random(11).sample(PLATES.ids(), min(6, len(PLATES.ids()))))
def test_shadows_in_a_plate_are_never_black(id: str) -> None:
    backdrop = PLATES.backdrop(id)
    height, width = backdrop.key_share.shape[:2]
    x, y = (round(v) for v in backdrop.camera.project(np.zeros(3)))
    share = backdrop.key_share[y - 20 : y + 20, x - 20 : x + 20].mean()
    assert 0.1 < share < 0.97  # at 1 a cast shadow would be a hole
    assert 0 <= x < width
    assert 0 <= y < height


@pytest.fixture(scope="module")
def some() -> str:
    return "sage-podium" if "sage-podium" in PLATES.ids() else PLATES.ids()[0]


@pytest.mark.parametrize("id", PLATES.ids())
def test_the_standing_point_is_where_the_renderer_recorded_it(id: str) -> None:
    told = json.loads((PLATES.folder / id / "plate.json").read_text("utf-8"))
    camera = told["camera"]
    rotation = np.array(camera["rotation"])
    at = np.array(camera["translation"])  # the origin in camera coordinates
    seen = at[:2] / at[2] * camera["focal_px"] + camera["centre_px"]
    assert seen == pytest.approx(told["standing_px"], abs=0.05)  # numbers in the file have six digits
    assert np.allclose(rotation @ rotation.T, np.eye(3), atol=1e-5)
    assert np.linalg.det(rotation) == pytest.approx(1.0, abs=1e-5)
    position = -rotation.T @ at
    angle = math.degrees(math.asin(position[2] / np.linalg.norm(position)))
    assert angle == pytest.approx(told["view_angle_deg"], abs=0.01)
    low, high = RANGES[CameraClass(told["camera_class"])]
    assert low <= angle <= high


@pytest.mark.parametrize("id", PLATES.ids())
def test_the_rendered_depth_at_the_standing_point_is_the_cameras_distance(id: str) -> None:
    told = json.loads((PLATES.folder / id / "plate.json").read_text("utf-8"))
    depth = read_depth(PLATES.folder / id)
    x, y = (round(v / 4) for v in told["standing_px"])
    # Rendered by Blender; the number comes from our camera. 1 %: depth has 12 bits, sand and cloth are not quite flat.
    assert depth[y - 1 : y + 2, x - 1 : x + 2].mean() == pytest.approx(told["camera"]["translation"][2], rel=0.01)


@pytest.mark.parametrize("id", PLATES.ids())
def test_a_plate_is_small_enough_and_its_palette_is_five_colours(id: str) -> None:
    weight = sum(path.stat().st_size for path in (PLATES.folder / id).iterdir())
    assert weight <= 420 * 1024
    assert len(PLATES.describe(id).palette) == 5


def test_the_curve_brings_back_the_picture_people_see(some: str) -> None:
    backdrop = PLATES.backdrop(some)
    with Image.open(PLATES.folder / some / "picture.webp") as image:
        shown = np.asarray(image.convert("RGB"))
    again = np.round(backdrop.curve.to_display(backdrop.linear) * 255)
    assert np.abs(again - shown).max() <= 1  # one level: float32 rounding at the knots
    assert np.all(np.diff(backdrop.curve.linear) > 0)
    assert np.all(np.diff(backdrop.curve.display) > 0)
    assert backdrop.curve.display[0] == 0
    assert backdrop.curve.display[-1] == 1


def test_layers_are_in_range_and_share_the_pictures_size(some: str) -> None:
    backdrop = PLATES.backdrop(some)
    width, height = backdrop.camera.size_px
    for layer in (backdrop.linear, backdrop.key_share, backdrop.specular):
        assert layer.shape == (height, width, 3)
        assert layer.dtype == np.float32
        assert np.isfinite(layer).all()
    assert backdrop.key_share.min() >= 0
    assert backdrop.key_share.max() <= 1
    assert backdrop.linear.min() >= 0
    assert np.all(backdrop.specular <= backdrop.linear + 1e-6)
    x, y = (round(v) for v in backdrop.camera.project(np.zeros(3)))
    assert backdrop.key_share[y, x].mean() > 0.25  # the key light reaches the product's place
    assert min(backdrop.ball_rgb) > 0.02


def test_the_products_place_is_calm_and_evenly_lit(some: str) -> None:
    backdrop = PLATES.backdrop(some)
    inner = backdrop.camera.project(np.column_stack([backdrop.zone_m * 0.5, np.zeros(len(backdrop.zone_m))]))
    left, top = np.floor(inner.min(axis=0)).astype(int)
    right, bottom = np.ceil(inner.max(axis=0)).astype(int)
    patch = backdrop.curve.to_display(backdrop.linear[top:bottom, left:right])
    assert patch.std(axis=(0, 1)).max() < 0.05  # display units; a hard shadow edge there gives .1 and more


def test_a_crops_camera_sees_the_same_points_as_the_whole(some: str) -> None:
    whole = PLATES.backdrop(some)
    box = (336.0, 200.0, 1200.0, 1400.0)
    part = reframe(whole, box, (432, 600))
    points = np.array([[0.0, 0.0, 0.0], [0.1, 0.05, 0.0], [-0.05, 0.1, 0.12]])
    expected = (whole.camera.project(points) + 0.5 - [box[0], box[1]]) * 0.5 - 0.5
    assert np.allclose(part.camera.project(points), expected, atol=1e-6)
    assert part.linear.shape == (600, 432, 3)
    assert part.camera.view_angle_deg == pytest.approx(whole.camera.view_angle_deg, abs=1e-9)
    # Halving keeps the light: the mean of the part is the mean of the box (window filter at the rim: 1 %).
    assert part.linear.mean() == pytest.approx(whole.linear[200:1400, 336:1200].mean(), rel=0.01)


@pytest.mark.parametrize("size", [(540, 960), (600, 314), (512, 512)])
def test_every_advertisement_shape_holds_the_standing_point(some: str, size: tuple[int, int]) -> None:
    whole = PLATES.backdrop(some)
    left, top, right, bottom = crop_for(whole, size)
    assert left >= 0
    assert top >= 0
    assert right <= whole.camera.size_px[0]
    assert bottom <= whole.camera.size_px[1]
    assert (right - left) / (bottom - top) == pytest.approx(size[0] / size[1])
    x, y = whole.camera.reframed((left, top, right, bottom), size).project(np.zeros(3))
    assert x == pytest.approx(size[0] / 2, abs=size[0] * 0.03)
    assert 0.5 * size[1] < y < 0.8 * size[1]


def test_an_unknown_plate_is_an_error_that_names_what_exists() -> None:
    with pytest.raises(UnknownPlate) as caught:
        PLATES.paint(ImageRequest(words="", size_px=(64, 64), plate="no-such-place"))
    assert caught.value.plate == "no-such-place"
    assert caught.value.known == PLATES.ids()


def test_words_choose_the_plate_and_what_changed_nothing_is_reported() -> None:
    match = PLATES.choose(ImageRequest(words="white marble kitchen, zeppelin", size_px=(64, 64)))
    info = PLATES.describe(match.plate)
    assert info.family == "kitchen"
    assert info.surface == "marble"
    assert match.not_understood == ("zeppelin",)
    assert match.understood["family"] == "kitchen"


def test_the_photographs_camera_outweighs_words() -> None:
    match = PLATES.choose(ImageRequest(words="marble", size_px=(64, 64), view_angle_deg=80))
    assert PLATES.describe(match.plate).camera_class is CameraClass.TOP_DOWN


def test_the_side_of_the_light_decides_between_equals() -> None:
    chosen = {
        side: PLATES.describe(PLATES.choose(ImageRequest(words="", size_px=(64, 64), light_from=side)).plate).light_side
        for side in (Side.LEFT, Side.RIGHT)
    }
    assert chosen == {Side.LEFT: Side.LEFT, Side.RIGHT: Side.RIGHT}


def test_the_same_request_and_seed_paint_the_same_pixels(some: str) -> None:
    request = ImageRequest(words="podium", size_px=(96, 96), seed=3)
    first, second = PLATES.paint(request), Plates().paint(request)
    assert first.backdrop.provenance == second.backdrop.provenance
    assert np.array_equal(first.backdrop.linear, second.backdrop.linear)


def test_a_folder_without_plates_says_so(tmp_path: Path) -> None:
    with pytest.raises(UnknownPlate):
        Plates(tmp_path).paint(ImageRequest(words="oak", size_px=(64, 64)))


def test_the_scene_rows_say_what_the_plates_say() -> None:
    from models.training.scene_rows import rows_by_family

    folder = Path(__file__).resolve().parents[2] / "prompts" / "scenes"
    for family, text in rows_by_family(PLATES.folder).items():
        assert (folder / f"{family}.toml").read_text("utf-8") == text


def test_loading_is_exact_for_one_plate(some: str) -> None:
    backdrop = load_backdrop(PLATES.folder / some)
    assert backdrop.provenance.model == some
    assert len(backdrop.provenance.revision) == 64
