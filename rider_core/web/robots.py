"""The HTTP interface to the robot: how it is, and who serves each of its domains. The link answers, over Redis.

    GET   /api/v1/robots                            every robot; one that cannot be asked has its `problem`
    GET   /api/v1/robots/<name>                     one robot
    GET   /api/v1/robots/<name>/switches            the history, oldest first
    PATCH /api/v1/robots/<name>/domains/<domain>    {"choice": "pc" | "local" | "automatic", "why"?: "..."}

A switch is answered with 200 where the robot reports what was chosen (`confirmed: true`), and with 202 where it does
not yet: the choice counts, `problem` says what stands against it, and the link goes on trying. Errors are JSON with
`code`, `message` and `remedy`: 400 the request is wrong, 404 there is no such robot or domain, 415 it is not JSON, 503
the link does not run or does not answer, or Redis is away.
"""

from __future__ import annotations

from typing import Any

from flask import Blueprint, Response, jsonify, request
from pydantic import Field

from rider_core.api.messages import Message, parse_json
from rider_core.api.steering import DOMAINS, MAX_SWITCHES, MAX_WHY, Choice
from rider_core.errors import BackendUnavailable, NoAnswer
from rider_core.metrics import REFUSED
from rider_core.runtime.robot_client import ROBOT, RobotClient

Answer = tuple[Response, int]


class Choosing(Message):
    """Body of PATCH."""

    choice: Choice = Field(description="who should serve the domain")
    why: str = Field("", max_length=MAX_WHY, description="in that person's words")


def robots_blueprint(client: RobotClient) -> Blueprint:
    """The routes; each of them asks the link."""
    robots = Blueprint("robots", __name__, url_prefix="/api/v1/robots")

    @robots.get("")
    def every() -> Response:
        try:
            about = _shown(client, switches=0)
        except (NoAnswer, BackendUnavailable) as error:
            about = {"name": ROBOT, "problem": error.message, "remedy": error.remedy}
        return jsonify({"robots": [about]})

    @robots.get("/<name>")
    def one(name: str) -> Response | Answer:
        return _no_robot(name) or jsonify(_shown(client, switches=20))

    @robots.get("/<name>/switches")
    def switches(name: str) -> Response | Answer:
        missing = _no_robot(name)
        if missing is not None:
            return missing
        return jsonify({"switches": _shown(client, switches=MAX_SWITCHES)["switches"]})

    @robots.patch("/<name>/domains/<domain>")
    def choose(name: str, domain: str) -> Answer:
        missing = _no_robot(name) or _no_domain(domain)
        if missing is not None:
            return missing
        if not request.is_json:
            return _refused("content_type", "the request is not JSON", "send Content-Type: application/json", 415)
        chosen = parse_json(Choosing, request.get_data())
        # A browser names the page that it asks from; the gate lets no page pass but the panel.
        by = "the panel" if "Origin" in request.headers else "the HTTP interface"
        switched = client.switch(domain, chosen.choice, by, chosen.why)
        return jsonify(switched.model_dump(mode="json")), 200 if switched.confirmed else 202

    return robots


def _shown(client: RobotClient, switches: int) -> dict[str, Any]:
    return {"name": ROBOT, "problem": "", **client.show(switches).model_dump(mode="json")}


def _no_robot(name: str) -> Answer | None:
    if name == ROBOT:
        return None
    return _refused("not_found", f"there is no robot {name[:40]!r}", f"its name is {ROBOT}", 404)


def _no_domain(domain: str) -> Answer | None:
    if domain in DOMAINS:
        return None
    return _refused("not_found", f"the robot has no domain {domain[:40]!r}", f"use one of {', '.join(DOMAINS)}", 404)


def _refused(code: str, message: str, remedy: str, status: int) -> Answer:
    REFUSED.labels("web", code).inc()
    return jsonify({"code": code, "message": message, "remedy": remedy}), status
