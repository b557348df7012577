"""``/v1/rules``: what a market's law and a platform's policy say about texts."""

from __future__ import annotations

from typing import Annotated, Literal

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field, StringConstraints, model_validator

from prompts.rules import digest, pack, packs, packs_for
from service.copy.rules import Breach, Ruling, check

from .access import AnyCaller, Merchant
from .copy import Channel, Language
from .errors import READ, WRITE
from .shapes import Id, Line, Strict

router = APIRouter(prefix="/v1/rules", tags=["rules"])

Market = Annotated[str, Field(pattern=r"^[A-Za-z_-]{2,24}$", description="such as cn, us, eu, uk, de, fr, jp")]
Name = Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")]
CopyText = Annotated[str, StringConstraints(min_length=1, max_length=5_000)]
MOST_TEXTS = 1_000


class RulesRequest(Strict):
    """One text or many, in the same circumstances."""

    market: Market
    channel: Channel | None = None
    field: Name | None = None
    language: Language | None = None
    category: Line | None = None
    product_id: Id | None = Field(default=None, description="its facts and reviews may bear claims out")
    text: CopyText | None = None
    texts: Annotated[list[CopyText], Field(min_length=1, max_length=MOST_TEXTS)] | None = None

    @model_validator(mode="after")
    def _one_of_both(self) -> RulesRequest:
        if (self.text is None) == (self.texts is None):
            raise ValueError("either text or texts")
        return self


class BreachView(BaseModel):
    """One finding, in code points of the text as given."""

    rule: str
    title: str
    start: int
    end: int
    text: str
    severity: Literal["block", "warn"]
    why: str
    source: str
    url: str | None
    evidence: str
    rewrite: str | None = Field(description="the whole text with this one finding mended, where that is safe")
    hint: str


class RulingView(BaseModel):
    """What the rules say about one text."""

    text: str
    verdict: Literal["block", "warn", "pass"]
    findings: list[BreachView]
    rewrite: str | None = Field(description="the whole text mended; null where that is not needed or not safe")


class RulingsView(BaseModel):
    """One ruling for each text, in order."""

    market: str
    channel: str | None
    packs: list[str]
    digest: str = Field(description="of all rule packs: the same digest, the same rulings")
    rulings: list[RulingView]


class RuleView(BaseModel):
    """One rule."""

    id: str
    pack: str
    title: str
    severity: Literal["block", "warn"]
    why: str
    hint: str
    source: str
    url: str | None
    evidence: str


class RuleList(BaseModel):
    """Rules of one market and channel, or all."""

    digest: str
    rules: list[RuleView]


@router.post("/check", responses=WRITE)
def check_texts(body: RulesRequest, who: Merchant) -> RulingsView:
    """Hold texts against the law of a market and, with a channel, the platform's policy."""
    product = who.services.store(who.workspace).products.get(body.product_id) if body.product_id else None
    texts = body.texts if body.texts is not None else [body.text or ""]
    rulings = [
        check(
            text,
            market=body.market,
            channel=body.channel,
            field=body.field,
            language=body.language,
            category=body.category,
            product=product,
        )
        for text in texts
    ]
    about = rulings[0].circumstances
    return RulingsView(
        market=about.market,
        channel=about.channel,
        packs=list(rulings[0].packs),
        digest=digest(),
        rulings=[_view(ruling) for ruling in rulings],
    )


@router.get("", responses=READ)
def list_rules(
    who: AnyCaller,
    market: Annotated[str | None, Query(max_length=24)] = None,
    channel: Annotated[str | None, Query(max_length=64)] = None,
) -> RuleList:
    """The rules that apply to a market and channel; without a market, all there are."""
    here = packs_for(market, channel) if market is not None else tuple(pack(name) for name in packs())
    views = []
    for each in here:
        for rule in each.rule:
            source = each.sources[rule.source[0]]
            views.append(
                RuleView(
                    id=rule.id,
                    pack=each.id,
                    title=rule.title,
                    severity=rule.severity,
                    why=rule.why,
                    hint=rule.rewrite.hint,
                    source=source.title,
                    url=source.url,
                    evidence=source.evidence.value,
                )
            )
    return RuleList(digest=digest(), rules=views)


def _view(ruling: Ruling) -> RulingView:
    findings = [_breach(breach) for breach in ruling.findings]
    return RulingView(text=ruling.text, verdict=ruling.verdict, findings=findings, rewrite=ruling.rewrite)


def _breach(breach: Breach) -> BreachView:
    return BreachView(**{name: getattr(breach, name) for name in BreachView.model_fields})
