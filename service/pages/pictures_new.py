"""What is to be made: which products, in which places, in which sizes, with which words; and what that comes to."""

from __future__ import annotations

import itertools
import re
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Annotated, Any

from fastapi import APIRouter, Query, Response
from starlette.datastructures import FormData

from service.api.images import MOST_ITEMS, ImagesRequest
from service.arena import utc_now
from service.domain import Product
from service.errors import InvalidInput, NotFound
from service.images.formats import Format, formats
from service.records import AuditEntry

from . import words
from .pictures_lifts import Lift, lifter
from .pictures_page import Designer, pictures_of, sections, tile_of, uploaded
from .pictures_places import family_name, picture_of, places
from .web import Member, PageRoute

router = APIRouter(include_in_schema=False, route_class=PageRoute)

CHINESE = ("taobao", "tmall", "jd", "pinduoduo", "douyin", "xiaohongshu")
MOST_PRODUCTS = 200
MOST_OWN = 20  # places in own words
SECONDS_EACH = 2.0  # of a picture, until some were made here
PAINT_S = 25.0  # of a painted place on a machine without accelerator
MEGABYTES_EACH = 3.2  # with and without words, per million pixels
ONCE = re.compile(r"^[0-9a-f]{16,40}$")
STANDING = {
    "": ("As each size wants it", None),
    "left": ("Left third", {"mode": "anchor", "at": "left"}),
    "centre": ("Centre", {"mode": "anchor", "at": "centre"}),
    "right": ("Right third", {"mode": "anchor", "at": "right"}),
    "far": ("Smaller, further off", {"mode": "anchor", "at": "centre", "depth": "far"}),
}
TOGETHER = {
    "": ("Each by itself", "One product a picture."),
    "set": ("As a set", "All in one picture, arranged as a group."),
    "size_comparison": ("Size beside size", "In true proportion, where their heights are known."),
    "flat_lay": ("Flat-lay", "Seen from straight above; photographs from above are best."),
}
MOST_TOGETHER = 5
LABELS = {
    "none": ("No label", "For drafts, or where the platform adds its own."),
    "eu": ("EU", "Signed content credentials: what is photograph, what is generated."),
    "cn": ("China", "A visible mark and the AIGC fields that GB 45438 asks for."),
    "all": ("EU and China", "Both."),
}


@dataclass(frozen=True, slots=True)
class Wish:
    """The form, read."""

    products: tuple[Product, ...]
    scenes: tuple[str, ...]
    own: tuple[str, ...]  # places in own words
    painter: str  # "plates": the nearest of the library; "scene-model": painted
    formats: tuple[str, ...]
    words: str  # none, typed, approved
    texts: Mapping[str, str]
    options: Mapping[str, Any]  # what else a picture's request may carry
    arrangement: str = ""  # "": one product a picture

    @property
    def n_places(self) -> int:
        return len(self.scenes) + len(self.own)

    @property
    def n(self) -> int:
        return (1 if self.arrangement else len(self.products)) * self.n_places * len(self.formats)


def read(who: Member, form: FormData) -> Wish:
    """Raises NotFound for products that are gone."""

    def all_of(name: str) -> tuple[str, ...]:
        return tuple(dict.fromkeys(v for v in form.getlist(name) if isinstance(v, str) and v))

    def text(name: str, most: int) -> str:
        value = form.get(name)
        return " ".join(value.split())[:most] if isinstance(value, str) else ""

    value = form.get("own")
    own = dict.fromkeys(" ".join(line.split())[:300] for line in (value if isinstance(value, str) else "").splitlines())
    known = formats()
    has = ImagesRequest.model_fields
    options: dict[str, Any] = {}
    if "label_policy" in has and text("label_policy", 10) in LABELS:
        options["label_policy"] = text("label_policy", 10)
    products = tuple(who.store.products.get(id) for id in all_of("product")[:MOST_PRODUCTS])
    arrangement = text("arrangement", 20)
    if arrangement not in TOGETHER or not 2 <= len(products) <= MOST_TOGETHER or "arrangement" not in has:
        arrangement = ""
    stands = STANDING.get(text("placement", 20), ("", None))[1]
    if stands is not None and not arrangement and "placement" in has:
        options["placement"] = stands
    return Wish(
        products=products,
        scenes=all_of("scene")[:500],
        own=tuple(line for line in own if line)[:MOST_OWN],
        painter="scene-model" if text("painter", 20) == "scene-model" else "plates",
        formats=tuple(name for name in all_of("format") if name in known),
        words=text("words", 10) if text("words", 10) in ("typed", "approved") else "none",
        texts={part: text(part, most) for part, most in (("headline", 200), ("body", 300), ("call_to_action", 60))},
        options=options,
        arrangement=arrangement,
    )


# --- the form ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Frame:
    """A size with its little frame, in true proportion, in units of 44."""

    format: Format
    name: str
    x: float
    y: float
    width: float
    height: float
    thing: tuple[float, float, float]  # x, y, radius of a dot where the product stands
    takes_words: bool

    @property
    def search(self) -> str:
        told = (self.format.name, self.format.used_for, *getattr(self.format, "aliases", ()))
        return " ".join(told).replace("_", " ").lower()


USUAL = ("square", "portrait", "story", "reels", "tiktok", "landscape", "wide", "pin")
GROUPS = (("Banners", ("banner",)), ("Amazon", ("amazon",)), ("China", CHINESE))


def frames() -> Mapping[str, tuple[Frame, ...]]:
    """Sizes by where they are used: the usual ones first."""
    found: dict[str, list[Frame]] = {"The usual": [], **{name: [] for name, _ in GROUPS}, "More": []}
    known = formats()
    for name in (*(n for n in USUAL if n in known), *(n for n in known if n not in USUAL)):
        if getattr(known[name], "shows", "product") == "product":
            found[_group(known[name])].append(_frame(known[name]))
    return {name: tuple(frames) for name, frames in found.items() if frames}


def _group(format: Format) -> str:
    if format.name in USUAL:
        return "The usual"
    told = f"{format.name} {format.used_for}".lower()
    return next((name for name, signs in GROUPS if any(sign in told for sign in signs)), "More")


def _frame(format: Format) -> Frame:
    wide, tall = format.size_px
    unit = 40 / max(wide, tall)
    width, height = max(wide * unit, 3.0), max(tall * unit, 3.0)
    left, top = 22 - width / 2, 22 - height / 2
    off_x, off_y = getattr(format, "offset_px", (0, 0))
    radius = max(0.17 * min(width, height), 1.0)
    x, y = (format.standing_px[0] + off_x) * unit + left, (format.standing_px[1] + off_y) * unit + top
    return Frame(
        format=format,
        name=family_name(format.name),
        x=round(left, 1),
        y=round(top, 1),
        width=round(width, 1),
        height=round(height, 1),
        thing=(round(x, 1), round(min(y - radius, top + height - radius), 1), round(radius, 1)),
        takes_words=getattr(format, "words", "allowed") == "allowed",
    )


@router.get("/pictures/new")
def new_pictures(who: Designer, product: Annotated[list[str] | None, Query()] = None) -> Response:
    """Choose places, sizes and words for the products that the address names."""
    chosen: list[Product] = []
    for id in dict.fromkeys(product or []):
        try:
            one = who.store.products.get(id)
        except NotFound:
            continue
        if uploaded(one):
            chosen.append(one)
    if not chosen:
        return who.go("/pictures", "Choose a product with a photograph first.", "note")
    chosen = chosen[:MOST_PRODUCTS]
    lifts = [_lifts(who, one) for one in chosen]
    categories = frozenset(one.category for one in chosen if one.category)
    found = places(who.services.studio(who.workspace).scenes(), lifts, categories)
    approved = pictures_of(who).approved_words([one.id for one in chosen])
    return who.page(
        "pictures/new.html.j2",
        tiles=[tile_of(who, row) for row in pictures_of(who).rows(chosen)],
        places=found,
        n_fit=sum(place.group == 0 for place in found) if any(lifts) else 0,
        families=sorted({(place.scene.family, place.family) for place in found}),
        frames=frames(),
        approved=approved,
        n_approved=sum(bool(approved.get(one.id, {}).get("headline")) for one in chosen),
        can_paint=painter_is_here(),
        standing=STANDING if "placement" in ImagesRequest.model_fields else {},
        together=TOGETHER if "arrangement" in ImagesRequest.model_fields and 2 <= len(chosen) <= MOST_TOGETHER else {},
        labels=LABELS if "label_policy" in ImagesRequest.model_fields else {},
        label=getattr(who.services.settings, "label_policy", "none"),
        once=secrets.token_hex(12),
        unready=sum(not mine for mine in lifts),
        **sections(who),
    )


def _lifts(who: Member, product: Product) -> list[Lift]:
    found = (lifter(who.request).look(who.workspace, photo) for photo in uploaded(product))
    return [lift for lift in found if lift is not None and lift.is_found]


@cache
def painter_is_here() -> bool:
    """Whether this installation can paint places."""
    from models import ModelError
    from models.weights import path

    try:
        path("scene-model")
    except ModelError:
        return False
    return True


@router.get("/pictures/scenes/{plate}/{width}.webp")
def scene_picture(plate: str, width: int, who: Designer) -> Response:
    headers = {"Cache-Control": "private, max-age=604800"}
    return Response(picture_of(plate, width), media_type="image/webp", headers=headers)


# --- the plan ------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Plan:
    """What it comes to, before anything begins."""

    n: int
    said: str  # "2 products × 6 places × 3 sizes"
    time: str  # "about 4 minutes"
    room: str  # "about 120 MB"
    ahead: int  # pictures of other batches that come first
    missing: tuple[str, ...]  # what is not chosen yet
    warnings: tuple[str, ...]


def plan(who: Member, wish: Wish) -> Plan:
    pictures = pictures_of(who)
    each = pictures.seconds_each() or SECONDS_EACH
    ahead = who.store.jobs.n_waiting()
    painted = len(wish.own) if wish.painter == "scene-model" else 0
    seconds = (each * (wish.n + ahead) + PAINT_S * painted * len(wish.products)) / who.services.settings.job_workers
    pixels = sum(w * h for w, h in (formats()[name].size_px for name in wish.formats)) / 1e6
    megabytes = pixels * MEGABYTES_EACH * wish.n / max(1, len(wish.formats))
    missing = []
    if not wish.n_places:
        missing.append("a place")
    if not wish.formats:
        missing.append("a size")
    return Plan(
        n=wish.n,
        said=" × ".join(
            (
                "1 group" if wish.arrangement else words.count(len(wish.products), "product"),
                words.count(wish.n_places, "place"),
                words.count(len(wish.formats), "size"),
            )
        ),
        time=f"about {words.duration(max(1.0, seconds))}",
        room=f"about {megabytes / 1000:.1f} GB" if megabytes >= 1000 else f"about {max(1, round(megabytes))} MB",
        ahead=ahead,
        missing=tuple(missing),
        warnings=tuple(_warnings(who, wish)),
    )


def _warnings(who: Member, wish: Wish) -> list[str]:
    found = []
    unsure = 0
    for product in wish.products:
        lifts = [lifter(who.request).look(who.workspace, photo) for photo in uploaded(product)]
        if lifts and not any(lift is None or lift.is_found for lift in lifts):
            found.append(f"No product was found on the photograph of “{product.title}”; draw its edge first.")
        elif any(lift is not None and lift.wants_a_look for lift in lifts):
            unsure += 1
    if unsure:
        found.append(f"{words.count(unsure, 'cut-out wants', 'cut-outs want')} a look before many pictures are made.")
    bare_sizes = [name for name in wish.formats if not takes_words(name)]
    if wish.words != "none" and bare_sizes:
        found.append(f"{words.listed([family_name(name) for name in bare_sizes])}: no words allowed there, so none.")
    if wish.words == "typed" and wish.texts["body"] and not wish.texts["headline"]:
        found.append("The line below needs a headline above it.")
    if wish.words == "approved":
        approved = pictures_of(who).approved_words([product.id for product in wish.products])
        bare = sum(not approved.get(product.id, {}).get("headline") for product in wish.products)
        if bare:
            found.append(f"{words.count(bare, 'product has', 'products have')} no approved headline and stay bare.")
    if wish.n > MOST_ITEMS:
        found.append(f"At most {words.number(MOST_ITEMS)} pictures at once; choose fewer places or sizes.")
    return found


@router.post("/pictures/plan")
def plan_part(who: Designer) -> Response:
    return who.part("pictures/plan.html.j2", plan=plan(who, read(who, who.form)))


@router.post("/pictures/new")
def start(who: Designer) -> Response:
    """Begin. The same form sent twice is one batch."""
    wish = read(who, who.form)
    counted = plan(who, wish)
    back = "/pictures/new?" + "&".join(f"product={product.id}" for product in wish.products)
    if not wish.products:
        return who.go("/pictures", "Choose a product first.", "bad")
    if counted.missing:
        return who.go(back, f"Choose {words.listed(list(counted.missing))} first.", "bad")
    if wish.n > MOST_ITEMS:
        raise InvalidInput("pictures", f"{wish.n:,} at once; at most {MOST_ITEMS:,}")
    once = who.text("once")
    id = f"pictures-{once if ONCE.fullmatch(once) else secrets.token_hex(12)}"
    if who.store.jobs.find(id) is None:
        who.services.jobs.submit(who.workspace, "images", items(who, wish), id)
        about = {"products": len(wish.products), "places": wish.n_places, "sizes": len(wish.formats)}
        who.store.note(AuditEntry(utc_now(), who.key.id, "ask", "pictures", id, about))
    return who.go(f"/pictures/jobs/{id}")


def items(who: Member, wish: Wish) -> Sequence[Mapping[str, Any]]:
    """One request a picture: products one after the other, all sizes of a place together."""
    approved = pictures_of(who).approved_words([product.id for product in wish.products])
    where: list[tuple[str, str | None]] = [(scene, None) for scene in wish.scenes]
    where += [(line, "scene-model" if wish.painter == "scene-model" else None) for line in wish.own]
    found = []
    first = wish.products[:1] if wish.arrangement else wish.products
    group = {"others": [one.id for one in wish.products[1:]], "arrangement": wish.arrangement}
    for product, (scene, backend), format in itertools.product(first, where, wish.formats):
        texts = _texts(wish, approved.get(product.id, {}))
        request = {"product_id": product.id, "scene": scene, "format": format, "seed": 0, "backend": backend}
        if not takes_words(format):
            texts = dict.fromkeys(texts)
        more = group if wish.arrangement else {}
        found.append({**request, "copy_id": None, **texts, **wish.options, **more})
    return found


def takes_words(format: str) -> bool:
    """Whether the channel of a size allows words on the picture."""
    return getattr(formats()[format], "words", "allowed") == "allowed"


def _texts(wish: Wish, approved: Mapping[str, Sequence[str]]) -> dict[str, str | None]:
    parts = ("headline", "body", "call_to_action")
    if wish.words == "typed":
        return {part: wish.texts[part] or None for part in parts}
    if wish.words == "approved" and approved.get("headline"):
        picked = {part: wish.texts[part] for part in parts}  # one product: the lines that were picked
        if len(wish.products) == 1 and picked["headline"] in approved["headline"]:
            return {part: picked[part] if picked[part] in approved.get(part, ()) else None for part in parts}
        return {part: next(iter(approved.get(part, ())), None) for part in parts}
    return dict.fromkeys(parts)
