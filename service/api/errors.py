"""Every refusal in one shape: RFC 9457 problem details, with the field and the reason.

Only this file knows which HTTP code an error is.
"""

from __future__ import annotations

import http
import json
import logging
from collections.abc import Mapping, Sequence
from typing import Any

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, ValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from experiments import ExperimentError, InvalidExperiment
from models.errors import MissingWeights, ModelError, UnknownBackend, UnreadableImage
from prompts.errors import PromptError
from service.errors import (
    Busy,
    Conflict,
    InvalidInput,
    NoRoom,
    NotAllowed,
    NotFound,
    ServiceError,
    TooLarge,
    TooMany,
    UnknownKey,
)

log = logging.getLogger("adloom.api")

MEDIA_TYPE = "application/problem+json"
UNEXPECTED = "something went wrong here; the server's log has the details"


class FieldProblem(BaseModel):
    """Which field, and what is wrong with it."""

    field: str
    reason: str


class Problem(BaseModel):
    """RFC 9457 problem details."""

    type: str
    title: str
    status: int
    detail: str
    errors: list[FieldProblem] = []


STATUS: dict[type[Exception], int] = {
    UnknownKey: 401,
    NotAllowed: 403,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    InvalidInput: 422,
    TooMany: 429,
    Busy: 503,
    NoRoom: 507,
    InvalidExperiment: 422,
    ExperimentError: 422,
    UnknownBackend: 422,
    UnreadableImage: 422,
    MissingWeights: 503,
    ModelError: 422,
    PromptError: 422,
    ServiceError: 422,
}
NAMES = {
    400: "malformed",
    401: "unknown-key",
    403: "not-allowed",
    404: "not-found",
    405: "method",
    409: "conflict",
    411: "length-required",
    413: "too-large",
    415: "media-type",
    422: "invalid",
    429: "too-many",
    500: "unexpected",
    503: "busy",
    507: "no-room",
}


def responses(*codes: int) -> dict[int | str, dict[str, Any]]:
    """What an endpoint may refuse with, for the API description."""
    return {
        code: {
            "description": http.HTTPStatus(code).phrase,
            "content": {MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/Problem"}}},
        }
        for code in codes
    }


WITH_KEY = responses(401, 403, 422, 429, 503)
READ = WITH_KEY | responses(404)
WRITE = WITH_KEY | responses(400, 404, 409, 413)


def problem(
    status: int,
    detail: str,
    errors: Sequence[FieldProblem] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    body = Problem(
        type=f"urn:adloom:problem:{NAMES.get(status, 'other')}",
        title=http.HTTPStatus(status).phrase,
        status=status,
        detail=detail,
        errors=list(errors),
    )
    return JSONResponse(body.model_dump(), status, headers=headers, media_type=MEDIA_TYPE)


def status_of(error: Exception) -> int:
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def answer(error: Exception) -> JSONResponse:
    """The problem document of an error of ours."""
    status, headers, fields = status_of(error), {}, []
    if isinstance(error, InvalidInput):
        fields = [FieldProblem(field=error.field, reason=error.reason)]
    elif isinstance(error, UnknownBackend):
        fields = [FieldProblem(field="backend", reason=str(error))]
    if isinstance(error, (Busy, TooMany)):
        headers["Retry-After"] = str(error.retry_after_s)
    if isinstance(error, UnknownKey):
        headers["WWW-Authenticate"] = 'Bearer realm="adloom"'
    return problem(status, str(error), fields, headers)


def problem_of(error: Exception) -> dict[str, Any]:
    """The problem document as a value, for an answer that has begun already."""
    if isinstance(error, (ServiceError, ModelError, ExperimentError, PromptError)):
        reply = answer(error)
    else:
        log.error("a stream failed", exc_info=error)
        reply = problem(500, UNEXPECTED)
    found: dict[str, Any] = json.loads(bytes(reply.body))
    return found


def fields_of(errors: Sequence[Any], skip: tuple[str, ...] = ("body", "query", "path", "header")) -> list[FieldProblem]:
    """Pydantic's errors as ours: ``facts.2.value`` and the reason."""
    found = []
    for error in errors:
        where = [str(part) for part in error["loc"]]
        if where and where[0] in skip:
            where = where[1:] or where
        found.append(FieldProblem(field=".".join(where) or "body", reason=str(error["msg"])))
    return found


async def _ours(request: Request, error: Exception) -> JSONResponse:
    return answer(error)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, (RequestValidationError, ValidationError))
    fields = fields_of(error.errors())
    if any(e["type"] == "json_invalid" for e in error.errors()):
        return problem(400, "the body is not JSON", [FieldProblem(field="body", reason=fields[0].reason)])
    detail = "; ".join(f"{f.field}: {f.reason}" for f in fields[:3])
    return problem(422, detail + (f"; and {len(fields) - 3} more" if len(fields) > 3 else ""), fields)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    if isinstance(error.__cause__, ServiceError):  # raised while the body was being read
        return answer(error.__cause__)
    detail = str(error.detail)
    if error.status_code == 404:
        detail = f"nothing at {request.url.path}"
    elif error.status_code == 405:
        detail = f"{request.method} is not possible at {request.url.path}"
        headers = {"Allow": ", ".join(_methods_at(request))}
        return problem(405, detail, headers=headers)
    return problem(error.status_code, detail, headers=error.headers)


def _methods_at(request: Request) -> list[str]:
    """What is possible at the address of a request."""
    from starlette.routing import Match

    found: set[str] = set()
    for method in ("GET", "POST", "PUT", "DELETE"):
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            found.add(method)
    return sorted(found)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    return problem(500, UNEXPECTED)


def install(app: FastAPI) -> None:
    for kind in (ServiceError, ModelError, ExperimentError, PromptError):
        app.add_exception_handler(kind, _ours)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(ValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)
