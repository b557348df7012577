"""The nouns of the trade: what a merchant sends, what we make of it, and the record by which it can be made again."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any, Literal

JsonValue = Any


# --- what merchants send -----------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Fact:
    """One thing that is true of a product and may be claimed."""

    key: str  # "capacity"
    value: str  # "0.9 l", as the merchant wrote it, unit included
    unit: str | None = None  # only when the merchant gave it apart


@dataclass(frozen=True, slots=True)
class Money:
    amount: Decimal
    currency: str  # ISO 4217, "EUR"


@dataclass(frozen=True, slots=True)
class Review:
    id: str
    text: str
    stars: float | None = None  # 1 to 5
    date: str | None = None  # ISO 8601


@dataclass(frozen=True, slots=True)
class Photo:
    """A product photograph in our storage, or a path before it is there."""

    key: str  # storage key "photos/<sha256>.jpg", or the path given in a product file
    sha256: str = ""
    width_px: int = 0
    height_px: int = 0
    name: str = ""  # what the merchant calls it: "front.jpg"


@dataclass(frozen=True, slots=True)
class Product:
    id: str
    title: str
    facts: tuple[Fact, ...] = ()
    brand: str | None = None
    category: str | None = None
    language: str = "en"  # BCP 47
    price: Money | None = None
    audience: str | None = None
    tone: str | None = None
    photos: tuple[Photo, ...] = ()
    landing_page: str | None = None
    reviews: tuple[Review, ...] = ()

    def fact(self, key: str) -> str | None:
        """The value of the first fact with this key, or None."""
        return next((f.value for f in self.facts if f.key == key), None)


@dataclass(frozen=True, slots=True)
class Brand:
    """How a shop looks and speaks."""

    name: str
    ink: str = "#1b1b1b"  # text colour
    paper: str = "#ffffff"  # surface colour
    accent: str = "#1f5f4a"  # call-to-action colour
    logo_key: str | None = None  # storage key or path of a PNG; None: the name is typeset
    corner: Literal["square", "soft", "pill"] = "pill"  # of buttons, badges and plates
    headline_font_key: str | None = None  # storage key or path of a TTF or OTF; None: ours
    text_font_key: str | None = None  # the same for body, price, button and small print
    words_to_avoid: tuple[str, ...] = ()
    words_to_use: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Voice:
    """How a text is to sound. Each slider runs from -2 to 2; 0 is neither."""

    formal: float = 0.0  # -2 casual, 2 formal
    playful: float = 0.0  # -2 serious, 2 playful
    bold: float = 0.0  # -2 modest, 2 bold
    words: str = ""  # the merchant's own words for it: "calm, precise"


@dataclass(frozen=True, slots=True)
class Offer:
    """A promotion and when it runs. It is evidence for its own words only, and only while it runs."""

    text: str  # "20% off", "free shipping over 50 EUR"
    starts: date | None = None  # first day; None: it runs already
    ends: date | None = None  # last day; None: no end
    price: Money | None = None  # what the product costs while it runs
    code: str | None = None  # "SPRING20"

    def runs_on(self, day: date) -> bool:
        return (self.starts is None or self.starts <= day) and (self.ends is None or day <= self.ends)


# --- copy --------------------------------------------------------------------------------------------------------


class Verdict(StrEnum):
    """What the ledger says of one claim. Worst first."""

    CONTRADICTED = "contradicted"
    UNSUPPORTED = "unsupported"
    PUFFERY = "puffery"
    SUPPORTED = "supported"


@dataclass(frozen=True, slots=True)
class Claim:
    """A span of a text that says something about the product, and whether a fact carries it."""

    start: int  # code points into the text
    end: int
    text: str
    type: str  # number, unit, price, material, certification, superlative ...
    verdict: Verdict
    evidence: str | None = None  # "capacity: 750 ml": which fact, in the merchant's words
    reason: str | None = None  # why it is not supported


@dataclass(frozen=True, slots=True)
class Ledger:
    """All claims of one text."""

    text: str
    claims: tuple[Claim, ...]

    @property
    def verdict(self) -> Verdict:
        """The worst of the claims; a text without claims is supported."""
        order = list(Verdict)
        return min((c.verdict for c in self.claims), key=order.index, default=Verdict.SUPPORTED)

    @property
    def is_clean(self) -> bool:
        return self.verdict in (Verdict.SUPPORTED, Verdict.PUFFERY)


@dataclass(frozen=True, slots=True)
class Finding:
    """A limit, rule or layout check that did not pass."""

    id: str  # "google_rsa.headline.max"
    message: str
    severity: Literal["block", "warn", "note"]
    field: str | None = None
    start: int | None = None
    end: int | None = None
    rewrite: str | None = None


Origin = Literal["model", "composer", "merchant"]


@dataclass(frozen=True, slots=True)
class PromptMark:
    """Which prompt file asked for it."""

    task: str
    version: int
    digest: str


@dataclass(frozen=True, slots=True)
class Length:
    """How long a text is, as its field counts it."""

    length: int
    max: int  # what we write to
    count: str  # the counting rule: "display_width"
    min: int = 0


@dataclass(frozen=True, slots=True)
class CopyLine:
    """One text of one field, with its evidence."""

    field: str  # "headline"
    text: str
    origin: Origin
    ledger: Ledger
    findings: tuple[Finding, ...] = ()
    limit: Length | None = None
    prompt: PromptMark | None = None  # the model's lines only
    keywords: tuple[str, ...] = ()  # of the brief's, those that it holds


@dataclass(frozen=True, slots=True)
class Copy:
    """Everything one channel needs for one product."""

    id: str
    product_id: str
    channel: str
    language: str
    lines: tuple[CopyLine, ...]
    prompts: tuple[PromptMark, ...] = ()
    provenance: Mapping[str, JsonValue] = field(default_factory=dict)  # of the text model
    refused: tuple[CopyLine, ...] = ()  # drafts that did not pass, kept to show why
    seconds: float = 0.0
    market: str = ""
    notes: tuple[Finding, ...] = ()  # what is missing from the whole, and which facts would help

    def texts(self, field_name: str) -> tuple[str, ...]:
        return tuple(line.text for line in self.lines if line.field == field_name)

    @property
    def origin(self) -> Origin:
        """ "model" only if every line is the model's."""
        return "model" if self.lines and all(line.origin == "model" for line in self.lines) else "composer"


@dataclass(frozen=True, slots=True)
class Brief:
    """What a piece of copy is to say, to whom, where."""

    product: Product
    channel: str
    language: str
    brand: Brand
    audience: str | None = None
    tone: str | None = None
    market: str = "eu"  # whose law the text must keep: a rule pack's id
    variants: int = 1
    voice: Voice = field(default_factory=Voice)
    persona: str | None = None  # one reader: "Mia, 34, cooks for four, hates clutter"
    keywords: tuple[str, ...] = ()  # what people search for, the most wanted first
    offers: tuple[Offer, ...] = ()
    examples: tuple[str, ...] = ()  # lines the brand likes: how to sound, never what to claim
    day: date | None = None  # when the copy is to run; None: offers with dates cannot be used


# --- pictures ----------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class Scene:
    """Where the product stands, before any pixel exists."""

    id: str  # plate id, or "words:<digest>" for painted ones
    words: str
    family: str
    mood: str
    light_side: str
    surface: str
    camera_class: str
    palette: tuple[str, ...] = ()
    categories: tuple[str, ...] = ()
    plate: str | None = None


@dataclass(frozen=True, slots=True)
class LabelText:
    """The words on a product, read on its photograph and again in the finished picture."""

    verdict: Literal["same", "differs", "too small", "no text", "not read"]
    before: tuple[str, ...] = ()  # lines of the photograph
    after: tuple[str, ...] = ()  # lines of the product in the finished picture
    lost: tuple[str, ...] = ()  # lines that are large enough to be read again and were not
    too_small: tuple[str, ...] = ()  # lines that the placement made too small to read
    likeness: float | None = None  # 0 to 1, mean over the readable lines
    note: str = ""  # why it was not read, or how


@dataclass(frozen=True, slots=True)
class PartReceipt:
    """Proof for one of the products in a picture."""

    product_id: str
    photo_sha256: str
    photo_phash: str  # 64 bits of how the photograph looks, 16 hex digits
    matte_sha256: str  # of the cut-out's plane, one byte a pixel; kept under "mattes/<it>.png"
    matting: str  # backend that cut it out, and its weights
    placement: Mapping[str, JsonValue]  # how it lies in the frame: undoing it gives the reference
    reference: Literal["original pixels", "same resize of the original"]
    max_abs_diff: int
    checked_px: int
    pixels_sha256: str
    resized: bool
    scale: float
    edge_band_mean: float
    edge_delta_e: float  # CIE76, mean over the soft edge: what blending with the place did
    edge_delta_e_p95: float
    hidden_share: float  # of the product, behind others in the same picture
    growth_px: int | None  # product-like area beyond the mask, joined to it; None: not measured
    growth_share: float | None  # of the product's area
    text: LabelText
    relit_delta_e: float = 0.0  # inside the mask, 95th percentile; 0 unless relighting was asked for
    through_px: int = 0  # of a see-through product: pixels whose own light was checked, the place showing through
    through_max_out: int = 0  # 0 to 255, how far one of them lies beyond what any place behind it could give

    @property
    def is_proved(self) -> bool:
        """Solid pixels were compared, or, where there are none, the light that a see-through product adds itself."""
        return (self.checked_px > 0 or self.through_px > 0) and self.through_max_out == 0


RELIT_MOST = 12.0  # CIE76: a product relit farther than this is another product


@dataclass(frozen=True, slots=True)
class Receipt:
    """Proof that the products were not changed. See service/images/fidelity.py for how it is measured.

    The fields without a default are those of the first format; they speak for all products of the picture together.
    """

    max_abs_diff: int  # 0 to 255, inside the eroded mask, after undoing the placement
    checked_px: int
    resized: bool  # True: the reference is the same resize of the original, and the receipt says so
    scale: float  # output px per photograph px, of the first product
    edge_band_mean: float  # mean absolute difference in the soft edge band, 0 to 255, for information
    photo_sha256: str
    picture_sha256: str  # of the encoded file
    pixels_sha256: str  # of the decoded product pixels inside the eroded mask
    backend: str
    weights: str
    seed: int | None
    format_version: int = 1  # 2: everything below is measured
    claim: Literal["unchanged", "relit"] = "unchanged"  # what is proved; "relit" claims nothing else
    edge_delta_e: float | None = None
    growth_px: int | None = None  # over all products
    picture_phash: str = ""
    backend_weights: Mapping[str, str] = field(default_factory=dict)  # what was used -> digest of its weights
    version: str = ""  # of adloom
    parts: tuple[PartReceipt, ...] = ()  # one for each product

    @property
    def passed(self) -> bool:
        """Whether every product is proved to be what the claim says."""
        if self.checked_px <= 0 and not self.parts:
            return False
        if not all(part.is_proved for part in self.parts if part.hidden_share < 0.9):
            return False
        if not any(part.is_proved for part in self.parts) and self.parts:
            return False
        if self.claim == "relit":
            return bool(self.parts) and all(part.relit_delta_e <= RELIT_MOST for part in self.parts)
        return self.max_abs_diff == 0 and all(part.max_abs_diff == 0 for part in self.parts)


class Approval(StrEnum):
    PENDING = "pending"
    APPROVED = "approved"
    REJECTED = "rejected"


@dataclass(frozen=True, slots=True)
class Creative:
    """A finished advertisement and the record by which it can be made again."""

    id: str
    product_id: str
    format: str  # "square", "story", "landscape" ...
    width_px: int
    height_px: int
    picture_key: str  # storage key of the finished ad
    scene: Scene
    image_provenance: Mapping[str, JsonValue]
    matting_provenance: Mapping[str, JsonValue]
    copy_id: str | None
    headline: str | None
    body: str | None
    call_to_action: str | None
    layout: Mapping[str, JsonValue]  # boxes, font sizes, colours, contrast
    receipt: Receipt
    findings: tuple[Finding, ...] = ()
    approval: Approval = Approval.PENDING
    created: datetime | None = None
