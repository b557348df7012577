"""``/v1/products``: what there is to advertise."""

from __future__ import annotations

from dataclasses import asdict, replace
from typing import Annotated, Any

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from service.arena import utc_now
from service.domain import Photo, Product
from service.errors import InvalidInput, NotFound
from service.imports import format_of, read_feed
from service.photos import fetch_photo, inspect_photo, keep_photo
from service.products import ProductFile, parse_product

from .access import AnyCaller, Merchant
from .errors import READ, WRITE, FieldProblem, problem, responses
from .idempotency import Idempotent
from .shapes import After, Limit, Listing, Strict, listing

router = APIRouter(prefix="/v1/products", tags=["products"], route_class=Idempotent)
NAME = r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$"
Name = Annotated[str, Path(pattern=NAME)]
FEEDS = {
    kind: {"schema": {"type": "string"}}
    for kind in ("application/json", "application/x-ndjson", "text/csv", "text/tab-separated-values", "application/xml")
}
PICTURES = {
    kind: {"schema": {"type": "string", "format": "binary"}} for kind in ("image/jpeg", "image/png", "image/webp")
}


class Imported(BaseModel):
    """What became of a feed."""

    imported: int
    new: int
    refused: list[dict[str, Any]]


@router.post("", status_code=201, responses=WRITE)
def add_product(body: ProductFile, who: Merchant, response: Response) -> Product:
    """Keep a new product. An id that is taken is refused; PUT replaces."""
    product = _parse(body)
    who.services.store(who.workspace).products.add(product, utc_now())
    response.headers["Location"] = f"/v1/products/{product.id}"
    return product


@router.get("", responses=READ)
def list_products(
    who: AnyCaller,
    after: After = None,
    limit: Limit = 50,
    category: Annotated[str | None, Query(max_length=500)] = None,
) -> Listing[Product]:
    page = who.services.store(who.workspace).products.page(after, limit, category)
    return Listing[Product](**listing(page))


@router.post(
    "/import",
    status_code=201,
    responses=WRITE,
    openapi_extra={"requestBody": {"required": True, "content": FEEDS}},
    response_model=Imported,
)
async def import_products(
    request: Request,
    who: Merchant,
    partial: Annotated[bool, Query(description="keep the good rows although others are bad")] = False,
    currency: Annotated[str, Query(pattern="^[A-Z]{3}$", description="of prices without one")] = "EUR",
) -> Any:
    """A feed as the body: JSON, JSON lines, Google Merchant (XML, TSV), Shopify, or CSV (id, title, ..., fact:<key>).

    All or nothing, unless ``partial``. Products that exist are replaced; photographs already uploaded stay.
    """
    format = format_of(request.headers.get("content-type", ""))
    data = await request.body()
    return await run_in_threadpool(_import, who, data, format, partial, currency)


def _import(who: Merchant, data: bytes, format: Any, partial: bool, currency: str) -> Any:
    feed = read_feed(data, format, currency)
    if feed.problems and not partial:
        fields = [FieldProblem(field=f"{p.row}.{p.field}", reason=p.reason) for p in feed.problems[:100]]
        return problem(422, f"{len(feed.problems)} rows cannot be used, so none was; fields begin with the row", fields)
    if not feed.products:
        raise InvalidInput("feed", "no product in it")
    products = who.services.store(who.workspace).products
    new = products.put_many([_with_known_photos(who, product) for product in feed.products], utc_now())
    return Imported(imported=len(feed.products), new=new, refused=[asdict(p) for p in feed.problems])


@router.get("/{id}", responses=READ)
def get_product(id: Name, who: AnyCaller) -> Product:
    return who.services.store(who.workspace).products.get(id)


@router.put("/{id}", responses=WRITE | {201: {"model": Product, "description": "it is new"}})
def put_product(id: Name, body: ProductFile, who: Merchant, response: Response) -> Product:
    """Keep a product, new or not. Photographs already uploaded under the names it lists stay."""
    if body.id != id:
        raise InvalidInput("id", f"the address says {id!r}")
    product = _with_known_photos(who, _parse(body))
    is_new = who.services.store(who.workspace).products.put(product, utc_now())
    response.status_code = 201 if is_new else 200
    return product


@router.delete("/{id}", status_code=204, responses=WRITE, response_class=Response)
def delete_product(id: Name, who: Merchant) -> None:
    """Forget a product. Its copy, creatives and results stay."""
    who.services.store(who.workspace).products.delete(id)


@router.put(
    "/{id}/photos/{name}",
    responses=WRITE | responses(415),
    openapi_extra={"requestBody": {"required": True, "content": PICTURES}},
)
async def put_photo(id: Name, name: Name, request: Request, who: Merchant) -> Product:
    """Upload a photograph (JPEG, PNG or WebP as the body) under the name the product's file gives it.

    Example: curl -T front.jpg -H "X-API-Key: $KEY" $URL/v1/products/mug/photos/front.jpg
    """
    data = await request.body()
    return await run_in_threadpool(_keep_photo, who, id, name, data)


class PhotoAddress(Strict):
    """Where a photograph is to be had."""

    url: Annotated[str, Field(max_length=2_000, description="http or https, on the open internet")]
    name: Annotated[str, Field(pattern=NAME)] | None = None


@router.post("/{id}/photos", responses=WRITE)
def fetch_photo_from(id: Name, body: PhotoAddress, who: Merchant) -> Product:
    """Fetch a photograph from its address. Those that a product's file names are fetched when first needed, too."""
    services = who.services
    return fetch_photo(
        services.store(who.workspace),
        services.objects(who.workspace),
        id,
        body.url,
        body.name,
        utc_now(),
        services.settings,
    )


@router.get("/{id}/photos/{name}", responses=READ, response_class=Response)
def get_photo(id: Name, name: Name, who: AnyCaller) -> Response:
    """A photograph as it was uploaded: by its name, or by the last part of its key."""
    product = who.services.store(who.workspace).products.get(id)
    photo = named(product, name)
    data = who.services.objects(who.workspace).get(photo.key)
    return Response(data, media_type=inspect_photo(data, who.services.settings.max_photo_pixels).media_type)


def _keep_photo(who: Merchant, id: str, name: str, data: bytes) -> Product:
    services = who.services
    return keep_photo(
        services.store(who.workspace),
        services.objects(who.workspace),
        id,
        name,
        data,
        utc_now(),
        services.settings.max_photo_pixels,
    )


def _parse(body: ProductFile) -> Product:
    return parse_product(body.model_dump())


def _with_known_photos(who: Merchant, product: Product) -> Product:
    """The product with photographs that were uploaded before in place of their names."""
    try:
        before = who.services.store(who.workspace).products.get(product.id)
    except NotFound:
        return product
    known = {name: photo for photo in before.photos if photo.sha256 for name in (photo.name, photo.key)}
    if not product.photos:
        return replace(product, photos=before.photos)
    return replace(product, photos=tuple(known.get(photo.key, photo) for photo in product.photos))


def named(product: Product, name: str) -> Photo:
    """The uploaded photograph of this name. Raises NotFound."""
    for photo in product.photos:
        if photo.sha256 and name in (photo.name, photo.key.rpartition("/")[2]):
            return photo
    raise NotFound("photograph", name)
