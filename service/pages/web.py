"""What every page shares: who is signed in, how a template becomes an answer, how a refusal looks.

A page is a function with ``route_class=PageRoute`` that takes a ``Member`` and returns ``who.page(...)``. README.md
shows one.
"""

from __future__ import annotations

import http
import logging
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import quote, urlsplit

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from pydantic import ValidationError
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.responses import HTMLResponse, RedirectResponse

from experiments import ExperimentError
from models.errors import ModelError
from service.api.access import services_of
from service.api.errors import FieldProblem, fields_of, status_of
from service.errors import InvalidInput, NotAllowed, ServiceError, UnknownKey
from service.records import ApiKey, Scope
from service.storage import Store
from service.wiring import Services

from . import static_files, words
from .sessions import LIFETIME_S, Seal, Session

log = logging.getLogger("adloom.pages")

COOKIE = "adloom_session"
FLASH = "adloom_flash"
FORM_TOKEN = "csrf"
TEMPLATES = Path(__file__).parent / "templates"
POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
Tone = Literal["good", "bad", "note"]


@dataclass(frozen=True, slots=True)
class Section:
    """A place in the navigation, shown to keys with its scope as soon as a page answers at its path."""

    name: str
    path: str
    scope: Scope
    purpose: str


SECTIONS = (
    Section("Words", "/words", Scope.MERCHANT, "copy in which every claim has its fact"),
    Section("Pictures", "/pictures", Scope.DESIGNER, "products in new places, unchanged"),
    Section("Tests", "/tests", Scope.GROWTH, "which ads work, by how much, how sure"),
)


class SignInNeeded(UnknownKey):
    """Nobody is signed in, or not any more."""


@dataclass(frozen=True, slots=True)
class Member:
    """A person who is signed in, and what belongs to their workspace."""

    request: Request
    services: Services
    key: ApiKey
    session: Session
    form: FormData = field(default_factory=FormData)  # what was posted; its token was checked

    @property
    def workspace(self) -> str:
        return self.key.workspace

    @property
    def store(self) -> Store:
        return self.services.store(self.workspace)

    def text(self, name: str, default: str = "") -> str:
        """A text of the form, without blanks around it."""
        value = self.form.get(name, default)
        return value.strip() if isinstance(value, str) else default

    def texts(self, name: str) -> tuple[str, ...]:
        """All values of a field that may be ticked several times."""
        return tuple(value for value in self.form.getlist(name) if isinstance(value, str) and value)

    def page(self, template: str, status: int = 200, **context: Any) -> Response:
        """A whole page. Flash messages that waited are shown on it."""
        return show(self.request, template, status, member=self, **context)

    def part(self, template: str, **context: Any) -> Response:
        """A part of a page, for htmx."""
        return HTMLResponse(render(template, **common(self.request, self), **context))

    def go(self, path: str, message: str | None = None, tone: Tone = "good", undo: str | None = None) -> Response:
        """On to another page after a post, with a message there; ``undo`` is where a post takes it back."""
        response = RedirectResponse(path, 303)
        if message:
            sealed = seal_of(self.request).close("flash", [tone, message, undo])
            set_cookie(self.request, response, FLASH, sealed, 120)
        return response


# --- who ---------------------------------------------------------------------------------------------------------


def seal_of(request: Request) -> Seal:
    seal: Seal | None = getattr(request.app.state, "page_seal", None)
    if seal is None:
        seal = request.app.state.page_seal = Seal(services_of(request).settings.secret())
    return seal


async def who_is(request: Request) -> Member | None:
    """Whoever is signed in; None when nobody is, the session has expired, or its key was revoked."""
    session = seal_of(request).session(request.cookies.get(COOKIE), time.time())
    if session is None:
        return None
    services = services_of(request)
    found = await run_in_threadpool(services.keys.find, session.key_id)
    if found is None or not found[0].is_good(datetime.now(UTC)):
        return None
    member = Member(request, services, found[0], session)
    request.state.member = member
    return member


def member_with(scope: Scope | None = None) -> Callable[[Request], Awaitable[Member]]:
    """A dependency: somebody signed in whose key has a scope (any key for None). Posts must carry the form token.

    Raises:
        SignInNeeded, NotAllowed, TooMany
    """

    async def find(request: Request) -> Member:
        member = await who_is(request)
        if member is None:
            raise SignInNeeded("sign in to go on")
        if scope is not None and not member.key.allows(scope):
            raise NotAllowed(
                f"this page needs a key with the scope {scope.value!r}; you are signed in with {member.key.name!r}, "
                f"which has {words.listed([repr(s.value) for s in member.key.scopes])}"
            )
        request.app.state.limiter.check(member.key.id, member.key.rate)
        if request.method not in ("GET", "HEAD"):
            form = await request.form()
            given = request.headers.get("x-csrf-token") or form.get(FORM_TOKEN)
            if not isinstance(given, str) or not seal_of(request).is_form_token(member.session, given):
                raise NotAllowed("this form is out of date; go back, load the page again and send it once more")
            member = Member(request, member.services, member.key, member.session, form)
            request.state.member = member
        return member

    return find


# --- answers -----------------------------------------------------------------------------------------------------


@cache
def templates() -> Environment:
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {
        name: getattr(words, name)
        for name in (
            "percent", "lift", "rate", "number", "amount", "chance", "moment", "duration", "shorten", "listed",
        )
    }  # fmt: skip
    environment.globals |= {"count": words.count, "static": static_files.address, "quote": quote}
    return environment


def render(template: str, **context: Any) -> str:
    return templates().get_template(template).render(**context)


def common(request: Request, member: Member | None) -> dict[str, Any]:
    """What every template may use: ``member``, ``sections``, ``here`` and ``csrf``."""
    return {
        "member": member,
        "sections": sections_for(request, member),
        "here": request.url.path,
        "csrf": seal_of(request).form_token(member.session) if member else "",
    }


def sections_for(request: Request, member: Member | None) -> list[Section]:
    paths: set[str] | None = getattr(request.app.state, "page_paths", None)
    if paths is None:
        paths = request.app.state.page_paths = {s.path for s in SECTIONS if _answers(request.app, s.path)}
    return [s for s in SECTIONS if member and member.key.allows(s.scope) and s.path in paths]


def _answers(app: FastAPI, path: str) -> bool:
    from starlette.routing import Match

    scope = {"type": "http", "method": "GET", "path": path, "root_path": "", "headers": []}
    return any(route.matches(scope)[0] is Match.FULL for route in app.routes)


def show(request: Request, template: str, status: int = 200, member: Member | None = None, **context: Any) -> Response:
    """A whole page, for somebody or for nobody."""
    flash = seal_of(request).open("flash", request.cookies.get(FLASH))
    text = render(template, **common(request, member), flash=flash, **context)
    response = HTMLResponse(text, status)
    if FLASH in request.cookies:
        response.delete_cookie(FLASH, path="/")
    return response


def set_cookie(request: Request, response: Response, name: str, value: str, age_s: int) -> None:
    """HttpOnly and SameSite=Lax always; Secure wherever the connection can be."""
    response.set_cookie(name, value, max_age=age_s, path="/", httponly=True, samesite="lax", secure=is_secure(request))


def is_secure(request: Request) -> bool:
    return request.url.scheme == "https" or services_of(request).settings.address.startswith("https://")


def is_htmx(request: Request) -> bool:
    return request.headers.get("hx-request") == "true"


def local_path(text: str | None) -> str:
    """An address of ours to go to after signing in; anything else is the front page."""
    if not text or not text.startswith("/") or text.startswith("//") or "\\" in text or not text.isprintable():
        return "/"
    return text if not urlsplit(text).netloc else "/"


# --- refusals ----------------------------------------------------------------------------------------------------


class PageRoute(APIRoute):
    """Routes whose refusals are pages, and whose answers nobody else may keep."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def handle_as_page(request: Request) -> Response:
            try:
                response = await handle(request)
            except Exception as error:
                response = refusal(request, error)
            return finish(request, response)

        return handle_as_page


def finish(request: Request, response: Response) -> Response:
    """The headers of every page; a session past half its life is renewed."""
    response.headers.setdefault("Cache-Control", "private, no-store")
    response.headers.setdefault("Content-Security-Policy", POLICY)
    response.headers.setdefault("Cross-Origin-Opener-Policy", "same-origin")
    member: Member | None = getattr(request.state, "member", None)
    signed_out = any(f"{COOKIE}=" in value for value in response.headers.getlist("set-cookie"))
    if member and not signed_out and member.session.is_old(time.time()):
        start(request, response, member.key)
    return response


def start(request: Request, response: Response, key: ApiKey) -> None:
    """Sign somebody in on this answer."""
    _, cookie = seal_of(request).start(key.id, time.time())
    set_cookie(request, response, COOKIE, cookie, LIFETIME_S)


def refusal(request: Request, error: Exception) -> Response:
    """An error as a page in the common look; as a message for htmx."""
    if isinstance(error, SignInNeeded):
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        login = "/login" if request.method != "GET" or is_htmx(request) else f"/login?next={quote(path, safe='')}"
        if is_htmx(request):
            return Response(status_code=204, headers={"HX-Redirect": login})
        return RedirectResponse(login, 303)
    status, detail, fields = describe(error)
    if status >= 500 and not isinstance(error, (ServiceError, ModelError)):
        log.error("%s %s failed", request.method, request.url.path, exc_info=error)
    if is_htmx(request):
        headers = {"HX-Retarget": "#messages", "HX-Reswap": "beforeend", "HX-Push-Url": "false"}
        return HTMLResponse(render("parts/flash.html.j2", flash=["bad", detail, None], csrf=""), status, headers)
    member: Member | None = getattr(request.state, "member", None)
    title = http.HTTPStatus(status).phrase
    return show(request, "error.html.j2", status, member=member, title=title, detail=detail, fields=fields)


def describe(error: Exception) -> tuple[int, str, list[FieldProblem]]:
    """(status, detail, fields) of an error, as the API would put them."""
    if isinstance(error, (RequestValidationError, ValidationError)):
        fields = fields_of(error.errors())
        return 422, "; ".join(f"{f.field}: {f.reason}" for f in fields[:3]), fields
    if isinstance(error, HTTPException):
        return error.status_code, str(error.detail), []
    if isinstance(error, (ServiceError, ModelError, ExperimentError)):
        fields = [FieldProblem(field=error.field, reason=error.reason)] if isinstance(error, InvalidInput) else []
        return status_of(error), str(error), fields
    return 500, "something went wrong here; the server's log has the details", []


def install(app: FastAPI) -> None:
    """Give browsers a page where the API gives a problem document: addresses nobody answers at."""
    document: Any = app.exception_handlers[HTTPException]

    async def page_or_document(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        wants_page = "text/html" in request.headers.get("accept", "") and not request.url.path.startswith("/v1/")
        if error.status_code not in (404, 405) or not wants_page:
            return cast(Response, await document(request, error))
        await who_is(request)
        detail = f"There is nothing at {request.url.path}."
        return finish(request, refusal(request, HTTPException(error.status_code, detail)))

    app.add_exception_handler(HTTPException, page_or_document)
