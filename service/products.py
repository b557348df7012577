"""From a merchant's product file to a ``Product``: strict, and every refusal names its field."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, field_validator

from .domain import Fact, Money, Photo, Product, Review
from .errors import InvalidInput

Short = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=500)]
Long = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=5_000)]
ProductId = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$")]


class _Strict(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class FactFile(_Strict):
    key: Short
    value: Short
    unit: Short | None = None


class MoneyFile(_Strict):
    amount: Annotated[str, StringConstraints(pattern=r"^\d{1,9}(\.\d{1,4})?$")]
    currency: Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class ReviewFile(_Strict):
    id: Short
    text: Long
    stars: Annotated[float, Field(ge=0, le=5)] | None = None
    date: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")] | None = None

    @field_validator("stars", mode="before")
    @classmethod
    def _whole_stars(cls, value: Any) -> Any:
        return float(value) if isinstance(value, int) and not isinstance(value, bool) else value


class ProductFile(_Strict):
    """One product as a merchant sends it. Only ``id`` and ``title`` are needed; unknown keys are refused."""

    id: ProductId
    title: Short
    brand: Short | None = None
    category: Short | None = None
    language: Annotated[str, StringConstraints(pattern=r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$")] = "en"
    price: MoneyFile | None = None
    audience: Short | None = None
    tone: Short | None = None
    facts: Annotated[list[FactFile], Field(max_length=200)] = []
    photos: Annotated[list[Short], Field(max_length=50)] = []
    landing_page: Annotated[str, StringConstraints(pattern=r"^https?://[^\s]+$", max_length=2_000)] | None = None
    reviews: Annotated[list[ReviewFile], Field(max_length=10_000)] = []


def parse_product(data: bytes | str | dict[str, Any]) -> Product:
    """A product file's JSON (text, bytes or already parsed) as a ``Product``.

    Photos keep the paths or keys they were given; whoever stores the pictures replaces them.

    Raises:
        InvalidInput: not JSON, a missing, unknown or malformed field; ``field`` is its path, such as "facts.2.value".
    """
    try:
        parsed = ProductFile.model_validate(data) if isinstance(data, dict) else ProductFile.model_validate_json(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "product"
        raise InvalidInput(where, _reason(first)) from error
    return _product(parsed)


def _reason(error: Any) -> str:
    if error["type"] == "extra_forbidden":
        return f"unknown key; known keys: {', '.join(ProductFile.model_fields)}"
    return str(error["msg"])


def _product(parsed: ProductFile) -> Product:
    price = parsed.price
    return Product(
        id=parsed.id,
        title=parsed.title,
        brand=parsed.brand,
        category=parsed.category,
        language=parsed.language,
        price=Money(Decimal(price.amount), price.currency) if price else None,
        audience=parsed.audience,
        tone=parsed.tone,
        facts=tuple(Fact(fact.key, fact.value, fact.unit) for fact in parsed.facts),
        photos=tuple(Photo(key=photo) for photo in parsed.photos),
        landing_page=parsed.landing_page,
        reviews=tuple(Review(review.id, review.text, review.stars, review.date) for review in parsed.reviews),
    )
