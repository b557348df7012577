"""How the parts are put together. Nothing here is decided; everything is handed what it needs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field, replace
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from models import TextModel, image_model, matting_model, text_model
from models.device import sensible_threads
from models.types import ImageModel

from .arena import Arena, rules_of, utc_now
from .copy.brief import BriefFile, merged, parse_brief
from .domain import Copy, CopyLine, Creative, Product, Scene
from .errors import InvalidInput
from .jobs import Jobs, Made
from .keys import KeyRing
from .looks import layout_wishes
from .masks import mask_of
from .photos import fetch_missing
from .provenance.labels import Labeller, LabelPolicy, adloom_version
from .provenance.register import keep_print
from .settings import Settings
from .storage import Database, Objects, Store
from .storage.objects import open_objects
from .storage.store import Keys
from .studio import Backends, PictureType, Progress, Shelf, Studio, Workshop
from .tracking import Filters, GroupCommit, Report, Signer, TrackingLog, Visitors
from .tracking.answers import Answers
from .tracking.log import Answer, Entry
from .usage import Usage
from .watch.metrics import count_copy, count_receipt, metered

if TYPE_CHECKING:
    from .images.choice import Look
    from .images.positions import Proposal


class Workbench(Protocol):
    """What the service needs of a studio. ``service/studio.py`` has the real one."""

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
        *,
        is_cancelled: Callable[[], bool] | None = None,
    ) -> Copy:
        """Copy for one channel."""
        ...

    def scenes(
        self, family: str | None = None, camera_class: str | None = None, category: str | None = None
    ) -> list[Scene]:
        """The scene library, filtered."""
        ...

    def propose_scenes(self, product: Product, n: int, seed: int = 0) -> list[Scene]:
        """The library's scenes that suit the product's photograph best."""
        ...

    def look(self, product: Product, n: int, seed: int = 0) -> Look:
        """What the product's photographs are like, and the scenes that suit them."""
        ...

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
        take: int = 0,
        picture_type: PictureType = "png",
        placement: Mapping[str, Any] | None = None,
        others: Sequence[Product] = (),
        arrangement: str | None = None,
        match_light: bool = True,
        relight: bool = False,
        label_policy: LabelPolicy | None = None,
    ) -> tuple[Creative, bytes]:
        """A finished ad and its encoded picture. ``scene`` is an id or words."""
        ...

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
        """Where it could stand: scene, (width, height) and proposals; nothing is made."""
        ...


StudioFactory = Callable[[Settings, Shelf], Workbench]


@dataclass(frozen=True)
class Services:
    """Everything the API calls."""

    settings: Settings
    database: Database
    keys: Keys
    ring: KeyRing
    usage: Usage
    signer: Signer
    visitors: Visitors
    filters: Filters
    answers: Answers
    log: TrackingLog
    commit: GroupCommit[Entry, Answer]
    arena: Arena
    jobs: Jobs
    object_store: Any
    make_studio: StudioFactory
    _studios: dict[str, Workbench] = field(default_factory=dict)

    def store(self, workspace: str) -> Store:
        return Store(self.database, workspace)

    def objects(self, workspace: str) -> Objects:
        return Objects(self.object_store, workspace)

    def studio(self, workspace: str) -> Workbench:
        """The studio with this workspace's photographs at hand. Models are loaded when first used."""
        if workspace not in self._studios:
            objects = self.objects(workspace)
            shelf = Shelf(
                read=lambda photo: objects.get(photo.key),
                put=lambda key, data: _put(objects, key, data),
                mask=lambda photo: mask_of(self.database, objects, photo),
            )
            self._studios[workspace] = self.make_studio(self.settings, shelf)
        return self._studios[workspace]

    def stage(self, name: str) -> AbstractContextManager[None]:
        """Measures time that pictures take outside the studio, beside the studio's own stages."""
        return workshop(self.settings).stages.stage(name)


def _put(objects: Objects, key: str, data: bytes) -> None:
    objects.put(key, data)


@cache
def labeller(settings: Settings) -> Labeller:
    """Labels as the settings have them."""
    return Labeller(
        policy=settings.label_policy,
        producer=settings.label_producer,
        folder=settings.data_dir / "provenance",
        certificate=settings.c2pa_certificate,
        key=settings.c2pa_key,
        algorithm=settings.c2pa_algorithm,
        timestamp_url=settings.c2pa_timestamp_url,
        trust=settings.c2pa_trust,
        version=adloom_version(),
    )


@cache
def workshop(settings: Settings) -> Workshop:
    """The backends that the settings name: one workshop in a process, so that a model is loaded once."""
    return Workshop(
        Backends(
            text=lambda: _text(settings),
            matting=lambda: matting_model(settings.matting_backend),
            image=lambda name: _image(settings, name),
            default_image=settings.image_backend,
            ocr=settings.ocr,
            labels=labeller(settings),
            safety=settings.safety,
        )
    )


def _image(settings: Settings, name: str) -> ImageModel:
    """An image backend with the settings that it knows."""
    if name != "diffusers":
        return image_model(name)
    return image_model(
        name,
        model=settings.diffusers_model,
        controlnet=settings.diffusers_controlnet,
        lora=settings.diffusers_lora,
        dtype=settings.diffusers_dtype,
        keeps_safety_checker=settings.diffusers_safety_checker,
        tries=settings.diffusers_tries,
    )


def _text(settings: Settings) -> TextModel:
    """The text backend with the settings that it knows."""
    own: dict[str, Any] = {}
    if settings.text_backend == "local":
        own = {
            "model": settings.text_model,
            "threads": settings.threads or sensible_threads(),
            "adapter": _adapter(settings),
            "device_map": settings.text_device_map,
        }
    elif settings.text_backend == "openai-compatible":
        if not settings.text_url:
            raise InvalidInput("ADLOOM_TEXT_URL", "the openai-compatible backend needs the address of its server")
        key = settings.text_api_key.get_secret_value() if settings.text_api_key else None
        own = {"base_url": settings.text_url, "model": settings.text_model, "api_key": key}
    if own and settings.text_languages:
        own["languages"] = tuple(tag.strip() for tag in settings.text_languages.split(",") if tag.strip())
    return text_model(settings.text_backend, **own)


def _adapter(settings: Settings) -> str | None:
    """What lies over the local text model, if anything."""
    said = settings.text_adapter.strip()
    return None if said in ("", "none") else said


def real_studio(settings: Settings, shelf: Shelf) -> Workbench:
    """The studio of ``service/studio.py`` over the process's one workshop."""
    return Studio(workshop(settings), shelf)


def studio_for_commands(**changes: Any) -> Studio:
    """A studio without a server: photographs are files, bare pictures are not kept. ``changes`` are settings."""
    shelf = Shelf(read=lambda photo: Path(photo.key).read_bytes(), put=lambda key, data: None, keeps_bare=False)
    return Studio(workshop(Settings(**changes)), shelf)


def wire(settings: Settings, make_studio: StudioFactory = real_studio) -> Services:
    """Open what is kept and put the parts together; nothing runs yet."""
    database = Database(settings.database)
    database.migrate()
    secret = settings.secret()
    keys = Keys(database)
    log = TrackingLog(database, rules_of(database), settings.clock_tolerance_s, settings.burst_visitor)
    signer = Signer(secret)
    services: Services

    def picture(workspace: str, request: Mapping[str, Any]) -> str:
        return make_picture(services, workspace, request)

    def words(workspace: str, request: Mapping[str, Any]) -> str:
        return make_copy(services, workspace, request).id

    def feed_words(workspace: str, request: Mapping[str, Any]) -> str:
        from .feeds.work import write_row

        return write_row(services, workspace, request)

    def batch_look(workspace: str, request: Mapping[str, Any]) -> Made:
        from .batches import look_at_line

        return look_at_line(services, workspace, request)

    def batch_picture(workspace: str, request: Mapping[str, Any]) -> Made:
        from .batches import make_item

        return make_item(services, workspace, request)

    def batch_start(workspace: str, look: str) -> None:
        from .batches import start_if_asked

        start_if_asked(services, workspace, look)

    services = Services(
        settings=settings,
        database=database,
        keys=keys,
        ring=KeyRing(keys),
        usage=Usage(database),
        signer=signer,
        visitors=Visitors(secret),
        filters=Filters(
            visitor_limit=settings.burst_visitor,
            address_limit=settings.burst_address,
            addresses=settings.burst_addresses,
        ),
        answers=Answers(signer, settings.address),
        log=log,
        commit=GroupCommit(log.write, most_waiting=settings.events_waiting, rows=_rows),
        arena=Arena(database, log, refresh_at_latest_s=settings.refresh_at_latest_s),
        jobs=Jobs(
            settings,
            database,
            {
                kind: metered(kind, make)
                for kind, make in (
                    ("images", picture),
                    ("copy", words),
                    ("feed-copy", feed_words),
                    ("batch-look", batch_look),
                    ("batch", batch_picture),
                )
            },
            utc_now,
            after={"batch-look": batch_start},
        ),
        object_store=open_objects(settings.storage),
        make_studio=make_studio,
    )
    return services


def _rows(entry: Entry) -> int:
    return max(1, len(entry.events)) if isinstance(entry, Report) else 1


def make_picture(services: Services, workspace: str, request: Mapping[str, Any]) -> str:
    """One item of an image job: make the ad, put its picture, then its row. Returns the creative's id."""
    store = services.store(workspace)

    def with_photos(id: str) -> Product:
        product = store.products.get(id)
        if not any(photo.sha256 for photo in product.photos):
            product = fetch_missing(store, services.objects(workspace), product, utc_now(), services.settings)
        return replace(product, photos=tuple(photo for photo in product.photos if photo.sha256))

    product = with_photos(request["product_id"])
    asked = ("placement", "arrangement", "match_light", "relight", "label_policy")
    wishes = {key: request[key] for key in asked if key in request}
    if request.get("others"):
        wishes["others"] = [with_photos(id) for id in request["others"]]
    wishes |= layout_wishes(store, request, product)
    creative, data = services.studio(workspace).make(
        product,
        scene=request.get("scene"),
        backend=request.get("backend"),
        format=request["format"],
        seed=request["seed"],
        headline=request.get("headline"),
        body=request.get("body"),
        call_to_action=request.get("call_to_action"),
        copy_id=request.get("copy_id"),
        **wishes,
    )
    return keep_creative(store, services.objects(workspace), creative, data).id


def keep_creative(store: Store, objects: Objects, creative: Creative, data: bytes) -> Creative:
    """Put the picture, then the row that points at it; what is kept already stays as it is."""
    if not store.creatives.has(creative.id):
        objects.replace(creative.picture_key, data)  # no row names it yet: half of an earlier try may lie there
        store.creatives.put(creative, utc_now())
        keep_print(store.prints, creative, data)
        count_receipt(creative.receipt)
    return store.creatives.get(creative.id)


def brief_of(store: Store, request: Mapping[str, Any]) -> BriefFile:
    """What a request says beside product and channel: its brief over the brand that it names.

    Raises:
        NotFound: no such brand.
        InvalidInput: the brief is malformed.
    """
    kept = parse_brief(store.brands.get(request["brand"])) if request.get("brand") else None
    return merged(kept, parse_brief(request.get("brief") or {}))


def make_copy(
    services: Services,
    workspace: str,
    request: Mapping[str, Any],
    *,
    progress: Progress | None = None,
    on_line: Callable[[CopyLine], None] | None = None,
    is_cancelled: Callable[[], bool] | None = None,
) -> Copy:
    """Write a channel's copy and keep it. Cancelled copy is not kept."""
    store = services.store(workspace)
    product = store.products.get(request["product_id"])
    written = services.studio(workspace).write_copy(
        product,
        request["channel"],
        request.get("language"),
        request.get("variants", 8),
        request.get("seed", 0),
        tone=request.get("tone"),
        audience=request.get("audience"),
        progress=progress,
        file=brief_of(store, request),
        on_line=on_line,
        is_cancelled=is_cancelled,
    )
    store.copies.put(written, utc_now())
    count_copy(written)
    return written
