"""The label policies: what is written into and onto a picture, and what stops it from leaving without.

``eu``   a signed C2PA manifest and the IPTC digital source type, for AI Act Art. 50(2);
``cn``   the visible mark and the AIGC fields of GB 45438-2025, and the digital source type;
``all``  both; ``none``  nothing.

What a picture is called follows from how its place was made. A plate is rendered by ordinary software from a scene that
people wrote, so the whole is a "composite including synthetic elements" (compositeSynthetic). A place painted by a
trained network makes it a "composite with trained algorithmic media" (compositeWithTrainedAlgorithmicMedia). The mark
says 合成 (composed) for the first and 生成 (generated) for the second; the standard takes either with AI before it.
"""

from __future__ import annotations

import hashlib
import io
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from service.domain import Finding

from . import manifests, marks, metadata
from .certificates import Certificate, SigningImpossible, load
from .manifests import Ingredient, Manifest

LabelPolicy = Literal["none", "eu", "cn", "all"]
POLICIES: tuple[LabelPolicy, ...] = ("none", "eu", "cn", "all")
RENDERED = frozenset({"plates", "packshot", "fake"})  # places that no trained network painted
MEDIA = {"png": "image/png", "jpg": "image/jpeg", "jpeg": "image/jpeg", "webp": "image/webp"}
WORDS_DIFFER = 40  # of 255: where the picture with words differs so much from the bare one, words are
DISCLOSURE = {
    "en": "Composed picture: the product is a photograph, its surroundings were made with a computer.",
    "de": "Montage: das Produkt ist fotografiert, seine Umgebung am Computer entstanden.",
    "fr": "Image composée : le produit est une photographie, le décor a été créé par ordinateur.",
    "es": "Imagen compuesta: el producto es una fotografía, el entorno se ha creado por ordenador.",
    "it": "Immagine composita: il prodotto è una fotografia, l'ambiente è creato al computer.",
    "nl": "Samengesteld beeld: het product is een foto, de omgeving is met de computer gemaakt.",
    "zh": "合成图片：产品为实物照片，背景由计算机生成。",
}
DISCLOSURE_AI = {
    "en": "The product is a photograph; its surroundings were generated with AI.",
    "de": "Das Produkt ist fotografiert; seine Umgebung wurde mit KI erzeugt.",
    "fr": "Le produit est une photographie ; le décor a été généré par une IA.",
    "es": "El producto es una fotografía; el entorno se ha generado con IA.",
    "it": "Il prodotto è una fotografia; l'ambiente è stato generato con l'IA.",
    "nl": "Het product is een foto; de omgeving is met AI gegenereerd.",
    "zh": "产品为实物照片，背景由人工智能生成。",
}

BytePixels = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Source:
    """A file that went into a picture."""

    title: str
    data: bytes
    media_type: str


@dataclass(frozen=True)
class Labeller:
    """Labels as the settings have them: one for a process."""

    policy: LabelPolicy = "none"
    producer: str = "adloom"  # ContentProducer: the name or code of whoever runs this
    folder: Path | None = None  # where the test certificate lies
    certificate: Path | None = None
    key: Path | None = None
    algorithm: str = "es256"
    timestamp_url: str | None = None
    trust: Path | None = None
    version: str = ""

    @cached_property
    def signer(self) -> Certificate:
        """Raises SigningImpossible."""
        if self.folder is None:
            raise SigningImpossible("there is no folder for a test certificate, and no certificate is set")
        return load(self.certificate, self.key, self.algorithm, self.folder)

    @cached_property
    def trusted_pem(self) -> str | None:
        return self.trust.read_text() if self.trust is not None else None

    def chosen(self, policy: LabelPolicy | None) -> LabelPolicy:
        return self.policy if policy is None else policy

    def mark(
        self,
        picture: BytePixels,
        policy: LabelPolicy,
        backend: str,
        product_alpha: NDArray[np.float32],
        bare: BytePixels,
        safe_box: marks.Box | None,
    ) -> tuple[BytePixels, marks.Mark | None]:
        """The picture with its visible mark, where the policy asks for one.

        Args:
            product_alpha: (H, W) of all products; the mark stays off them.
            bare: the picture without words; where it differs there are words.

        Raises:
            NoRoomForLabel: nothing is released without the mark.
        """
        if policy not in ("cn", "all"):
            return picture, None
        clear = product_alpha > 0.0
        if bare is not picture:
            clear |= np.abs(picture.astype(np.int16) - bare).max(axis=2) > WORDS_DIFFER
        return marks.draw(picture, mark_text(backend), clear, safe_box)

    def seal(
        self,
        data: bytes,
        policy: LabelPolicy,
        picture_type: str,
        *,
        content_id: str,
        backend: str,
        photos: Sequence[Source],
        place: Source | None,
        mark: marks.Mark | None = None,
        language: str = "en",
        title: str = "",
        actions: Sequence[Mapping[str, Any]] = (),
    ) -> tuple[bytes, dict[str, Any], tuple[Finding, ...]]:
        """The file with its metadata and its manifest, what was written, and what a person should know.

        Everything is read back from the finished file before it is returned.

        Args:
            content_id: of the creative; ProduceID of the standard.
            photos: the first one is the parent of the manifest; none: the file itself is.

        Raises:
            SigningImpossible: a manifest was asked for and cannot be made.
        """
        if policy == "none":
            return data, {}, ()
        said = metadata.Marks(
            source_type=source_type(backend),
            aigc=self._aigc(content_id, data) if policy in ("cn", "all") else None,
            creator_tool=f"adloom {self.version}".strip(),
            description=disclosure(backend, language),
        )
        sealed = metadata.embed(data, metadata.packet_of(said))
        record: dict[str, Any] = {
            "policy": policy,
            "digital_source_type": said.source_type,
            "disclosure": said.description,
            "aigc": dict(said.aigc) if said.aigc else None,
            "mark": asdict(mark) if mark is not None else None,
            "manifest": None,
        }
        findings: list[Finding] = []
        if policy in ("eu", "all"):
            signer = self.signer
            story = self._story(content_id, backend, photos, place, title, actions)
            sealed = manifests.seal(sealed, MEDIA[picture_type], story, signer, self.timestamp_url)
            record["manifest"] = {"signer": signer.subject, "algorithm": signer.algorithm, "test": signer.is_test}
            if signer.is_test:
                findings.append(
                    Finding(
                        "label.test_certificate",
                        "signed with this installation's test certificate: others will see an unknown signer; "
                        "set ADLOOM_C2PA_CERTIFICATE and ADLOOM_C2PA_KEY",
                        "note",
                    )
                )
        if metadata.read(sealed) != said:
            raise SigningImpossible("the labels do not read back from the file")
        return sealed, record, tuple(findings)

    def read(self, data: bytes, media_type: str) -> Manifest | None:
        """The manifest of a file and whether it is ours; without a certificate of ours nothing is."""
        try:
            own: Certificate | None = self.signer
        except SigningImpossible:
            own = None
        return manifests.read(data, media_type, own, self.trusted_pem)

    def _aigc(self, content_id: str, data: bytes) -> dict[str, str]:
        return {
            "Label": "1",
            "ContentProducer": self.producer,
            "ProduceID": content_id,
            "ReservedCode1": hashlib.sha256(data).hexdigest(),  # of the file before it was labelled
            "ContentPropagator": "",
            "PropagateID": "",
            "ReservedCode2": "",
        }

    def _story(
        self,
        content_id: str,
        backend: str,
        photos: Sequence[Source],
        place: Source | None,
        title: str,
        actions: Sequence[Mapping[str, Any]],
    ) -> manifests.Story:
        placed = [
            Ingredient(f"product-{i}", item.title, item.data, item.media_type, "digitalCapture", "another product")
            for i, item in enumerate(photos[1:], 2)
        ]
        if place is not None:
            words = "rendered place" if backend in RENDERED else f"place generated by {backend}"
            placed.append(
                Ingredient("place", place.title, place.data, place.media_type, place_source_type(backend), words)
            )
        first = photos[0] if photos else None
        return manifests.Story(
            title=title or content_id,
            source_type=source_type(backend),
            parent=None
            if first is None
            else Ingredient(
                "photograph", first.title, first.data, first.media_type, "digitalCapture", "the product's photograph"
            ),
            placed=placed,
            actions=actions,
            receipt={"creative": content_id, "products_unchanged": True},
            version=self.version,
        )


NO_LABELS = Labeller()


def source_type(backend: str) -> str:
    """The IPTC digital source type of a picture whose place this backend made."""
    return "compositeSynthetic" if backend in RENDERED else "compositeWithTrainedAlgorithmicMedia"


def place_source_type(backend: str) -> str:
    """And of the place alone."""
    return "digitalCreation" if backend in RENDERED else "trainedAlgorithmicMedia"


def mark_text(backend: str) -> str:
    return "AI合成" if backend in RENDERED else "AI生成"


def disclosure(backend: str, language: str) -> str:
    """One sentence for the reader of an ad, English where we have none of that language."""
    table = DISCLOSURE if backend in RENDERED else DISCLOSURE_AI
    return table.get(language.split("-")[0].lower(), table["en"])


def media_type_of(data: bytes) -> str:
    """Of PNG, JPEG and WebP by their first bytes; others are "application/octet-stream"."""
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return "image/png"
    if data[:2] == b"\xff\xd8":
        return "image/jpeg"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "image/webp"
    return "application/octet-stream"


def place_source(linear_picture: BytePixels, title: str) -> Source:
    """A small picture of the empty place, as an ingredient."""
    from PIL import Image

    buffer = io.BytesIO()
    small = Image.fromarray(linear_picture)
    small.thumbnail((512, 512))
    small.save(buffer, "JPEG", quality=80)
    return Source(title, buffer.getvalue(), "image/jpeg")


@cache
def adloom_version() -> str:
    """As the installed package says; "unknown" where it is not installed."""
    from importlib import metadata

    try:
        return metadata.version("adloom")
    except metadata.PackageNotFoundError:
        return "unknown"
