"""What every command shares: where results and remarks go, how a product file is read."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

AsJson = Annotated[bool, typer.Option("--json", help="JSON on standard output.")]
ProductPath = Annotated[Path, typer.Option("--product", help="Product file (JSON).", exists=True, dir_okay=False)]


def say(text: str) -> None:
    """To standard error: what a person reads while a machine reads the result."""
    typer.echo(text, err=True)


def fail(message: str, code: int = 1) -> NoReturn:
    say(f"adloom: {message}")
    raise typer.Exit(code)


def show(value: Any) -> None:
    """One JSON object to standard output."""
    typer.echo(json.dumps(value, ensure_ascii=False, default=str))


def plain(value: Any) -> Any:
    """A dataclass as JSON values, nested ones too."""
    from pydantic import TypeAdapter

    return TypeAdapter(type(value)).dump_python(value, mode="json")


class Steps:
    """Says every new step, and every tenth of a long one."""

    def __init__(self) -> None:
        self._step, self._tenth = "", -1

    def __call__(self, step: str, done: float) -> None:
        tenth = int(done * 10)
        if (step, tenth) != (self._step, self._tenth):
            self._step, self._tenth = step, tenth
            say(f"  {step}: {done:.0%}")


class TimeLeft:
    """Says once a second how far something long is and how long it will take."""

    def __init__(self) -> None:
        self._doing = ""
        self._begun = self._said = time.monotonic()

    def __call__(self, what: str, done: int, total: int) -> None:
        """``what`` is being done, ``done`` of ``total`` pieces of it are; another ``what`` starts a new clock."""
        now = time.monotonic()
        if what != self._doing:
            self._doing, self._begun = what, now
        if now - self._said >= 1.0 and 0 < done < total:
            self._said = now
            left = (now - self._begun) / done * (total - done)
            say(f"  {what}: {done:,} of {total:,}, {left:.0f} s to go")


def read_product(path: Path) -> Any:
    """The product of a file; its photographs' paths are resolved beside the file."""
    from service.products import parse_product

    return parse_product(path.read_bytes())
