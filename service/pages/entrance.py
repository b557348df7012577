"""The front page, signing in and out."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse

from service.errors import NotAllowed, UnknownKey

from .web import COOKIE, Member, PageRoute, local_path, member_with, sections_for, show, start, who_is

router = APIRouter(include_in_schema=False, route_class=PageRoute)
Anyone = Annotated[Member, Depends(member_with())]


@router.get("/")
def front(who: Anyone) -> Response:
    """On to the first section that this key opens."""
    sections = sections_for(who.request, who)
    return RedirectResponse(sections[0].path, 303) if sections else who.page("nothing_here.html.j2")


@router.get("/login")
async def login_form(request: Request, next: Annotated[str, Query(max_length=2_000)] = "/") -> Response:
    if await who_is(request) is not None:
        return RedirectResponse(local_path(next), 303)
    return show(request, "login.html.j2", next=local_path(next), problem=None)


@router.post("/login")
async def login(request: Request) -> Response:
    """Sign in with an API key. Other sites cannot do it for somebody: browsers say where a form came from."""
    if request.headers.get("sec-fetch-site", "same-origin") not in ("same-origin", "none"):
        raise NotAllowed("this form came from another site")
    form = await request.form()
    key, after = str(form.get("key", "")).strip(), local_path(str(form.get("next", "/")))
    request.app.state.limiter.check(f"sign-in {request.client.host if request.client else ''}")
    try:
        found = await run_in_threadpool(request.app.state.services.ring.recognise, key)
    except UnknownKey:
        said = "That is not a key of this installation, or it was revoked." if key else "Paste a key first."
        return show(request, "login.html.j2", 401 if key else 422, next=after, problem=said)
    response = RedirectResponse(after, 303)
    start(request, response, found)
    return response


@router.post("/logout")
def logout(who: Anyone) -> Response:
    response = RedirectResponse("/login", 303)
    response.delete_cookie(COOKIE, path="/")
    return response
