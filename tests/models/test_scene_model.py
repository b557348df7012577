"""The scene model: its words, its layout, its training and, where its weights are here, its pictures."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from models.errors import MissingWeights, UnsupportedRequest
from models.image.scene_model import (
    MARGIN,
    WEIGHTS,
    SceneModel,
    SceneModelPipeline,
    as_camera,
    grid_for,
    key_light,
    place,
    wish,
)
from models.image.scene_nets import Enlarger, SceneUNet
from models.image.vocabulary import read, vocabulary
from models.training.curve import to_display, to_linear
from models.training.layout import BACK, FLOOR, SIDE, TOP, Solid, draw, looking
from models.training.scene_data import SHAPES, Crops, SceneSet
from models.training.scene_grammar import ATTRIBUTES, draw_scene
from models.training.train_scene_model import batch, flow_loss, new_net
from models.types import ImageRequest, Side

needs_weights = pytest.mark.skipif(not (WEIGHTS / "unet").exists(), reason="the scene model's weights are not here")


@pytest.fixture(autouse=True)
def one_thread() -> None:
    torch.set_num_threads(1)


# --- words ---------------------------------------------------------------------------------------------------------


def test_the_grammar_and_the_vocabulary_name_the_same_values_in_the_same_order() -> None:
    assert {k: tuple(v) for k, v in ATTRIBUTES.items()} == {k: tuple(v) for k, v in vocabulary().values.items()}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (
            "walnut table by a window, warm evening light",
            {"surface": "dark_wood", "back": "window", "light": "evening"},
        ),
        ("white marble counter, sage green wall", {"surface": "white_marble", "back": "wall", "back_colour": "sage"}),
        ("pink podium against a navy wall", {"podium": "round", "podium_colour": "pink", "back_colour": "navy"}),
        ("beach", {"surface": "sand", "back": "sea"}),
        ("cream linen, flat lay", {"surface": "linen", "surface_colour": "cream", "camera": "top_down"}),
    ],
)
def test_everyday_words_reach_the_attributes_they_mean(words: str, expected: dict[str, str]) -> None:
    found = read(words).attributes
    assert {name: found.get(name) for name in expected} == expected


def test_a_word_that_changes_nothing_is_reported() -> None:
    assert read("oak table with a zebra and seventeen violins").not_understood == ("zebra", "seventeen", "violins")


def test_an_unknown_attribute_is_reported_and_not_guessed() -> None:
    asked = wish(ImageRequest("oak table", (512, 512), attributes={"surface": "cheese", "smell": "fresh"}))
    assert set(asked.not_understood) == {"surface=cheese", "smell=fresh"}
    assert asked.values["surface"] == "light_wood"


def test_the_light_side_and_the_view_angle_of_the_photograph_win_over_words() -> None:
    request = ImageRequest("oak table, light from the left", (512, 512), light_from=Side.RIGHT, view_angle_deg=30)
    asked = wish(request)
    assert (asked.values["side"], asked.values["camera"]) == ("right", "three_quarter")
    assert key_light(asked.values).direction[0] > 0.3


# --- layout --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("angle", [5.0, 12.0, 30.0, 75.0])
@pytest.mark.parametrize("size", [(512, 512), (1200, 628), (1080, 1920)])
def test_the_camera_sees_the_standing_point_at_the_angle_that_was_asked_for(
    angle: float, size: tuple[int, int]
) -> None:
    asked = wish(ImageRequest("oak table", size, view_angle_deg=angle))
    where = place(asked.values, size, angle)
    camera = as_camera(where.view, where.grid[1] * 16, where.grid[0] * 16)
    assert camera.view_angle_deg == pytest.approx(angle, abs=0.01)  # the contact is mid-width: exact but for rounding
    x, y = camera.project(np.zeros(3))
    assert 0.4 * camera.size_px[0] < x < 0.6 * camera.size_px[0]
    assert 0.5 * camera.size_px[1] < y < 0.85 * camera.size_px[1]


def test_the_layout_shows_the_podium_where_the_camera_projects_it() -> None:
    view = looking(elevation_deg=25, azimuth_deg=0, focal=1.8, view_width_m=0.8, contact=(0.5, 0.7))
    podium = Solid(False, (0.0, 0.0), (0.2, 0.2), -0.1, 0.0)
    layout = draw(view, [podium], -0.1, 0.6, 200, 200)
    camera = as_camera(view, 200, 200)

    def part_at(point: tuple[float, float, float]) -> int:
        x, y = np.round(camera.project(np.array(point))).astype(int)
        return int(layout[:, y, x].argmax())

    assert part_at((0.0, 0.0, 0.0)) == TOP
    assert part_at((0.15, -0.15, 0.0)) == TOP
    assert part_at((0.0, -0.2, -0.05)) == SIDE
    assert part_at((0.28, -0.1, -0.1)) == FLOOR
    assert part_at((0.0, 0.6, 0.1)) == BACK
    assert np.allclose(layout.sum(axis=0), 1)


def test_a_picture_grid_has_the_shape_that_was_asked_for() -> None:
    for size in ((512, 512), (1080, 1080), (1200, 628), (1080, 1920)):
        height, width = grid_for(size)
        assert height % 4 == 0
        assert width % 4 == 0
        inner = (width - 2 * MARGIN) / (height - 2 * MARGIN)
        assert inner == pytest.approx(size[0] / size[1], rel=0.06)  # the rest is cropped, never stretched


def test_the_display_curve_can_be_taken_back() -> None:
    linear = np.geomspace(1e-3, 3.0, 200).astype(np.float32)
    assert np.allclose(to_linear(to_display(linear)), linear, rtol=0.02)  # between knots 9 % apart


def test_a_scene_of_the_grammar_is_the_same_for_the_same_seed() -> None:
    a, b, other = draw_scene(1, 5), draw_scene(1, 5), draw_scene(1, 6)
    assert [s.attributes for s in a.shots] == [s.attributes for s in b.shots]
    assert [s.seed for s in a.shots] != [s.seed for s in other.shots]


# --- training ------------------------------------------------------------------------------------------------------


def tiny_set(n: int = 64) -> SceneSet:
    """Pictures whose floor and wall have the colour that two attributes say."""
    rng = np.random.default_rng(0)
    counts = [len(v) for v in vocabulary().values.values()]
    values = np.stack([rng.integers(0, k, n) for k in counts], axis=1)
    crops = []
    for height, width in SHAPES:
        pictures = np.empty((n, 1, 3, height, width), np.uint8)
        layouts = np.zeros((n, 1, 4, height, width), np.uint8)
        half = height // 2
        layouts[:, :, BACK, :half], layouts[:, :, FLOOR, half:] = 255, 255
        pictures[:, 0, :, :half] = (values[:, 3] * 15)[:, None, None, None]
        pictures[:, 0, :, half:] = (values[:, 1] * 15)[:, None, None, None]
        crops.append(Crops(pictures, layouts))
    return SceneSet(tuple(crops), values, np.arange(n))


def test_a_few_steps_on_64_small_pictures_lower_the_loss() -> None:
    torch.manual_seed(0)
    net = new_net(stem=16, middle=16, deep=16, blocks=1, n_condition=32, n_part=8)
    optimiser = torch.optim.AdamW(net.parameters(), 3e-3)
    data, rng, generator = tiny_set(), np.random.default_rng(0), torch.Generator().manual_seed(0)
    losses = []
    for _ in range(28):
        clean, values, layouts = batch(data, 8, rng)
        times = torch.rand(8, generator=generator) * 0.8 + 0.15
        noise = torch.randn(clean.shape, generator=generator)
        loss = flow_loss(net, clean, times, noise, values, layouts, fast=False).mean()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert np.mean(losses[-6:]) < 0.7 * np.mean(losses[:6])  # seen: .3


def test_a_mirrored_picture_is_lit_from_the_other_side() -> None:
    data = tiny_set(8)
    names = vocabulary().values["side"]
    side = list(vocabulary().values).index("side")
    data.values[:, side] = names.index("left")
    data.crops[0].pictures[:], data.crops[1].pictures[:], data.crops[2].pictures[:] = 0, 0, 0
    for crop in data.crops:
        crop.pictures[..., :4] = 255  # a bright left edge marks the unmirrored ones
    pictures, values, _ = batch(data, 32, np.random.default_rng(0))
    is_unmirrored = (pictures[:, 0, 0, 0] > 0).numpy()
    assert 4 < is_unmirrored.sum() < 28
    assert ((values[:, side] == names.index("left")).numpy() == is_unmirrored).all()


# --- pictures ------------------------------------------------------------------------------------------------------


def small_weights(folder: Path) -> Path:
    """Untrained weights of the right shapes, to try the machinery without the real ones."""
    torch.manual_seed(0)
    values = vocabulary().values
    unet = SceneUNet(tuple(values), tuple(len(v) for v in values.values()), 16, 16, 16, 1, 32, 8)
    torch.nn.init.normal_(unet.leave[2].weight, std=0.1)  # the last layer starts at zero, which paints plain grey
    unet.save_pretrained(folder / "unet")
    Enlarger(has_layout=True, n=8, n_mid=8, n_blocks=1).save_pretrained(folder / "edges")
    Enlarger(has_layout=False, n=8, n_mid=8, n_blocks=1).save_pretrained(folder / "details")
    return folder


def test_missing_weights_say_which_command_brings_them(tmp_path: Path) -> None:
    with pytest.raises(MissingWeights, match="adloom weights add scene-model"):
        SceneModelPipeline.load(tmp_path)


@pytest.mark.parametrize("size", [(512, 512), (300, 157), (270, 480)])
def test_a_backdrop_has_the_size_and_the_layers_that_the_composer_needs(tmp_path: Path, size: tuple[int, int]) -> None:
    model = SceneModel(small_weights(tmp_path), "cpu")
    painted = model.paint(ImageRequest("pink podium, hard light from the right", size, seed=4, view_angle_deg=20))
    b = painted.backdrop
    assert b.linear.shape == b.key_share.shape == b.specular.shape == (size[1], size[0], 3)
    assert b.camera.size_px == size
    assert b.camera.view_angle_deg == pytest.approx(20, abs=0.01)
    assert (b.linear >= 0).all()
    assert (b.specular <= b.linear).all()
    assert (b.key_share >= 0).all()
    assert (b.key_share <= 1).all()
    assert b.support_m is not None
    assert b.key.side is Side.RIGHT
    assert b.key.direction[0] > 0


def test_the_same_seed_gives_the_same_bytes_and_another_seed_others(tmp_path: Path) -> None:
    model = SceneModel(small_weights(tmp_path), "cpu")
    paint = [model.paint(ImageRequest("oak table, white wall", (128, 128), seed=s)).backdrop.linear for s in (1, 1, 2)]
    assert paint[0].tobytes() == paint[1].tobytes()
    assert paint[0].tobytes() != paint[2].tobytes()


def test_what_the_model_cannot_do_is_refused_with_the_reason(tmp_path: Path) -> None:
    model = SceneModel(small_weights(tmp_path), "cpu")
    for request in (
        ImageRequest("oak", (16, 16)),
        ImageRequest("oak", (2000, 200)),
        ImageRequest("oak", (512, 512), steps=0),
        ImageRequest("oak", (512, 512), candidates=99),
    ):
        with pytest.raises(UnsupportedRequest):
            model.paint(request)


@pytest.mark.weights
@needs_weights
def test_the_trained_model_paints_the_colours_that_were_asked_for() -> None:
    model = SceneModel(WEIGHTS, "cpu")
    means = {}
    for colour in ("red", "navy", "sage"):
        request = ImageRequest(f"white surface, {colour} wall, soft light", (256, 256), seed=1, candidates=4)
        linear = model.paint(request).backdrop.linear
        means[colour] = linear[:96].reshape(-1, 3).mean(axis=0)  # the wall fills the upper part at eye level
    assert means["red"][0] > 2 * means["red"][2]
    assert means["navy"][2] > 1.3 * means["navy"][0]
    assert means["sage"][1] > means["sage"][2]
