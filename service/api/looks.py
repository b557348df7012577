"""``/v1/brands/{id}/look``: how a brand looks in pictures: colours, corners, logo, fonts."""

from __future__ import annotations

from dataclasses import replace
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from service.arena import utc_now
from service.errors import InvalidInput, NotFound
from service.images.kits import kit_of, logo_picture
from service.looks import Look, drop_file, keep_font, keep_logo, keep_look, look_of

from .access import AnyCaller, Designer
from .brands import BrandId
from .errors import READ, WRITE
from .idempotency import Idempotent
from .shapes import Strict

router = APIRouter(prefix="/v1/brands/{id}/look", tags=["images"], route_class=Idempotent)
Colour = Annotated[str, Field(pattern=r"^#(?:[0-9a-fA-F]{3}|[0-9a-fA-F]{6})$", description="#rgb or #rrggbb")]
Role = Annotated[Literal["headline", "text"], Path(description="headline, or text for everything else")]
BINARY = {"schema": {"type": "string", "format": "binary"}}
FONTS = ("application/octet-stream", "font/ttf", "font/otf")
LOGO_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": {"image/png": BINARY, "image/webp": BINARY}}}
FONT_BODY: dict[str, Any] = {"requestBody": {"required": True, "content": dict.fromkeys(FONTS, BINARY)}}


class LookRequest(Strict):
    """Colours and corners; what is left out comes from scene and product. Logo and fonts stay as they are."""

    ink: Colour | None = None
    paper: Colour | None = None
    accent: Colour | None = None
    corner: Literal["square", "soft", "pill"] = "pill"


class LookView(BaseModel):
    """A brand kit."""

    id: str
    ink: str | None
    paper: str | None
    accent: str | None
    corner: str
    has_logo: bool
    fonts: dict[str, str]  # role: family and style


class LogoView(LookView):
    width_px: int
    height_px: int
    notes: list[str]


class FontView(LookView):
    """What the font is, and the languages for which it has every letter; for others ours step in, letter by letter."""

    family: str
    style: str
    n_characters: int
    languages: list[str]
    lacks: dict[str, str]  # language: letters missing
    notes: list[str]


def look_view(id: str, look: Look) -> dict[str, Any]:
    return {
        "id": id,
        "ink": look.ink,
        "paper": look.paper,
        "accent": look.accent,
        "corner": look.corner,
        "has_logo": look.logo_key is not None,
        "fonts": dict(look.fonts or {}),
    }


@router.get("", responses=READ)
def get_look(id: BrandId, who: AnyCaller) -> LookView:
    """The kit; a brand without one has the plain kit."""
    store = who.services.store(who.workspace)
    if not store.brands.has(id):
        raise NotFound("brand", id)
    return LookView(**look_view(id, look_of(store, id)))


@router.put("", responses=WRITE)
def put_look(id: BrandId, body: LookRequest, who: Designer) -> LookView:
    """Set colours and corners; logo and fonts stay."""
    store = who.services.store(who.workspace)
    look = replace(look_of(store, id), **body.model_dump())
    return LookView(**look_view(id, keep_look(store, id, look, utc_now())))


@router.put("/logo", responses=WRITE, openapi_extra=LOGO_BODY)
async def put_logo(id: BrandId, request: Request, who: Designer) -> LogoView:
    """Keep a logo: a PNG or WebP as the body, best with a clear background. SVG is not taken.

    Example: curl -T logo.png -H "X-API-Key: $KEY" $URL/v1/brands/kilnholt/look/logo
    """
    data = await request.body()
    return await run_in_threadpool(_keep_logo, id, data, who)


def _keep_logo(id: str, data: bytes, who: Designer) -> LogoView:
    services = who.services
    look, told = keep_logo(services.store(who.workspace), services.objects(who.workspace), id, data, utc_now())
    return LogoView(**look_view(id, look), **told)


@router.get("/logo", responses=READ, response_class=Response)
def get_logo(
    id: BrandId,
    who: AnyCaller,
    format: Annotated[str | None, Query(max_length=64, description="logo_square, logo_landscape or logo_small")] = None,
) -> Response:
    """The logo as it is kept, or alone on the brand's paper in the size that a channel asks for."""
    look = look_of(who.services.store(who.workspace), id)
    objects = who.services.objects(who.workspace)
    if look.logo_key is None:
        raise NotFound("logo", id)
    if format is None:
        return Response(objects.get(look.logo_key), media_type="image/png")
    from service.images.formats import find_format
    from service.studio import encode

    chosen = find_format(format)
    if chosen.shows != "logo":
        raise InvalidInput(
            "format", f"{chosen.name} shows a product; for logos: logo_square, logo_landscape, logo_small"
        )
    zone = chosen.safe_zone_px
    kit = kit_of(replace(look.brand(id), headline_font_key=None, text_font_key=None), objects.get)
    pixels = logo_picture(kit, chosen.size_px, (zone.left, zone.top, zone.right, zone.bottom))
    return Response(encode(pixels), media_type="image/png")


@router.delete("/logo", status_code=204, responses=WRITE, response_class=Response)
def delete_logo(id: BrandId, who: Designer) -> None:
    """The brand's name is set in type again."""
    drop_file(who.services.store(who.workspace), id, "logo", utc_now())


@router.put("/fonts/{role}", responses=WRITE, openapi_extra=FONT_BODY)
async def put_font(id: BrandId, role: Role, request: Request, who: Designer) -> FontView:
    """Keep a font: a TTF or OTF as the body, one that its maker allows to be embedded.

    Example: curl -T Brand-Bold.ttf -H "X-API-Key: $KEY" $URL/v1/brands/kilnholt/look/fonts/headline
    """
    data = await request.body()
    return await run_in_threadpool(_keep_font, id, role, data, who)


def _keep_font(id: str, role: Literal["headline", "text"], data: bytes, who: Designer) -> FontView:
    services = who.services
    look, facts = keep_font(services.store(who.workspace), services.objects(who.workspace), id, role, data, utc_now())
    return FontView(
        **look_view(id, look),
        family=facts.family,
        style=facts.style,
        n_characters=facts.n_characters,
        languages=list(facts.languages),
        lacks=dict(facts.lacks),
        notes=list(facts.notes),
    )


@router.delete("/fonts/{role}", status_code=204, responses=WRITE, response_class=Response)
def delete_font(id: BrandId, role: Role, who: Designer) -> None:
    """Our own font again."""
    drop_file(who.services.store(who.workspace), id, role, utc_now())
