"""The prompt library: one file a prompt, immutable once released.

A file ``tasks/<task>/<version>.toml`` says what we ask a text model for: ``summary``, ``inputs``, ``system``,
``user``, ``sampling`` and ``output``, the JSON schema of the answer. ``$name`` marks an input, ``$$`` is a dollar sign.
Values are laid in once and never read again, so a product called "$title" stays "$title".

A string of the schema may be given as ``shapes`` with a ``longest`` instead of a pattern: see ``prompts.shapes``. The
rendered prompt then has two schemas: ``output`` with the shapes, which small models need, and ``free_output`` with the
length only, for models that write well by themselves.
"""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from string import Template
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, PositiveInt, ValidationError, model_validator

from . import shapes
from .errors import (
    BadFile,
    EditedRelease,
    MissingInput,
    NothingFits,
    UnknownInput,
    UnknownPrompt,
    UnknownTask,
    WrongInput,
)

FOLDER = Path(__file__).parent / "tasks"
RELEASED = Path(__file__).parent / "released.toml"

JsonSchema = Mapping[str, Any]
_WHOLE_INPUT = re.compile(r"\$([a-z_][a-z0-9_]*)\Z")


@dataclass(frozen=True, slots=True)
class PromptRef:
    """Which words were asked with: enough to find them again and to see that they are the same."""

    task: str
    version: int
    digest: str  # sha256 of the canonical prompt, 64 hex digits


@dataclass(frozen=True, slots=True)
class Sampling:
    """What suits this prompt; a caller may still choose otherwise."""

    temperature: float = 0.8
    top_p: float = 0.95
    max_new_tokens: int = 64


@dataclass(frozen=True, slots=True)
class RenderedPrompt:
    """A prompt with its inputs filled in, ready for a text model."""

    system: str
    user: str
    ref: PromptRef
    output: JsonSchema | None  # JSON schema of one answer, for a small model: it cannot leave the prompt's shapes
    free_output: JsonSchema | None  # the same answer without shapes, for an able model
    sampling: Sampling


class InputSpec(BaseModel):
    """What an input holds."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    about: str
    type: Literal["text", "lines", "integer"] = "text"  # lines: a list of strings, one a line
    join: str = "\n"  # what stands between the entries of a list
    default: str | int | list[str] | None = None  # None: the caller must fill it


class SamplingSpec(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    temperature: Annotated[float, Field(ge=0, le=2)] = 0.8
    top_p: Annotated[float, Field(gt=0, le=1)] = 0.95
    max_new_tokens: PositiveInt = 64


class PromptFile(BaseModel):
    """The form of a prompt file."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    summary: Annotated[str, Field(min_length=1)]
    inputs: dict[Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")], InputSpec]
    system: str
    user: Annotated[str, Field(min_length=1)]
    sampling: SamplingSpec = SamplingSpec()
    lists: dict[Annotated[str, Field(pattern=r"^[a-z_][a-z0-9_]*$")], list[str]] = {}  # words for the shapes
    output: dict[str, Any] | None = None

    @model_validator(mode="after")
    def _inputs_match_their_use(self) -> PromptFile:
        for text in (self.system, self.user):
            if not Template(text).is_valid():
                raise ValueError("a lone $ in the text; write $$ for a dollar sign")
        used = set(Template(self.system).get_identifiers()) | set(Template(self.user).get_identifiers())
        used |= _schema_inputs(self.output)
        declared = set(self.inputs) | set(self.lists)
        if used - declared:
            raise ValueError(f"not declared under [inputs] or [lists]: {', '.join(sorted(used - declared))}")
        if set(self.inputs) & set(self.lists):
            raise ValueError(f"both input and list: {', '.join(sorted(set(self.inputs) & set(self.lists)))}")
        if set(self.inputs) - used:
            raise ValueError(f"declared but never used: {', '.join(sorted(set(self.inputs) - used))}")
        return self


@dataclass(frozen=True, slots=True)
class Prompt:
    """One version of one prompt."""

    task: str
    version: int
    file: PromptFile
    digest: str
    is_released: bool

    @property
    def ref(self) -> PromptRef:
        return PromptRef(task=self.task, version=self.version, digest=self.digest)

    @property
    def summary(self) -> str:
        return self.file.summary

    @property
    def inputs(self) -> tuple[str, ...]:
        return tuple(self.file.inputs)

    def render(self, **inputs: object) -> RenderedPrompt:
        """Fill the inputs in. Values are data: whatever they contain, they never become part of the template.

        Raises:
            MissingInput, UnknownInput: the names do not match the file's ``[inputs]``.
            WrongInput: a value of the wrong kind.
        """
        specs = self.file.inputs
        if set(inputs) - set(specs):
            raise UnknownInput(self.task, set(inputs) - set(specs), specs)
        values = {name: spec.default for name, spec in specs.items() if spec.default is not None} | inputs
        if set(specs) - set(values):
            raise MissingInput(self.task, set(specs) - set(values))
        words = {name: _as_words(self.task, name, specs[name], value) for name, value in values.items()}
        lists = {name: _as_list(value) for name, value in {**values, **self.file.lists}.items()}
        return RenderedPrompt(
            system=Template(self.file.system).substitute(words).strip(),
            user=Template(self.file.user).substitute(words).strip(),
            ref=self.ref,
            output=_fill_schema(self.file.output, values, lists, self.task, guided=True),
            free_output=_fill_schema(self.file.output, values, lists, self.task, guided=False),
            sampling=Sampling(**self.file.sampling.model_dump()),
        )


def tasks() -> tuple[str, ...]:
    """Every task that has a prompt, sorted."""
    return tuple(sorted(folder.name for folder in FOLDER.iterdir() if any(folder.glob("*.toml"))))


def versions(task: str) -> tuple[int, ...]:
    """The versions of a task's prompt, rising. Raises UnknownTask."""
    found = sorted(int(path.stem) for path in (FOLDER / task).glob("*.toml") if path.stem.isdecimal())
    if not found:
        raise UnknownTask(task, tasks())
    return tuple(found)


def load(task: str, version: int | None = None) -> Prompt:
    """Find a prompt and check it.

    Args:
        task: what is asked for, such as "headline".
        version: which version; None is the newest released one. A version not yet released must be named.

    Raises:
        UnknownTask, UnknownPrompt: no such file.
        EditedRelease: the file is released and was changed since.
        BadFile: the file breaks the form.

    >>> load("headline", 1).ref.version
    1
    """
    return _load(task, version, FOLDER, RELEASED)


@lru_cache(maxsize=256)
def _load(task: str, version: int | None, folder: Path, released_file: Path) -> Prompt:
    known = versions(task)
    released = released_digests(released_file).get(task, {})
    if version is None:
        version = max((v for v in known if v in released), default=None)
    if version is None or version not in known:
        raise UnknownPrompt(task, version, known)
    prompt = parse(task, version, (folder / task / f"{version}.toml").read_text("utf-8"), version in released)
    if prompt.is_released and prompt.digest != released[version]:
        raise EditedRelease(task, version, released[version], prompt.digest)
    return prompt


def parse(task: str, version: int, toml: str, is_released: bool = False) -> Prompt:
    """A prompt from its file's text. Raises BadFile."""
    try:
        file = PromptFile.model_validate(tomllib.loads(toml))
    except (tomllib.TOMLDecodeError, ValidationError) as error:
        raise BadFile(f"tasks/{task}/{version}.toml", str(error)) from error
    return Prompt(task=task, version=version, file=file, digest=digest(file), is_released=is_released)


def digest(file: PromptFile) -> str:
    """sha256 over the canonical bytes, 64 hex digits: what the file says, whatever its comments and line ends."""
    said = file.model_dump(mode="json")
    return hashlib.sha256(
        json.dumps(said, sort_keys=True, ensure_ascii=False, separators=(",", ":")).encode()
    ).hexdigest()


def released_digests(file: Path = RELEASED) -> dict[str, dict[int, str]]:
    """Task -> version -> digest it was released with."""
    table: dict[str, dict[str, str]] = tomllib.loads(file.read_text("utf-8"))
    return {task: {int(version): value for version, value in rows.items()} for task, rows in table.items()}


def released_toml() -> str:
    """What released.toml would say if every prompt file here were released now.

    Raises:
        EditedRelease: a released file was changed; releasing it again would hide that.
    """
    lines = ["# Digests of released prompts. Written by: python -m prompts"]
    for task in tasks():
        lines += ["", f"[{task}]", *(f'{version} = "{load(task, version).digest}"' for version in versions(task))]
    return "\n".join(lines) + "\n"


def _as_words(task: str, name: str, spec: InputSpec, value: object) -> str:
    if spec.type == "integer":
        if isinstance(value, bool) or not isinstance(value, int):
            raise WrongInput(task, name, "a whole number", value)
        return str(value)
    if spec.type == "lines":
        if isinstance(value, str) or not isinstance(value, list | tuple) or not all(isinstance(v, str) for v in value):
            raise WrongInput(task, name, "a list of strings", value)
        return spec.join.join(_one_line(v) for v in value)
    if not isinstance(value, str):
        raise WrongInput(task, name, "text", value)
    return _one_line(value)


def _one_line(value: str) -> str:
    """A value cannot start a line of its own and pose as part of the prompt."""
    return " ".join(value.split())


def _schema_inputs(schema: object) -> set[str]:
    if isinstance(schema, Mapping):
        shaped = set().union(*(shapes.places(shape) for shape in schema.get("shapes", ())))
        return shaped.union(*(_schema_inputs(value) for value in schema.values()))
    if isinstance(schema, list | tuple):
        return set().union(*(_schema_inputs(value) for value in schema))
    match = _WHOLE_INPUT.match(schema) if isinstance(schema, str) else None
    return {match.group(1)} if match else set()


def _as_list(value: object) -> tuple[str, ...]:
    entries = value if isinstance(value, list | tuple) else [value]
    return tuple(_one_line(str(entry)) for entry in entries if str(entry).strip())


def _fill_schema(
    schema: Any, values: Mapping[str, object], lists: Mapping[str, tuple[str, ...]], task: str, *, guided: bool
) -> Any:
    """A string that is exactly ``$name`` becomes that input's value: a limit, or a list of choices."""
    if isinstance(schema, Mapping):
        filled = {key: _fill_schema(value, values, lists, task, guided=guided) for key, value in schema.items()}
        longest, sentences = filled.pop("longest", None), filled.pop("shapes", None)
        if longest is None or sentences is None:
            return filled
        if not guided:
            return {**filled, "minLength": 1, "maxLength": longest}
        words = shapes.pattern(sentences, lists, longest)
        if words is None:
            raise NothingFits(task, longest)
        return {**filled, "pattern": words}
    if isinstance(schema, list | tuple):
        return [_fill_schema(value, values, lists, task, guided=guided) for value in schema]
    match = _WHOLE_INPUT.match(schema) if isinstance(schema, str) else None
    if match is None:
        return schema
    value = values[match.group(1)]
    return list(value) if isinstance(value, list | tuple) else value
