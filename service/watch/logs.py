"""Log lines that can be searched: one shape for ours and for libraries', with the ids of what they belong to.

``bind`` says once that what follows belongs to a request or a job; every line after it carries that. Secrets are
taken out of every line, whoever wrote it.
"""

from __future__ import annotations

import logging
import re
import sys
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any, Literal, TextIO

import structlog

Format = Literal["auto", "text", "json"]
SECRETS = (
    re.compile(r"adl_([0-9a-f]{12})_[A-Za-z0-9_-]{8,}"),
    re.compile(r"demo_()[A-Za-z0-9_-]{16,}"),
    re.compile(
        r"(?i)((?:x-api-key|authorization|cookie|password|secret|api[_-]?key)[\"']?\s*[:=]\s*[\"']?(?:bearer\s+)?)[^\s\"',;&]+"
    ),
    re.compile(r"(://[^:/@\s]+:)[^@/\s]+(?=@)"),  # a password in a URL
)
SECRET_NAMES = re.compile(r"(?i)^(x-api-key|authorization|cookie|set-cookie|password|secret|.*api[_-]?key)$")
QUIET = ("alembic", "urllib3", "PIL", "httpcore", "httpx", "asyncio", "fontTools", "matplotlib")

Event = MutableMapping[str, Any]


def configure(level: str, format: Format = "auto", stream: TextIO | None = None) -> None:
    """Send everything that is logged to standard error.

    Args:
        level: debug, info, warning or error.
        format: json for machines, text for people; auto: text on a terminal.
        stream: instead of standard error.
    """
    stream = stream or sys.stderr
    as_json = format == "json" or (format == "auto" and not stream.isatty())
    before: list[Any] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.stdlib.add_logger_name,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.stdlib.ExtraAdder(),
    ]
    tracebacks = structlog.processors.ExceptionRenderer(
        structlog.tracebacks.ExceptionDictTransformer(show_locals=False)  # locals hold what nobody should read
    )
    end: list[Any] = (
        [tracebacks, _without_secrets, structlog.processors.JSONRenderer(ensure_ascii=False)]
        if as_json
        else [structlog.processors.format_exc_info, _without_secrets, _as_text]
    )
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=before, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *end]
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level.upper())
    for name in QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)


@contextmanager
def bound(**ids: str | int) -> Iterator[None]:
    """Lines written inside carry these ids."""
    with structlog.contextvars.bound_contextvars(**ids):
        yield


def bind(**ids: str | int) -> None:
    """Lines written from here on in this request carry these ids."""
    structlog.contextvars.bind_contextvars(**ids)


def forget() -> None:
    """A new request begins: what was bound before does not belong to it."""
    structlog.contextvars.clear_contextvars()


def without_secrets(text: str) -> str:
    """The text with keys, passwords and cookies blotted out."""
    for pattern in SECRETS:
        text = pattern.sub(lambda match: f"{match[1]}[secret]", text)
    return text


def _without_secrets(logger: Any, name: str, event: Event) -> Event:
    cleaned: Event = _clean(dict(event))
    return cleaned


def _clean(value: Any) -> Any:
    if isinstance(value, str):
        return without_secrets(value)
    if isinstance(value, dict):
        return {key: "[secret]" if SECRET_NAMES.match(str(key)) else _clean(inner) for key, inner in value.items()}
    if isinstance(value, list | tuple):
        return [_clean(inner) for inner in value]
    return value


def _as_text(logger: Any, name: str, event: Event) -> str:
    at, level, where = event.pop("timestamp", ""), event.pop("level", ""), event.pop("logger", "")
    said, trace = event.pop("event", ""), event.pop("exception", None)
    ids = "".join(f" {key}={value}" for key, value in event.items() if not key.startswith("_"))
    line = f"{at} {level.upper()} {where} {said}{ids}"
    return f"{line}\n{trace}" if trace else line
