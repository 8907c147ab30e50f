"""Pages and cards of plugins: which of them the panel can show."""

from __future__ import annotations

import logging
from typing import Any

from flask import Flask
from werkzeug.exceptions import HTTPException
from werkzeug.routing import RequestRedirect

from rider_core.pluginhost import PluginHost

log = logging.getLogger(__name__)


def drop_pages_without_routes(app: Flask, host: PluginHost) -> None:
    """Leave out what would lead nowhere, or to a page of the panel's own; the plugin's record says why."""
    registry = host.registry
    blueprints = {name for name, it in app.blueprints.items() if any(it is route for route in registry.routes)}
    records = {record.name: record for record in host.records()}
    for kind, paths in (("page", list(registry.pages)), ("card", list(registry.cards))):
        for path in paths:
            if _endpoint(app, path).partition(".")[0] not in blueprints:
                record = records[registry.drop_page(kind, path)]
                problem = f"its {kind} {path} is no route of its blueprint"
                record.reason = f"{record.reason}; {problem}" if record.reason else problem
                log.error("plugin %s: %s", record.name, problem)


def describe_host(host: PluginHost) -> dict[str, Any]:
    """What every page of the panel knows of the plugins: safe mode, entries of the menu, cards."""
    return {
        "safe_mode": host.safe_mode,
        "pages": [page.model_dump() for page in host.registry.pages.values()],
        "cards": [card.model_dump() for card in host.registry.cards.values()],
    }


def _endpoint(app: Flask, path: str) -> str:
    """Of the route that answers GET; empty: there is none."""
    try:
        endpoint, _ = app.url_map.bind("").match(path, method="GET")
    except (HTTPException, RequestRedirect):
        return ""
    return str(endpoint)
