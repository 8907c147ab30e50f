"""`/v1/models`: what may be named in `model`."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify

from rider_core.web.openai.directory import ModelDirectory, ModelInfo
from rider_core.web.openai.errors import ModelNotFound


def add_models(routes: Blueprint, directory: ModelDirectory) -> None:
    @routes.get("/models")
    def list_models() -> Response:
        listing = directory.listing()
        away = [
            {"provider": one.provider, "task": one.task, "reason": one.reason, "remedy": one.remedy}
            for one in listing.unavailable
        ]
        # `unavailable` is ours: who looks for a model that is not there finds the reason beside it.
        return jsonify({"object": "list", "data": [_shown(info) for info in listing.models], "unavailable": away})

    @routes.get("/models/<path:name>")
    def retrieve_model(name: str) -> Response:
        for info in directory.listing().models:
            if info.id == name:
                return jsonify(_shown(info))
        raise ModelNotFound(f"there is no model {name[:80]!r}", remedy="GET /v1/models lists them")


def _shown(info: ModelInfo) -> dict[str, Any]:
    # When a model was made nobody tells us; `task` and `mock` are ours.
    shown = {
        "id": info.id,
        "object": "model",
        "created": 0,
        "owned_by": info.owner,
        "task": info.task,
    }
    return shown | ({"mock": True} if info.mock else {})
