"""All pages together: what ``service/app.py`` puts beside the API."""

from __future__ import annotations

from . import (
    elsewhere,
    entrance,
    growth,
    pictures_cut,
    pictures_new,
    pictures_page,
    pictures_review,
    pictures_small,
    static_files,
    words_page,
)
from .web import install

ROUTERS = (
    static_files.router,
    entrance.router,
    pictures_small.router,
    elsewhere.router,
    growth.router,
    words_page.router,
    pictures_page.router,
    pictures_cut.router,
    pictures_new.router,
    pictures_review.router,
)

__all__ = ["ROUTERS", "install"]
