"""Traces by OpenTelemetry, when the operator wants them: ``pip install 'adloom[otel]'`` and ``ADLOOM_TRACING=true``.

Where they go is told by OpenTelemetry's own variables (``OTEL_EXPORTER_OTLP_ENDPOINT`` ...). Requests, database calls
and items of jobs are traced. Decisions, events, clicks and pixels are not: they take less time than their trace would.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from sqlalchemy import event

from service.errors import InvalidInput

HOT = r"/v1/experiments/[^/]+/decide$,/v1/events$,/c/,/p/,/healthz,/readyz,/metrics"
_tracer: Any = None


def install(app: Any, engine: Any, exporter: Any = None) -> Any:
    """Trace an application and its database.

    Args:
        app: FastAPI application, before its first request.
        engine: SQLAlchemy engine.
        exporter: takes the spans; default: OTLP over HTTP.

    Returns:
        The tracer provider; ``shutdown()`` sends what is left.

    Raises:
        InvalidInput: the extra is not installed.
    """
    global _tracer
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
        from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor
        from opentelemetry.sdk.resources import Resource
        from opentelemetry.sdk.trace import TracerProvider
        from opentelemetry.sdk.trace.export import BatchSpanProcessor
    except ImportError as error:
        raise InvalidInput("ADLOOM_TRACING", "traces need: pip install 'adloom[otel]'") from error

    provider = TracerProvider(resource=Resource.create({"service.name": "adloom"}))
    provider.add_span_processor(BatchSpanProcessor(exporter or OTLPSpanExporter()))
    FastAPIInstrumentor.instrument_app(app, tracer_provider=provider, excluded_urls=HOT)
    _tracer = provider.get_tracer("adloom")
    event.listen(engine, "before_cursor_execute", _begin_statement)
    event.listen(engine, "after_cursor_execute", _end_statement)
    event.listen(engine, "handle_error", _fail_statement)
    return provider


def remove(app: Any, engine: Any) -> None:
    """Trace no more."""
    global _tracer
    from opentelemetry.instrumentation.fastapi import FastAPIInstrumentor

    FastAPIInstrumentor.uninstrument_app(app)
    event.remove(engine, "before_cursor_execute", _begin_statement)
    event.remove(engine, "after_cursor_execute", _end_statement)
    event.remove(engine, "handle_error", _fail_statement)
    _tracer = None


@contextmanager
def span(name: str, **ids: str | int) -> Iterator[None]:
    """A step of its own in the trace; nothing when traces are off."""
    if _tracer is None:
        yield
        return
    with _tracer.start_as_current_span(name, attributes={f"adloom.{key}": value for key, value in ids.items()}):
        yield


def _begin_statement(connection: Any, cursor: Any, statement: str, values: Any, context: Any, many: bool) -> None:
    """A span for each statement, named by its first word; its values are never in it."""
    if _tracer is not None and context is not None:
        verb = statement.split(None, 1)[0].upper() if statement.strip() else "SQL"
        attributes = {"db.system.name": connection.dialect.name, "db.query.text": statement}
        context.adloom_span = _tracer.start_span(verb, attributes=attributes)


def _end_statement(connection: Any, cursor: Any, statement: str, values: Any, context: Any, many: bool) -> None:
    if (open_span := getattr(context, "adloom_span", None)) is not None:
        open_span.end()


def _fail_statement(failure: Any) -> None:
    if (open_span := getattr(failure.execution_context, "adloom_span", None)) is not None:
        open_span.record_exception(failure.original_exception)
        open_span.end()
