"""Rule packs: what a market's law and a platform's policy forbid in copy, as data.

One file a pack, ``rules/<pack>.toml``. A *market* pack applies to texts for that market (and for the markets that name
it as ``parent``: ``de`` brings ``eu`` with it), a *platform* pack to its channels in every market. ``shared.toml``
holds what several packs use: word lists, product categories and the table that undoes disguised writing. How rules are
applied is the service's business (``service/copy/rules.py``); here they are found, checked and put together.
"""

from __future__ import annotations

import fnmatch
import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from .channels import Evidence, channels
from .errors import BadFile, UnknownChannel, UnknownMarket

FOLDER = Path(__file__).parent / "rules"
SHARED = "shared"

Severity = Literal["block", "warn"]
Check = Literal[
    "all_caps",
    "characters",
    "count_of_reviews",
    "discount_without_basis",
    "emoji",
    "exclamation",
    "invented_quote",
    "link",
    "percent_without_basis",
    "phone_number",
    "price",
    "price_without_end_date",
    "repeated_punctuation",
    "repeated_word",
    "reviewer_name",
    "spaced_letters",
    "star_value",
]
"""Checks that no pattern can express; each is a function of the same name in ``service/copy/rule_checks.py``."""

_LIST = re.compile(r"<<([a-z][a-z0-9_]*)>>")
_RULE_ID = re.compile(r"^[a-z][a-z0-9_]*(\.[a-z0-9][a-z0-9_]*){1,3}$")
Texts = Annotated[tuple[str, ...], Field(strict=False)]


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)


class RuleSource(_Strict):
    """Where a rule comes from and how we know."""

    title: str  # "Advertising Law of the People's Republic of China, Art. 9(3)"
    url: str | None = None
    evidence: Annotated[Evidence, Field(strict=False)]
    read: str  # the day it was read or, for "memory", written down; ISO 8601
    note: str | None = None


class Rewrite(_Strict):
    """How a finding is made harmless. Tried in this order: a fact, the replacements, deletion."""

    fact: Texts = ()  # patterns over "key: value"; the first fact that fits takes the words' place
    replace: Annotated[tuple[tuple[str, str], ...], Field(strict=False)] = ()  # (pattern over the found words, text)
    drop: bool | Literal["clause"] = False  # take the words away, or with them the clause they stand in
    hint: str  # what a person can do about it


class Example(_Strict):
    """A text with the circumstances that its rule does not already imply."""

    text: str
    market: str | None = None
    channel: str | None = None
    field: str | None = None
    category: str | None = None
    language: str | None = None
    facts: Mapping[str, str] = Field(default_factory=dict)  # of a product that is given
    reviews: Texts = ()  # texts of that product's reviews, all with five stars


class Rule(_Strict):
    """One thing that copy must not, or should rather not, say."""

    id: str
    title: str
    source: Annotated[tuple[str, ...], Field(strict=False, min_length=1)]  # names under [sources] of its file
    severity: Severity
    why: str  # one sentence for whoever wrote the text
    patterns: Texts = ()
    check: Check | None = None
    params: Mapping[str, str | int | float | tuple[str, ...]] = Field(default_factory=dict, strict=False)
    fields: Texts = ()  # only in these; empty: in all
    categories: Texts = ()  # only for these
    not_categories: Texts = ()
    languages: Texts = ()  # of the text; empty: all
    exceptions: Texts = Field(default=(), alias="except")  # a find that begins inside one of these is lawful
    clause_exceptions: Texts = Field(default=(), alias="except_in_clause")  # anywhere between the same commas
    soften: Texts = ()  # in the same clause: turns block into warn
    substantiated_by: Texts = ()  # patterns over a product's "key: value"; such a fact makes the find lawful
    with_product: Severity | None = None  # severity when a product is given and no fact bears it out
    family: str | None = None  # of two overlapping finds of a family the graver, then the longer one is told
    rewrite: Rewrite
    caught: Annotated[tuple[str | Example, ...], Field(strict=False, min_length=1)]
    passes: Annotated[tuple[str | Example, ...], Field(strict=False, min_length=1)]
    note: str | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Rule:
        if not _RULE_ID.match(self.id):
            raise ValueError(f"id {self.id!r} must look like pack.topic.name, small letters")
        if bool(self.patterns) == bool(self.check):
            raise ValueError("either patterns or a check, one of the two")
        return self

    def examples(self, kind: Literal["caught", "passes"]) -> tuple[Example, ...]:
        """The example texts, bare strings made whole."""
        given = self.caught if kind == "caught" else self.passes
        return tuple(Example(text=e) if isinstance(e, str) else e for e in given)


class Pack(_Strict):
    """The rules of one market or platform."""

    id: str  # the file's name
    name: str
    kind: Literal["market", "platform"]
    parent: str | None = None  # the market pack that applies too
    aliases: Texts = ()  # other names of the market: "gb"; of a platform: "amazon" for its first channel
    channels: Texts = ()  # platform packs: which channels, "google_*"
    example_channel: str | None = None
    sources: Mapping[str, RuleSource]
    rule: Annotated[tuple[Rule, ...], Field(strict=False, min_length=1)]

    @model_validator(mode="after")
    def _hangs_together(self) -> Pack:
        if (self.kind == "platform") != bool(self.channels):
            raise ValueError("a platform pack names its channels, a market pack has none")
        seen: set[str] = set()
        for rule in self.rule:
            if rule.id in seen:
                raise ValueError(f"rule {rule.id}: the id stands twice")
            if rule.id.split(".")[0] != self.id:
                raise ValueError(f"rule {rule.id}: its id must begin with {self.id!r}")
            seen.add(rule.id)
            unknown = set(rule.source) - set(self.sources)
            if unknown:
                raise ValueError(f"rule {rule.id}: no source {', '.join(sorted(unknown))} under [sources]")
        return self


class Category(_Strict):
    """A kind of product that has rules of its own."""

    names: Texts  # what merchants call it, small letters; part of the given category is enough
    words: Texts = ()  # patterns: a text that says one of them is about such a product, when no category is given


class Fold(_Strict):
    """How disguised characters are read."""

    traditional: str  # pairs: traditional, simplified
    lookalike: str  # pairs: a character drawn like another


class Shared(_Strict):
    """What several packs use."""

    lists: Mapping[str, Texts]
    checks: Mapping[str, Texts]  # patterns of the checks in code
    categories: Mapping[str, Category]
    fold: Fold


def packs() -> tuple[str, ...]:
    """The ids of all packs, sorted."""
    return tuple(sorted(path.stem for path in FOLDER.glob("*.toml") if path.stem != SHARED))


@lru_cache(maxsize=1)
def shared() -> Shared:
    """Lists, categories and folding. Raises BadFile."""
    return parse_shared((FOLDER / f"{SHARED}.toml").read_text("utf-8"))


@lru_cache(maxsize=64)
def pack(name: str) -> Pack:
    """One pack, with its lists filled in and every pattern tried.

    Raises:
        UnknownMarket: no such file.
        BadFile: the file breaks the form; the message names the rule.
    """
    if name not in packs():
        raise UnknownMarket(name, packs())
    return parse(name, (FOLDER / f"{name}.toml").read_text("utf-8"), shared().lists)


def parse_shared(toml: str) -> Shared:
    """The shared tables from their file's text, every pattern tried. Raises BadFile."""
    file = f"rules/{SHARED}.toml"
    try:
        here = Shared.model_validate(tomllib.loads(toml))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise BadFile(file, _first(error)) from error
    groups = [*here.lists.items(), *here.checks.items(), *((id, row.words) for id, row in here.categories.items())]
    for name, patterns in groups:
        for pattern in patterns:
            try:
                _spelt(pattern, here.lists)
            except ValueError as error:
                raise BadFile(file, f"{name}: {error}") from error
    return here


def parse(name: str, toml: str, lists: Mapping[str, tuple[str, ...]] | None = None) -> Pack:
    """A pack from its file's text.

    Args:
        lists: what ``<<name>>`` in a pattern stands for.

    Raises:
        BadFile: names the rule by its id, or by its number where it has none.
    """
    file = f"rules/{name}.toml"
    try:
        table = tomllib.loads(toml)
    except tomllib.TOMLDecodeError as error:
        raise BadFile(file, str(error)) from error
    for number, row in enumerate(table.get("rule", []), 1):
        try:
            Rule.model_validate(_filled(row, lists or {}))
        except (ValidationError, ValueError) as error:
            raise BadFile(file, f"rule {row.get('id', number)}: {_first(error)}") from error
    try:
        rows = [_filled(row, lists or {}) for row in table.get("rule", [])]
        return Pack.model_validate({"id": name, **table, "rule": rows})
    except ValidationError as error:
        raise BadFile(file, _first(error)) from error


def _first(error: Exception) -> str:
    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    where = ".".join(str(part) for part in first["loc"])
    return f"{where}: {first['msg']}" if where else str(first["msg"])


_PATTERN_KEYS = ("patterns", "except", "except_in_clause", "soften", "substantiated_by")


def _filled(row: Mapping[str, Any], lists: Mapping[str, tuple[str, ...]]) -> dict[str, Any]:
    """A rule's row with every ``<<list>>`` spelt out and every pattern compiled once, to see that it is one."""
    filled = dict(row)
    for key in _PATTERN_KEYS:
        if isinstance(row.get(key), list):
            filled[key] = tuple(_spelt(pattern, lists) for pattern in row[key])
    rewrite = row.get("rewrite")
    if isinstance(rewrite, dict):
        pairs = rewrite.get("replace", ())
        filled["rewrite"] = {**rewrite, "replace": tuple((_spelt(p, lists), t) for p, t in pairs)}
        for pattern in rewrite.get("fact", ()):
            _spelt(pattern, lists)
    if isinstance(row.get("params"), dict):
        filled["params"] = {k: tuple(v) if isinstance(v, list) else v for k, v in row["params"].items()}
    return filled


def _spelt(pattern: str, lists: Mapping[str, tuple[str, ...]], depth: int = 0) -> str:
    def entries(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in lists:
            raise ValueError(f"pattern {pattern!r}: no list {name!r}; lists: {', '.join(sorted(lists))}")
        if depth > 5:
            raise ValueError(f"pattern {pattern!r}: list {name!r} contains itself")
        return "(?:" + "|".join(_spelt(entry, lists, depth + 1) for entry in lists[name]) + ")"

    spelt = _LIST.sub(entries, pattern)
    try:
        re.compile(spelt)
    except re.error as error:
        raise ValueError(f"pattern {pattern!r} is no regular expression: {error}") from error
    return spelt


@lru_cache(maxsize=1)
def markets() -> dict[str, str]:
    """Every name a market goes by, to its pack's id."""
    names: dict[str, str] = {}
    for name in packs():
        here = pack(name)
        if here.kind == "market":
            names |= dict.fromkeys((name, *here.aliases), name)
    return names


def market_ids() -> tuple[str, ...]:
    """Market packs, without their other names."""
    return tuple(sorted(set(markets().values())))


def find_market(name: str) -> str:
    """The id of the market that goes by this name: "CN", "zh-CN" and "china" are all cn. Raises UnknownMarket."""
    key = name.strip().lower().replace("_", "-")
    known = markets()
    for candidate in (key, key.split("-")[-1]):
        if candidate in known:
            return known[candidate]
    raise UnknownMarket(name, market_ids())


@lru_cache(maxsize=1)
def _channel_names() -> dict[str, str]:
    names = {name: name for name in channels()}
    for name in packs():
        here = pack(name)
        if here.kind == "platform" and here.example_channel:
            for alias in (name, *here.aliases):
                names.setdefault(alias, here.example_channel)
    return names


def find_channel(name: str) -> str:
    """The id of the channel that goes by this name; "amazon" is amazon_listing. Raises UnknownChannel."""
    key = name.strip().lower().replace("-", "_")
    names = _channel_names()
    if key not in names:
        raise UnknownChannel(name, channels())
    return names[key]


@lru_cache(maxsize=512)
def packs_for(market: str, channel: str | None) -> tuple[Pack, ...]:
    """The packs that apply: the market's, its parent's, and the platform's.

    Raises:
        UnknownMarket, UnknownChannel.
    """
    here: Pack | None = pack(find_market(market))
    found: list[Pack] = []
    while here is not None:
        found.append(here)
        here = pack(here.parent) if here.parent else None
    if channel is not None:
        id = find_channel(channel)
        platforms = [p for p in map(pack, packs()) if p.kind == "platform"]
        found += [p for p in platforms if any(fnmatch.fnmatch(id, shape) for shape in p.channels)]
    return tuple(found)


@lru_cache(maxsize=1)
def digest() -> str:
    """sha256 over what all packs say, 64 hex digits: a creative records it, so that a ruling can be explained later."""
    says = {name: pack(name).model_dump(mode="json", by_alias=True) for name in packs()}
    says[SHARED] = shared().model_dump(mode="json")
    canonical = json.dumps(says, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()
