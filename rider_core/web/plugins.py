"""Describes the installed plugins for the page and for programs."""

from __future__ import annotations

from typing import Any

from rider_core.runtime.services import Services

MAX_REASON = 300


def describe_plugins(services: Services) -> list[dict[str, Any]]:
    """Every plugin with its providers, plugins that failed included."""
    classes = services.plugins.registry.providers
    return [
        {
            "name": record.name,
            "package": record.package,
            "version": record.version,
            "state": record.state.value,
            "reason": record.reason[:MAX_REASON],
            "providers": [
                {"name": name, "domain": classes[name].domain, "mock": classes[name].mock}
                for name in record.providers
                if name in classes
            ],
        }
        for record in services.plugins.records()
    ]
