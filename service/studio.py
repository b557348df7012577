"""The story on one screen: product -> brief -> copy -> cut-out -> scene -> picture -> creative.

The studio holds no state of its own but caches; where pictures are kept and which backends run is handed in.
"""

from __future__ import annotations

import hashlib
import io
import json
import math
import re
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, date, datetime
from functools import cached_property
from threading import Lock
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol, TypeVar, cast

import numpy as np
from PIL import Image

from models.errors import ModelError
from models.image.fill import Filler
from models.types import BytePixels, CameraClass, CutOut, ImageModel, ImageRequest, Matting, PaintedBackdrop, TextModel
from prompts.scenes import SceneRow
from prompts.scenes import scene as scene_row
from prompts.scenes import scenes as scene_rows

from .domain import Brand, Brief, Copy, CopyLine, Creative, Finding, Offer, Photo, Product, Receipt, Scene
from .errors import InvalidInput, ServiceError
from .images.formats import Format, find_format
from .images.stages import Stages
from .images.typefaces import is_right_to_left
from .provenance import release
from .provenance.labels import NO_LABELS, Labeller, LabelPolicy
from .provenance.safety import SafetyCheck, SafetyPolicy

if TYPE_CHECKING:
    from .copy.brief import BriefFile
    from .images.choice import Choice, Look
    from .images.compose import Composition
    from .images.label_text import LabelReader
    from .images.placement import Placement
    from .images.positions import Proposal

T = TypeVar("T")
OcrPolicy = Literal["sampled", "always", "never"]
Progress = Callable[[str, float], None]  # what is being done, 0 to 1

PLACE_PX = (1536, 1536)  # size asked of backends; crops are taken from it
LIBRARY_ID = re.compile(r"^[a-z0-9]+([_-][a-z0-9]+)+$")  # "sage-podium"; one word alone is words
CACHED = 6  # cut-outs kept in memory, some 25 MB each
CACHED_PLACES = 3  # 85 MB each
CACHED_LOOKS = 200
FRAMINGS = ((0.0, 1.0), (-0.13, 0.86), (0.13, 0.86))  # of takes: aside by so much of the width, and how large
TAKES = 2 * len(FRAMINGS)
LYING = 0.52  # what is seen from above lies in the middle, a little below it, where no words want room
PictureType = Literal["png", "webp", "jpg"]
JPEG_QUALITY = 95
RUN_LENGTHS = 3  # zlib's strategy Z_RLE


def _no_mask(photo: Photo) -> bytes | None:
    return None


@dataclass(frozen=True, slots=True)
class Shelf:
    """Where pictures are read from and put: storage in the service, a folder for commands."""

    read: Callable[[Photo], bytes]
    put: Callable[[str, bytes], None]
    mask: Callable[[Photo], bytes | None] = _no_mask  # what a person drew instead of the automatic cut-out, a PNG
    keeps_bare: bool = True  # False: pictures without their words are not wanted


@dataclass(frozen=True, slots=True)
class Backends:
    """How to get each backend; called once, when first needed."""

    text: Callable[[], TextModel]
    matting: Callable[[], Matting]
    image: Callable[[str], ImageModel]
    default_image: str = "plates"
    ocr: OcrPolicy = "never"  # how often labels are read again in finished pictures
    labels: Labeller = NO_LABELS  # what is written into pictures about where they come from
    safety: SafetyPolicy = "off"  # what happens to pictures that may not be safe for work


class PlateFacts(Protocol):
    """What is known of a plate without opening it."""

    @property
    def view_angle_deg(self) -> float: ...

    @property
    def ball_rgb(self) -> tuple[float, float, float]: ...


class KnowsPlates(Protocol):
    """The part of the plates backend that tells where its cameras are."""

    def describe(self, id: str) -> PlateFacts: ...


@dataclass(frozen=True, slots=True)
class _Ready:
    """A product's photograph, cut out; made once and shared by all its pictures."""

    cut_out: CutOut
    photo_sha256: str
    view_angle_deg: float
    is_round: bool


class _Cache(Generic[T]):
    """The most recently used few, by key; one maker at a time for each key."""

    def __init__(self, size: int) -> None:
        self._size, self._lock = size, Lock()
        self._kept: OrderedDict[str, T] = OrderedDict()
        self._makers: dict[str, Lock] = {}

    def get(self, key: str, make: Callable[[], T]) -> T:
        with self._lock:
            if key in self._kept:
                self._kept.move_to_end(key)
                return self._kept[key]
            maker = self._makers.setdefault(key, Lock())
        with maker:
            with self._lock:
                if key in self._kept:  # another thread made it meanwhile
                    self._kept.move_to_end(key)
                    return self._kept[key]
            value = make()
            with self._lock:
                self._kept[key] = value
                self._makers.pop(key, None)
                while len(self._kept) > self._size:
                    self._kept.popitem(last=False)
            return value


class Workshop:
    """The backends and what they made that is worth keeping: one for the whole process, loaded when first used.

    Cut-outs and places are kept by content, so workspaces may share them.
    """

    def __init__(self, backends: Backends) -> None:
        self.backends = backends
        self.cut_outs: _Cache[_Ready] = _Cache(CACHED)
        self.places: _Cache[PaintedBackdrop] = _Cache(CACHED_PLACES)
        self.painters: _Cache[ImageModel] = _Cache(CACHED)
        self.looks: _Cache[Choice] = _Cache(CACHED_LOOKS)
        self.painting = Lock()  # networks take all cores by themselves
        self.stages = Stages()  # where the time of pictures went

    @cached_property
    def text_model(self) -> TextModel:
        return self.backends.text()

    @cached_property
    def matting(self) -> Matting:
        return self.backends.matting()

    @cached_property
    def safety(self) -> SafetyCheck:
        return SafetyCheck(self.backends.safety)

    @cached_property
    def label_reader(self) -> LabelReader:
        from .images.label_text import LabelReader

        return LabelReader(self.backends.ocr)

    def painter(self, backend: str) -> ImageModel:
        return self.painters.get(backend, lambda: self.backends.image(backend))


class Studio:
    """Makes copy and creatives out of products, for one workspace."""

    def __init__(self, workshop: Workshop, shelf: Shelf) -> None:
        self._shop, self._shelf = workshop, shelf
        self._mattes: set[str] = set()  # kept already

    # --- words -----------------------------------------------------------------------------------------------------

    def brief(
        self,
        product: Product,
        channel: str,
        language: str | None = None,
        variants: int = 8,
        tone: str | None = None,
        audience: str | None = None,
        file: BriefFile | None = None,
        today: date | None = None,
    ) -> Brief:
        """What is to be written: the product's own language, tone and audience unless others are given.

        Raises:
            InvalidInput: an offer of the brief does not run on the day of the copy.
        """
        from .copy.brief import BriefFile, brief_for, merged

        said = {"language": language, "tone": tone, "audience": audience}
        asked = BriefFile(**{key: value for key, value in said.items() if value})  # type: ignore[arg-type]
        day = today or datetime.now(UTC).date()
        return brief_for(product, channel, merged(file, asked), variants=variants, today=day, brand=brand_of(product))

    def write_copy(
        self,
        product: Product,
        channel: str,
        language: str | None = None,
        variants: int = 8,
        seed: int = 0,
        tone: str | None = None,
        audience: str | None = None,
        progress: Progress | None = None,
        file: BriefFile | None = None,
        on_line: Callable[[CopyLine], None] | None = None,
        today: date | None = None,
        is_cancelled: Callable[[], bool] | None = None,
    ) -> Copy:
        """Everything one channel needs; each claim has its evidence, each line says who wrote it.

        Args:
            file: the rest of the brief: voice, words, keywords, offers, market.
            on_line: called with each line as soon as it is sure to stay.
            today: the day the copy runs, unless the brief names one.
            is_cancelled: once it says so, ``models.Cancelled`` is raised, a token later.
        """
        from .copy.generate import write_copy

        brief = self.brief(product, channel, language, variants, tone, audience, file, today)
        return write_copy(brief, self._shop.text_model, seed, progress, on_line=on_line, is_cancelled=is_cancelled)

    # --- places ----------------------------------------------------------------------------------------------------

    def scenes(
        self, family: str | None = None, camera_class: str | None = None, category: str | None = None
    ) -> list[Scene]:
        """The scene library, filtered."""
        return [
            _scene(row)
            for row in scene_rows()
            if family in (None, row.family)
            and camera_class in (None, row.camera_class)
            and (category is None or not row.categories or category in row.categories)
        ]

    def propose_scenes(self, product: Product, n: int, seed: int = 0) -> list[Scene]:
        """The n library scenes that suit the photograph's camera best, different families first.

        Raises:
            InvalidInput: the product has no photograph.
            NoProductFound: nothing stands out on it.
        """
        return list(self._choice(product, n, seed).scenes)

    def look(self, product: Product, n: int, seed: int = 0) -> Look:
        """What a product's photographs are like, and the n places that suit them; never fails for a photograph.

        Raises:
            InvalidInput: the product has no photograph.
        """
        from .images.choice import Look, PhotoLook

        if not product.photos:
            raise InvalidInput("photos", f"product {product.id!r} has no photograph")
        looks: list[PhotoLook] = []
        for photo in product.photos:
            try:
                ready = self.lift(photo)
            except (ModelError, ServiceError) as error:
                looks.append(PhotoLook(photo, str(error)))
                continue
            cut = ready.cut_out
            seen = PhotoLook(photo, None, ready.view_angle_deg, cut.uncertainty, cut.needs_review, cut.n_products)
            looks.append(replace(seen, reasons=cut.reasons))
        good = tuple(look.photo for look in looks if look.problem is None)
        if not good:
            return Look(tuple(looks), (), 0)
        choice = self._choice(replace(product, photos=good), n, seed)
        return Look(tuple(looks), choice.scenes, choice.n_believable)

    def _choice(self, product: Product, n: int, seed: int) -> Choice:
        key = _digest(product.id, product.category, product.title, product.photos, n, seed)
        return self._shop.looks.get(key, lambda: self._choose(product, n, seed))

    def _choose(self, product: Product, n: int, seed: int) -> Choice:
        from models.finish import relight

        from .images.choice import Candidate, choose
        from .images.placement import fits

        plates = cast(KnowsPlates, self._shop.painter("plates"))
        whites: dict[str, tuple[float, float, float] | None] = {}
        candidates: list[Candidate] = []
        for scene in self.scenes():
            if scene.plate is None:
                continue
            plate = plates.describe(scene.plate)
            ready = self.ready(product, plate.view_angle_deg)
            if ready.photo_sha256 not in whites:
                whites[ready.photo_sha256] = _white_of(ready.cut_out)
            dark = relight.is_too_dark_for(plate.ball_rgb, whites[ready.photo_sha256])
            fit = fits(ready.view_angle_deg, plate.view_angle_deg, ready.is_round)
            candidates.append(Candidate(scene, fit, dark))
        return choose(product, candidates, n, seed)

    def paint(
        self, scene: Scene, *, backend: str | None = None, seed: int = 0, view_angle_deg: float | None = None
    ) -> PaintedBackdrop:
        """The place without a product: a rendered plate, or painted from the scene's words."""
        backend = backend or (scene.plate and "plates") or self._shop.backends.default_image
        request = ImageRequest(
            words=scene.words,
            size_px=PLACE_PX,
            seed=seed,
            plate=scene.plate if backend == "plates" else None,
            view_angle_deg=view_angle_deg,
        )
        key = _digest(backend, request.words, request.plate, seed if request.plate is None else 0, view_angle_deg)

        def make() -> PaintedBackdrop:
            with self._shop.stages.stage("decode plate" if backend == "plates" else "paint place"):
                painter = self._shop.painter(backend)
                if backend == "plates":
                    return painter.paint(request)
                with self._shop.painting:
                    return painter.paint(request)

        return self._shop.places.get(key, make)

    # --- pictures --------------------------------------------------------------------------------------------------

    def ready(self, product: Product, view_angle_deg: float | None = None) -> _Ready:
        """The product's photograph whose camera comes nearest to this elevation, cut out; the first without one.

        Raises:
            InvalidInput: the product has no photograph.
            UnreadableImage, NoProductFound: see matting.
        """
        if not product.photos:
            raise InvalidInput("photos", f"product {product.id!r} has no photograph")
        if view_angle_deg is None or len(product.photos) == 1:
            return self._lifted(product.photos[0])
        wanted = math.sin(math.radians(view_angle_deg))
        readies = [self._lifted(photo) for photo in product.photos]
        return min(readies, key=lambda ready: abs(math.sin(math.radians(ready.view_angle_deg)) - wanted))

    def lift(self, photo: Photo) -> _Ready:
        """One photograph cut out as pictures use it: by the mask that a person drew, else by the matting backend.

        Raises:
            UnreadableImage, NoProductFound: see matting.
        """
        return self._lifted(photo)

    def _lifted(self, photo: Photo) -> _Ready:
        data, mask = self._shelf.read(photo), self._shelf.mask(photo)
        digest = hashlib.sha256(data).hexdigest()
        key = digest if mask is None else f"{digest} {hashlib.sha256(mask).hexdigest()}"

        def make() -> _Ready:
            with self._shop.stages.stage("cut out"):
                return self._cut_out(data, digest, mask)

        return self._shop.cut_outs.get(key, make)

    def _cut_out(self, data: bytes, digest: str, mask: bytes | None = None) -> _Ready:
        from .images.intake import decode
        from .images.lifting import lift
        from .images.placement import find_base

        photo = decode(data)
        if mask is None:
            cut_out = lift(photo, self._shop.matting)
        else:
            from models.matting.given import cut_out_with_mask

            from .masks import read_mask

            cut_out = cut_out_with_mask(photo.pixels, read_mask(mask))
        base = find_base(cut_out.alpha)
        return _Ready(cut_out, digest, base.view_angle_deg, base.is_round)

    def make(
        self,
        product: Product,
        *,
        scene: str | None = None,
        backend: str | None = None,
        format: str = "square",
        seed: int = 0,
        headline: str | None = None,
        body: str | None = None,
        call_to_action: str | None = None,
        copy_id: str | None = None,
        brand: Brand | None = None,
        take: int = 0,
        picture_type: PictureType = "png",
        placement: Mapping[str, Any] | None = None,
        others: Sequence[Product] = (),
        arrangement: str | None = None,
        match_light: bool = True,
        relight: bool = False,
        label_policy: LabelPolicy | None = None,
        shows_price: bool = False,
        offers: Sequence[Offer] = (),
        legal: str | None = None,
        day: date | None = None,
        layout_stage: str | None = None,
    ) -> tuple[Creative, bytes]:
        """One finished advertisement, with the record by which it can be made again.

        The picture without words is put on the shelf too, under the key ``layout["bare_picture_key"]``.

        Args:
            scene: id in the library, or words for a place; None takes the plate that suits the photograph best.
            backend: "plates" or a backend that paints; None follows the scene.
            headline, body, call_to_action: typeset where given.
            take: another picture of the same place, 0 to ``TAKES`` - 1: odd ones show it mirrored, higher ones stand
                the product aside. With words it stands where the format wants it.
            picture_type: "png" and "webp" lose nothing; "jpg" does, and a finding says by how much.
            placement: where the product is to stand, see ``images.positions.parse_wish``; None: as the format wants it.
            others: further products of the same picture, with an ``arrangement``: set, size_comparison or flat_lay.
            match_light: move the place's white balance, grain and sharpness towards the product's.
            relight: give the product the place's light, within a bound; the receipt then says "relit", nothing else.
            label_policy: none, eu, cn or all; None: as the settings say.
            shows_price: letter the product's price, and the lower one of an offer that runs beside it; from facts only.
            offers: the first that runs on ``day`` (today) is shown with its last day.
            legal: small print, set as given and never left out.
            layout_stage: above, left, right or below: where the words stand; None: as suits the product.

        Raises:
            SigningImpossible, NoRoomForLabel: a label was asked for that cannot be given.
            InvalidInput: unknown format, no photograph, words without a backend that paints, a wish that the scene
                cannot grant.
            UnreadableImage, NoProductFound, UnknownPlate, UnknownScene: from the rooms below.
        """
        from .images import fidelity, staging
        from .images.compose import compose_set
        from .images.positions import Room, parse_wish

        if not 0 <= take < TAKES:
            raise InvalidInput("take", f"{take}; there are takes 0 to {TAKES - 1}")
        stage = self._shop.stages.stage
        frame = _worded(format, bool(headline or call_to_action), layout_stage)
        place_for = self.scene_for(product, scene, backend, seed)
        painted = self._taken(self._place_for(product, place_for, backend, seed), take)
        group = [product, *others]
        readies = [self.ready(each, painted.backdrop.camera.view_angle_deg) for each in group]
        ready = readies[0]
        aside, size = FRAMINGS[take // 2] if not (headline or call_to_action) else FRAMINGS[0]
        if headline and not (layout_stage or placement or others):
            frame = frame.suited_to(_aspect(ready.cut_out), right_to_left=is_right_to_left(product.language))
        standing = (frame.standing_px[0] + aside * frame.picture_px[0], frame.standing_px[1])
        if painted.backdrop.camera_class is CameraClass.TOP_DOWN and not (headline or call_to_action):
            standing = (standing[0], LYING * frame.picture_px[1])
        room = Room.of(frame.picture_px, standing, (size * frame.max_product_px[0], size * frame.max_product_px[1]))
        with stage("place"):
            actors = [staging.Actor(p, r.cut_out) for p, r in zip(group, readies, strict=True)]
            placements = staging.stood(actors, painted.backdrop, room, parse_wish(placement), arrangement)
        composed = compose_set(
            staging.lit(actors, placements), painted.backdrop, seed=seed, match_light=match_light, relights=relight
        )
        self._shop.stages.add(composed.stages)
        painter = self._shop.painter(painted.backdrop.provenance.backend)
        is_filled = isinstance(painter, Filler)
        if isinstance(painter, Filler):
            composed, painted = self._filled(painter, composed, painted, readies, placements, place_for, seed)
        brand = brand or brand_of(product)
        composed = _mounted(composed, frame, brand)
        picture, layout, findings = composed.pixels, {}, tuple(_notes(composed.notes, painted, ready.cut_out))
        findings += tuple(staging.doubts(actors, painted.backdrop))
        if headline or call_to_action:
            from .images.kits import kit_of
            from .images.layout import lay_out
            from .images.price_tags import offer_tag, price_tag

            today = day or datetime.now(UTC).date()
            kit = kit_of(brand, lambda key: self._shelf.read(Photo(key=key)))
            with stage("lay out words"):
                laid = lay_out(
                    composed.pixels,
                    composed.product_box_px,
                    composed.product_alpha,
                    frame,
                    headline=headline,
                    body=body,
                    call_to_action=call_to_action,
                    brand=brand,
                    logo=kit.logo,
                    fonts=kit.fonts,
                    language=product.language,
                    price=price_tag(product, offers, today) if shows_price else None,
                    offer=offer_tag(offers, today, product.language),
                    legal=legal,
                )
            picture, layout, findings = laid.pixels, dict(laid.record), findings + tuple(laid.findings)
        labels, maker = self._shop.backends.labels, painted.backdrop.provenance.backend
        policy = labels.chosen(label_policy)
        with stage("label"):
            picture, mark = labels.mark(
                picture, policy, maker, composed.product_alpha, composed.pixels, frame.safe_box_px
            )
        with stage("encode"):
            data = encode(picture, picture_type)
        content = hashlib.sha256(data).hexdigest() + ("" if policy == "none" else f" {policy}")
        creative_id = _creative_id(product, place_for, backend, format, seed, headline, body, call_to_action, content)
        label: dict[str, Any] = {}
        if policy != "none":
            with stage("label"):
                data, label, told = labels.seal(
                    data,
                    policy,
                    picture_type,
                    content_id=creative_id,
                    backend=maker,
                    photos=release.photo_sources(group, [r.photo_sha256 for r in readies], self._shelf.read),
                    place=release.place_of(painted.backdrop, place_for.id),
                    mark=mark,
                    language=product.language,
                    title=product.title,
                )
            findings = (*findings, *told)
        with stage("receipt"):
            receipt = fidelity.measure_set(
                data if picture_type != "jpg" else _lossless(picture),
                [
                    fidelity.Checked(r.cut_out, w, r.photo_sha256, p.id)
                    for r, w, p in zip(readies, placements, group, strict=True)
                ],
                provenance=painted.backdrop.provenance,
                backdrop=None if is_filled else painted.backdrop,
                offset_px=frame.offset_px,
                reader=self._shop.label_reader,
                match_light=match_light,
                relit=relight,
            )
        findings = (*findings, *fidelity.doubts(receipt), *self._safety(scene, readies, picture, receipt))
        self._keep_mattes(receipt, readies)
        if picture_type == "jpg":
            receipt = replace(receipt, picture_sha256=hashlib.sha256(data).hexdigest())
            findings = (*findings, _what_jpeg_lost(picture, data, composed.product_box_px))
        picture_key = f"creatives/{receipt.picture_sha256}.{picture_type}"
        bare_key = picture_key if picture is composed.pixels else self._keep_bare(composed.pixels)
        creative = Creative(
            id=creative_id,
            product_id=product.id,
            format=format,
            width_px=frame.size_px[0],
            height_px=frame.size_px[1],
            picture_key=picture_key,
            scene=place_for,
            image_provenance=_plain(painted.backdrop.provenance),
            matting_provenance=_plain(ready.cut_out.provenance),
            copy_id=copy_id,
            headline=headline,
            body=body,
            call_to_action=call_to_action,
            layout={
                **layout,
                "bare_picture_key": bare_key,
                "take": take,
                **({"label": label} if label else {}),
                **staging.record(actors, placements, arrangement),
            },
            receipt=receipt,
            findings=findings,
        )
        return creative, data

    def placements(
        self,
        product: Product,
        *,
        scene: str | None = None,
        backend: str | None = None,
        format: str = "square",
        seed: int = 0,
        placement: Mapping[str, Any] | None = None,
        others: Sequence[Product] = (),
        arrangement: str | None = None,
    ) -> tuple[Scene, tuple[int, int], list[Proposal]]:
        """Where the product, or the group, could stand in a scene: nothing is composed. Raises as ``make`` does.

        Returns:
            The scene, the frame's (width, height) and the proposals, the best first.
        """
        from .images import staging
        from .images.positions import Room, parse_wish

        frame = find_format(format).without_words()
        place_for = self.scene_for(product, scene, backend, seed)
        backdrop = self._place_for(product, place_for, backend, seed).backdrop
        group = [product, *others]
        actors = [staging.Actor(p, self.ready(p, backdrop.camera.view_angle_deg).cut_out) for p in group]
        room = Room.of(frame.size_px, frame.standing_px, frame.max_product_px)
        return place_for, frame.size_px, staging.offered(actors, backdrop, room, parse_wish(placement), arrangement)

    def scene_for(self, product: Product, scene: str | None, backend: str | None, seed: int) -> Scene:
        """The scene of an id, of free words, or the one that suits best."""
        if scene is None:
            return self.propose_scenes(product, 1, seed)[0]
        if LIBRARY_ID.match(scene):
            return _scene(scene_row(scene))
        if backend in (None, "plates"):
            painted = self.paint(_words(scene), backend="plates", view_angle_deg=self.ready(product).view_angle_deg)
            return _scene(scene_row(painted.backdrop.provenance.model))
        return _words(scene)

    def _place_for(self, product: Product, scene: Scene, backend: str | None, seed: int) -> PaintedBackdrop:
        """A plate as it is; a painted place with the camera of the product's first photograph."""
        if backend in (None, "plates") and scene.plate is not None:
            return self.paint(scene, backend="plates")
        return self.paint(scene, backend=backend, seed=seed, view_angle_deg=self.ready(product).view_angle_deg)

    def _filled(
        self,
        painter: Filler,
        composed: Composition,
        painted: PaintedBackdrop,
        readies: Sequence[_Ready],
        placements: Sequence[Placement],
        scene: Scene,
        seed: int,
    ) -> tuple[Composition, PaintedBackdrop]:
        """The place around the products painted by a network; who painted it goes on record."""
        from .images.compose import depth_order
        from .images.filling import filled

        order = depth_order(placements)
        products = [(readies[k].cut_out, placements[k]) for k in order]
        from_above = painted.backdrop.camera_class is CameraClass.TOP_DOWN
        with self._shop.stages.stage("paint place"), self._shop.painting:
            composed, made = filled(
                painter, composed, products, scene.words, seed=seed, tries=painter.tries, from_above=from_above
            )
        return composed, replace(painted, backdrop=replace(painted.backdrop, provenance=made))

    def _taken(self, painted: PaintedBackdrop, take: int) -> PaintedBackdrop:
        from models.image.mirror import mirrored

        if take % 2 == 0:
            return painted
        with self._shop.stages.stage("mirror place"):
            return replace(painted, backdrop=mirrored(painted.backdrop))

    def _safety(
        self, scene: str | None, readies: Sequence[_Ready], picture: BytePixels, receipt: Receipt
    ) -> tuple[Finding, ...]:
        """What the safety checks say of the words that were asked for, the photographs and a generated place."""
        check = self._shop.safety
        found = check.of_words(scene) if scene is not None and not LIBRARY_ID.match(scene) else ()
        for ready in readies:
            found += check.of_photo(ready.cut_out.photo, ready.photo_sha256)
        return found + check.of_picture(picture, receipt.picture_sha256, receipt.backend)

    def _keep_mattes(self, receipt: Receipt, readies: Sequence[_Ready]) -> None:
        """Put each cut-out's matte on the shelf once, so that the receipt can be measured again."""
        if not self._shelf.keeps_bare:
            return
        for part, ready in zip(receipt.parts, readies, strict=True):
            if part.matte_sha256 not in self._mattes:
                self._shelf.put(release.matte_key(part.matte_sha256), release.matte_png(ready.cut_out.alpha))
                self._mattes.add(part.matte_sha256)

    def _keep_bare(self, picture: BytePixels) -> str | None:
        if not self._shelf.keeps_bare:
            return None
        with self._shop.stages.stage("encode"):
            data = encode(picture)
        key = f"pictures/{hashlib.sha256(data).hexdigest()}.png"
        self._shelf.put(key, data)
        return key


def encode(picture: BytePixels, picture_type: PictureType = "png") -> bytes:
    """(H, W, 3) sRGB as a file. PNG and WebP lose nothing, or the receipt could not be zero.

    Run lengths instead of long matches: PNG takes 1/3 less time and no more room on pictures with grain.
    """
    buffer, image = io.BytesIO(), Image.fromarray(picture)
    if picture_type == "webp":
        image.save(buffer, "WEBP", lossless=True, quality=0, method=0)
    elif picture_type == "jpg":
        image.save(buffer, "JPEG", quality=JPEG_QUALITY, subsampling=0, icc_profile=None)
    else:
        image.save(buffer, "PNG", compress_level=1, compress_type=RUN_LENGTHS)
    return buffer.getvalue()


def _lossless(picture: BytePixels) -> bytes:
    """The same pixels as an uncompressed file."""
    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "BMP")
    return buffer.getvalue()


def _what_jpeg_lost(picture: BytePixels, data: bytes, box: tuple[int, int, int, int]) -> Finding:
    left, top, right, bottom = box
    with Image.open(io.BytesIO(data)) as image:
        there = np.asarray(image.convert("RGB"), dtype=np.int16)[top:bottom, left:right]
    off = np.abs(there - picture[top:bottom, left:right].astype(np.int16))
    message = (
        f"delivered as JPEG: the receipt is of the picture before it; around the product the file differs by "
        f"{float(off.mean()):.2f} of 255 on average and {int(off.max())} at most"
    )
    return Finding("picture.lossy", message, "note")


def _worded(name: str, has_words: bool, stage: str | None) -> Format:
    """The format of a picture, on the stage that was asked for; without words the scene takes all of it."""
    frame = find_format(name)
    if frame.shows == "logo":
        raise InvalidInput("format", f"{frame.name} shows a brand's logo alone: GET /v1/brands/{{id}}/look/logo")
    if not has_words or frame.words == "forbidden":
        return frame.without_words()
    return frame.staged(stage) if stage else frame


def _mounted(composed: Composition, frame: Format, brand: Brand) -> Composition:
    """The composition in its frame, beside the panel that some formats have for the words."""
    from .images.grounds import mounted

    if not frame.is_split:
        return composed
    pixels, alpha = mounted(composed.pixels, composed.product_alpha, frame, brand)
    (dx, dy), (left, top, right, bottom) = frame.offset_px, composed.product_box_px
    box = (left + dx, top + dy, right + dx, bottom + dy)
    return replace(composed, pixels=pixels, product_alpha=alpha, product_box_px=box)


def _aspect(cut_out: CutOut) -> float:
    """Width over height of the product."""
    seen = cut_out.alpha > 0.5
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    return float(np.ptp(columns) + 1) / float(np.ptp(rows) + 1) if rows.size else 1.0


def brand_of(product: Product) -> Brand:
    """How the product's brand looks when nobody said otherwise."""
    return Brand(name=product.brand or "")


def height_of(product: Product) -> float | None:
    """The product's height in metres from a fact that names it, else None."""
    from .images.sizes import true_size

    size = true_size(product)
    return size.height_m if size is not None and size.is_known else None


def _scene(row: SceneRow) -> Scene:
    return Scene(**row.model_dump())


def _words(words: str) -> Scene:
    """A place that exists in words only."""
    return Scene(
        id=f"words-{_digest(words)[:12]}", words=words, family="", mood="", light_side="", surface="", camera_class=""
    )


def _white_of(cut_out: CutOut) -> tuple[float, float, float] | None:
    """The light that the product was photographed in, as far as it shows."""
    from models.finish import relight

    step = max(1, max(cut_out.alpha.shape) // 600)
    small = np.ascontiguousarray(cut_out.photo[::step, ::step]), np.ascontiguousarray(cut_out.alpha[::step, ::step])
    return relight.balance(*small, (1.0, 1.0, 1.0)).product_white


def _notes(notes: Sequence[str], painted: PaintedBackdrop, cut_out: CutOut) -> list[Finding]:
    """What a person should know before approving; several products on one photograph cannot be approved."""
    found = [Finding("picture.note", note, "note") for note in notes]
    if cut_out.n_products > 1:
        message = f"{cut_out.n_products} separate products on the photograph; send one photograph for each"
        found.append(Finding("cut_out.several_products", message, "block"))
    if cut_out.needs_review:
        why = "; ".join(cut_out.reasons[:3]) or "look at its edges"
        message = f"the cut-out is unsure ({cut_out.uncertainty:.2f} of 1): {why}"
        found.append(Finding("cut_out.unsure", message, "warn"))
    if painted.not_understood:
        words = ", ".join(painted.not_understood)
        found.append(Finding("scene.words", f"these words changed nothing: {words}", "warn"))
    return found


def _plain(value: Any) -> Mapping[str, Any]:
    """A dataclass as JSON values."""
    return dict(json.loads(json.dumps(asdict(value), default=str)))


def _digest(*parts: object) -> str:
    return hashlib.sha256(json.dumps([str(part) for part in parts]).encode()).hexdigest()


def _creative_id(product: Product, scene: Scene, *settings: object) -> str:
    """The same settings that gave the same picture are the same creative."""
    return "cr_" + _digest(product.id, scene.id, *settings)[:20]
