"""Retouching does what it says, no more, and leaves the product alone unless asked."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

from models import pixels
from models.finish import packshot, relight, retouch, upscale
from models.types import Alpha, BytePixels, CutOut, Provenance

SIDE = 480


def shot(
    ground: tuple[int, int, int] = (236, 236, 236), lean_deg: float = 0.0, product: tuple[int, int, int] = (40, 90, 150)
) -> tuple[BytePixels, Alpha]:
    """A jar with a neck on a plain sweep, with grain; and its alpha."""
    mask = Image.new("L", (SIDE, SIDE), 0)
    draw = ImageDraw.Draw(mask)
    draw.rectangle([170, 150, 310, 400], fill=255)
    draw.rectangle([205, 110, 275, 150], fill=255)
    mask = mask.rotate(-lean_deg, resample=Image.Resampling.BICUBIC)
    alpha = ndimage.gaussian_filter(np.asarray(mask, np.float32) / 255.0, 0.7)
    picture = (
        np.asarray(ground, np.float32) * (1 - alpha[..., None]) + np.asarray(product, np.float32) * alpha[..., None]
    )
    picture += np.random.default_rng(0).normal(0.0, 1.0, (SIDE, SIDE, 1))
    alpha[alpha > 0.98], alpha[alpha < 0.02] = 1.0, 0.0
    return np.clip(np.rint(picture), 0, 255).astype(np.uint8), alpha.astype(np.float32)


def cut(photo: BytePixels, alpha: Alpha) -> CutOut:
    return CutOut(photo, alpha, photo, 0.0, 1, Provenance("test", "none", "1"))


def tinted(photo: BytePixels, gains: tuple[float, float, float], exposure: float = 1.0) -> BytePixels:
    return pixels.to_srgb(np.clip(pixels.to_linear(photo) * np.asarray(gains, np.float32) * np.float32(exposure), 0, 1))


# --- light -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("gains", [(1.15, 1.0, 0.8), (0.85, 1.0, 1.2)])
def test_a_colour_cast_on_a_white_sweep_is_taken_out(gains: tuple[float, float, float]) -> None:
    photo, alpha = shot()

    step = retouch.white_balance(tinted(photo, gains), alpha)

    ground = np.median(step.photo[alpha == 0], axis=0)
    assert np.ptp(ground) <= 3  # of 255, after one rounding and the grain
    assert step.operation.done
    assert step.operation.touches_product


def test_a_coloured_ground_is_left_as_it_is() -> None:
    photo, alpha = shot(ground=(200, 120, 90))

    step = retouch.white_balance(photo, alpha)

    assert not step.operation.done
    assert step.photo is photo
    assert "coloured" in step.operation.says


def test_an_underexposed_sweep_becomes_white_without_blowing_the_product_out() -> None:
    photo, alpha = shot(product=(235, 235, 230))
    dark = tinted(photo, (1, 1, 1), 0.5)

    step = retouch.exposure(dark, alpha)

    assert 215 <= np.median(step.photo[alpha == 0]) <= 246
    assert np.mean(np.any(step.photo[alpha == 1] == 255, axis=-1)) <= 2 * retouch.CLIPPED
    assert step.operation.numbers["gain"] > 1.2


# --- ground and spots --------------------------------------------------------------------------------------------


def test_specks_go_and_the_product_keeps_every_pixel() -> None:
    photo, alpha = shot()
    dirty = photo.copy()
    for y, x in ((40, 60), (60, 400), (300, 90), (440, 420), (200, 380)):
        dirty[y - 1 : y + 2, x - 1 : x + 2] = 120

    step = retouch.remove_dust(dirty, alpha)

    assert np.array_equal(step.photo[alpha > 0.02], dirty[alpha > 0.02])
    assert step.operation.numbers["specks"] == 5
    assert int(np.abs(step.photo[40, 60].astype(int) - photo[40, 60]).max()) < 8
    assert not step.operation.touches_product
    assert not retouch.remove_dust(photo, alpha).operation.done


def test_a_creased_ground_becomes_smooth_and_the_shadow_stays() -> None:
    photo, alpha = shot()
    y, x = np.mgrid[:SIDE, :SIDE]
    creased = photo.astype(np.float32) + 6 * np.sin(x / 9)[..., None] * (alpha == 0)[..., None]
    shadow = 60 * np.exp(-(((x - 240) / 90) ** 2 + ((y - 405) / 8) ** 2))[..., None] * (alpha == 0)[..., None]
    creased = np.clip(creased - shadow, 0, 255).astype(np.uint8)

    step = retouch.clean_ground(creased, alpha)

    far = (alpha == 0) & (y < 90)
    assert step.photo[far].std() < 0.4 * creased[far].std()
    assert np.array_equal(step.photo[alpha > 0.02], creased[alpha > 0.02])
    under = (slice(402, 408), slice(215, 265))
    assert np.abs(step.photo[under].astype(int) - creased[under]).mean() < 4


def test_a_lone_blemish_on_the_product_goes_and_is_on_record() -> None:
    photo, alpha = shot()
    spotted = photo.copy()
    spotted[250:253, 240:243] = (200, 200, 200)

    step = retouch.remove_blemishes(spotted, alpha)
    change = retouch.change_inside(spotted, step.photo, alpha)

    assert step.operation.numbers["spots"] == 1
    assert int(np.abs(step.photo[251, 241].astype(int) - photo[251, 241]).max()) < 10
    assert change.delta_e_max > 20
    assert change.changed_share < 0.01


def test_a_speckled_glaze_is_the_product_and_stays() -> None:
    photo, alpha = shot()
    rng = np.random.default_rng(3)
    for _ in range(40):
        y, x = rng.integers(170, 390), rng.integers(180, 300)
        photo[y : y + 2, x : x + 2] = 210

    step = retouch.remove_blemishes(photo, alpha)

    assert not step.operation.done
    assert "pattern" in step.operation.says
    assert step.photo is photo


# --- lines -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("lean", [-4.0, -1.5, 2.0, 5.0])
def test_a_leaning_product_is_set_upright(lean: float) -> None:
    photo, alpha = shot(lean_deg=lean)

    found, confidence = retouch.tilt_deg(alpha)
    step = retouch.straighten(photo, alpha)

    assert found == pytest.approx(lean, abs=0.3)
    assert confidence > 0.5
    assert abs(retouch.tilt_deg(step.alpha)[0]) < 0.3
    assert step.operation.resampled
    assert not retouch.straighten(step.photo, step.alpha).operation.done


def test_a_shape_without_straight_sides_is_not_turned() -> None:
    y, x = np.mgrid[:SIDE, :SIDE]
    alpha = (((x - 200 - (y - 240) ** 2 / 400) / 90) ** 2 + ((y - 240) / 140) ** 2 < 1).astype(np.float32)
    photo = np.full((SIDE, SIDE, 3), 200, np.uint8)

    assert not retouch.straighten(photo, alpha).operation.done


# --- packshot ----------------------------------------------------------------------------------------------------


def test_a_packshot_meets_the_rule_of_marketplaces() -> None:
    photo, alpha = shot()

    made = packshot.on_white(cut(photo, alpha), 1_600)

    assert made.pixels.shape == (1_600, 1_600, 3)
    assert np.all(made.pixels[made.alpha == 0] == 255)
    assert packshot.problems(made.pixels) == ()
    assert any("enlarged" in note for note in made.notes)


@pytest.mark.parametrize(
    ("fault", "says"),
    [("grey", "pure white"), ("small", "1600"), ("tiny", "takes"), ("badge", "further things"), ("empty", "nothing")],
)
def test_what_breaks_the_rule_is_said(fault: str, says: str) -> None:
    made = packshot.on_white(cut(*shot()), 1_600).pixels.copy()
    if fault == "grey":
        made[np.all(made == 255, axis=-1)] = 244
    elif fault == "small":
        made = pixels.resize_photo(made, (800, 800))
    elif fault == "tiny":
        small = pixels.resize_photo(made, (800, 800))
        made[:] = 255
        made[400:1200, 400:1200] = small
    elif fault == "badge":
        made[20:160, 20:160] = (255, 0, 0)
    else:
        made[:] = 255

    assert any(says in problem for problem in packshot.problems(made))


def test_sizes_outside_the_rule_are_refused() -> None:
    with pytest.raises(ValueError, match="1600"):
        packshot.on_white(cut(*shot()), 1_000)


# --- upscaling ---------------------------------------------------------------------------------------------------


class Doubler(upscale.RealEsrgan):
    """Every tile four times larger by repetition, so that seams would show."""

    def _tile(self, tile: BytePixels) -> BytePixels:
        return tile.repeat(4, axis=0).repeat(4, axis=1)


def test_tiles_join_without_seams() -> None:
    picture = np.random.default_rng(0).integers(0, 255, (150, 290, 3), dtype=np.uint8)
    told: list[tuple[int, int]] = []

    larger = Doubler("x4plus", lambda done, total: told.append((done, total))).enlarged(picture)

    assert np.array_equal(larger, picture.repeat(4, axis=0).repeat(4, axis=1))
    assert told[-1] == (6, 6)


@pytest.mark.weights
@pytest.mark.parametrize("name", ["realesrgan", "realesrgan-fast"])
def test_real_esrgan_is_sharper_than_lanczos_and_shows_the_same(name: str) -> None:
    pytest.importorskip("ncnn", reason="the extra upscale is not installed")
    from models import weights

    if weights.check("realesrgan").state is not weights.State.OK:
        pytest.skip("its weights are not installed: adloom weights add realesrgan")
    y, x = np.mgrid[:128, :128]
    disc = ((x - 64) ** 2 + (y - 64) ** 2 < 40**2)[..., None]
    truth = np.where(disc, (30, 60, 120), (235, 230, 220)).astype(np.uint8)
    small = np.asarray(Image.fromarray(truth).resize((32, 32), Image.Resampling.BOX))

    made = upscale.upscaler(name)(small, (128, 128))
    plain = upscale.lanczos(small, (128, 128))

    def steepest(picture: BytePixels) -> float:
        return float(np.abs(np.diff(pixels.luma(picture).astype(np.float64), axis=1)).max())

    assert steepest(made) > 1.2 * steepest(plain)
    assert np.abs(made.astype(int) - truth).mean() < 8  # of 255


# --- the place's light on the product, when it is asked for -------------------------------------------------------


@pytest.mark.parametrize("ball", [(0.8, 0.6, 0.4), (0.2, 0.22, 0.3), (1.6, 1.5, 1.4), (0.05, 0.05, 0.05)])
def test_a_product_moves_towards_the_places_light_within_the_bound(ball: tuple[float, float, float]) -> None:
    photo, alpha = shot()

    told = relight.product_gain(photo, alpha, ball)
    lit = relight.relit(photo, told.gain)

    moved = retouch.change_inside(photo, lit, alpha)
    assert moved.delta_e_p95 <= relight.RELIT_BOUND + 0.5  # a sample of the pixels set the gain
    assert told.gain != (1.0, 1.0, 1.0)
    warm = told.gain[0] / told.gain[2]
    assert (warm > 1.0) == (ball[0] > ball[2]) or ball[0] == ball[2]


def test_light_that_is_the_same_changes_nothing() -> None:
    photo, alpha = shot()
    told = relight.product_gain(photo, alpha, (0.64, 0.64, 0.64))
    assert relight.relit(photo, told.gain) is photo or told.delta_e_p95 < 3
