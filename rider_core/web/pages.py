"""The paths of the panel's pages. Each is answered with the same HTML; the browser part shows what belongs to the path.

They hold no data: a page asks the REST interface for it once its user has signed in.
"""

from __future__ import annotations

import re

from flask import Flask, render_template

from rider_core.web.access.needed_roles import needs

#: Rules of `web/src/router.tsx`, too: a test opens each.
PAGES = (
    "/",
    "/talk",
    "/queue",
    "/queue/<job_id>",
    "/schedules",
    "/control",
    "/control/<provider>",
    "/robots",
    "/plugins",
    "/system",
    "/system/<section>",
)
_PAGE = re.compile("|".join(re.sub("<[^>]+>", "[^/]+", rule) for rule in PAGES))


def is_page(path: str) -> bool:
    """Whether a page of the panel has this path."""
    return _PAGE.fullmatch(path) is not None


def add_pages(app: Flask, build: str) -> None:
    """Add the routes. `build`: stamp of the browser files, so that no browser shows an old one."""

    def page(**_: str) -> str:
        return render_template("index.html", build=build)

    for rule in PAGES:
        app.add_url_rule(rule, "index", needs(None, page))
