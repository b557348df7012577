"""The sample products that ship with adloom, and how they get into a workspace: as a merchant's would."""

from __future__ import annotations

from pathlib import Path

from .arena import utc_now
from .domain import Product
from .keys import DEFAULT_WORKSPACE
from .photos import keep_photo
from .products import parse_product
from .wiring import Services

SAMPLES = Path(__file__).resolve().parent / "samples"


def product_files() -> tuple[Path, ...]:
    """The product file of every sample."""
    return tuple(sorted(SAMPLES.glob("*/product.json")))


def load(services: Services, workspace: str = DEFAULT_WORKSPACE) -> tuple[Product, ...]:
    """Put every sample with its photographs into a workspace; doing it again changes nothing."""
    store, objects, now = services.store(workspace), services.objects(workspace), utc_now()
    services.keys.add_workspace(workspace, workspace, now)
    loaded = []
    for path in product_files():
        product = parse_product(path.read_bytes())
        store.products.put(product, now)
        for photo in product.photos:
            data = (path.parent / photo.key).read_bytes()
            name = Path(photo.key).name
            product = keep_photo(store, objects, product.id, name, data, now, services.settings.max_photo_pixels)
        loaded.append(product)
    return tuple(loaded)
