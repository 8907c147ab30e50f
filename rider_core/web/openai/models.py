"""`/v1/models`: the models that a request may name."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from flask import Blueprint, Response, jsonify

from rider_core.web.openai.directory import ModelDirectory, ModelInfo
from rider_core.web.openai.errors import ModelNotFound


def add_models(routes: Blueprint, directory: ModelDirectory) -> None:
    @routes.get("/models")
    def list_models() -> Response:
        listing = directory.listing()
        data = [_model(info) for info in listing.models]
        # `unavailable` is our addition: it has the reason why a provider's models are missing from the list.
        return jsonify({"object": "list", "data": data, "unavailable": [asdict(it) for it in listing.unavailable]})

    @routes.get("/models/<path:name>")
    def retrieve_model(name: str) -> Response:
        for info in directory.listing().models:
            if info.id == name:
                return jsonify(_model(info))
        raise ModelNotFound(f"there is no model {name[:80]!r}", remedy="GET /v1/models lists them")


def _model(info: ModelInfo) -> dict[str, Any]:
    # The creation time is unknown; `task` and `mock` are our additions.
    model = {"id": info.id, "object": "model", "created": 0, "owned_by": info.owner, "task": info.task}
    return model | ({"mock": True} if info.mock else {})
