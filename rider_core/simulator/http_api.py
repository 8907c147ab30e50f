"""The robot's HTTP interface: each call with its replies, its errors and its gaps. `api_process` serves it.

Paths below `/api/simulator/` exist in the simulator only.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from flask import Flask, Response, abort, jsonify, request

from rider_core.simulator.camera import Camera
from rider_core.simulator.config import DOMAINS
from rider_core.simulator.control import CommandRefused, read_command
from rider_core.simulator.navigator import Navigator
from rider_core.simulator.outbox import Send
from rider_core.simulator.registry import DomainRegistry, StateFile
from rider_core.simulator.telemetry import Telemetry

Reply = tuple[Response, int]

#: Restarts the voice service, as `systemctl restart` does on a robot.
RESTART_VOICE_PATH = "/api/simulator/restart-voice"


@dataclass
class ApiContext:
    """The parts of the robot that the interface shows and controls.

    Attributes:
        motion_bridge_up: Whether the program behind `/api/control` answers; a test can make it fail.
        safe_max_duration_s: See `RobotConfig`.
        restart_voice, voice_exit: The voice process's service manager, and its last exit code.
    """

    registry: DomainRegistry
    file: StateFile
    camera: Camera
    navigator: Navigator
    telemetry: Telemetry
    send: Send
    clock: Callable[[], float]
    motion_bridge_up: Callable[[], bool]
    safe_max_duration_s: float
    restart_voice: Callable[[], None]
    voice_exit: Callable[[], int | None]


def create_app(robot: ApiContext) -> Flask:
    """The interface. Each start of the robot's API process makes a new one."""
    app = Flask("simulated_rider_pi", static_folder=None)
    _add_provider_calls(app, robot)
    _add_mode_calls(app, robot)
    _add_control_calls(app, robot)
    _add_views(app, robot)
    _add_simulator_calls(app, robot)
    return app


def _add_provider_calls(app: Flask, robot: ApiContext) -> None:
    registry = robot.registry

    @app.get("/api/providers/state")
    def state() -> Reply:
        return jsonify(registry.snapshot()), 200

    @app.get("/api/providers/health")
    def health() -> Reply:
        return jsonify({"pc_health": registry.health()}), 200

    @app.post("/api/providers/pc-heartbeat")
    def heartbeat() -> Reply:
        body = _body()
        url = _text(body, "base_url")
        if not url:
            return jsonify({"error": "base_url is required"}), 400
        stored_url = registry.set_pc_url(url)
        values = {"reason": body.get("reason") or "heartbeat", "status": body.get("status") or "online"}
        if "latency_ms" in body:
            values["latency_ms"] = body["latency_ms"]
        registry.update_health(reachable=True, **values)
        return jsonify({"ok": True, "base_url": stored_url}), 200

    @app.route("/api/providers/<domain>", methods=["GET", "PATCH"])
    def domain_state(domain: str) -> Reply:
        domain = domain.lower()
        if domain not in DOMAINS:
            return jsonify({"error": f"Unknown domain: {domain}"}), 404
        if request.method == "GET":
            return jsonify({"domain": domain, "state": registry.domain(domain)}), 200
        body = _body(force=True)
        target = _text(body, "target").lower()
        if target not in ("local", "pc"):
            return jsonify({"error": "target must be 'local' or 'pc'"}), 400
        state, changed = registry.set_mode(domain, target, str(body.get("reason") or "manual"))
        return jsonify({"domain": domain, "state": state, "changed": changed}), 200


def _add_mode_calls(app: Flask, robot: ApiContext) -> None:
    @app.get("/api/system/ai-mode")
    def ai_mode() -> Reply:
        return jsonify(robot.file.ai_mode()), 200

    @app.route("/api/system/ai-mode", methods=["PUT", "POST"])
    def set_ai_mode() -> Reply:
        mode = _body(force=True).get("mode")
        if not mode:
            return jsonify({"error": "Missing 'mode' parameter"}), 400
        if mode not in ("local", "pc_offload"):
            return jsonify({"error": "Invalid mode. Must be 'local' or 'pc_offload'"}), 400
        # `changed` is an object, as in the robot's code. Its documents promise true or false.
        changed = robot.file.set_ai_mode(mode)
        return jsonify({**robot.file.ai_mode(), "changed": changed}), 200


def _add_control_calls(app: Flask, robot: ApiContext) -> None:
    @app.post("/api/control")
    def control() -> Reply:
        body = request.get_json(silent=True) or {}
        if not isinstance(body, dict):
            return jsonify({"ok": False, "error": "proxy_control_failed: no object"}), 502
        try:
            command = read_command(body, robot.safe_max_duration_s)
        except CommandRefused as error:
            return jsonify({"ok": False, "error": str(error)}), 400
        if not robot.motion_bridge_up():
            return jsonify({"ok": False, "error": f"proxy_{command.name}_failed: Connection refused"}), 502
        # The robot's web program stamps the command and publishes it in one frame, for the motion bridge.
        robot.send(command.topic, {**command.body, "ts": robot.clock()}, "single")
        return jsonify({"ok": True, **command.echo}), 200

    @app.get("/api/control/state")
    def control_state() -> Reply:
        navigator = {
            "active": robot.navigator.alive,
            "state": "exploring" if robot.navigator.alive else None,
            "strategy": "STOP",
            "obstacle_present": robot.navigator.obstacle_present,
            "ts": robot.clock(),
        }
        nothing = {"enabled": None, "ts": None}
        return jsonify(
            {"ok": True, "balance": nothing, "tracking": {"mode": None, **nothing}, "navigator": navigator}
        ), 200


def _add_views(app: Flask, robot: ApiContext) -> None:
    started = time.monotonic()

    @app.get("/healthz")
    def healthz() -> Reply:
        uptime_s = round(time.monotonic() - started, 1)
        return jsonify({"ok": True, "status": "ok", "uptime_s": uptime_s, "simulated": True}), 200

    @app.get("/state")
    def whole_state() -> Reply:
        now = robot.clock()
        camera = {
            "vision_enabled": True,
            "has_last_frame": True,
            "last_frame_ts": int(now),
            "preview_url": f"/camera/last?t={int(now)}",
        }
        return (
            jsonify(
                {
                    "present": False,
                    "confidence": 0.0,
                    "mode": "simulated",
                    "ts": now,
                    "age_s": 0.0,
                    "camera": camera,
                    "devices": {"xgo": robot.telemetry.xgo()},
                    "simulated": True,
                }
            ),
            200,
        )

    @app.get("/sysinfo")
    def sysinfo() -> Reply:
        """The simulated robot has no board, so the figures are null."""
        battery = int(robot.telemetry.xgo()["battery_pct"])
        load = dict.fromkeys(("cpu_pct", "load1", "mem_pct", "disk_pct", "temp_c"))
        system = {"os_release": "simulated Rider-Pi", "battery_pct": battery, "ts": robot.clock(), "simulated": True}
        return jsonify({**load, **system}), 200

    @app.get("/camera/last")
    def camera_last() -> Response:
        return Response(robot.camera.picture.jpeg, mimetype="image/jpeg", headers={"Cache-Control": "no-store"})


def _add_simulator_calls(app: Flask, robot: ApiContext) -> None:
    @app.post(RESTART_VOICE_PATH)
    def restart_voice() -> Reply:
        robot.restart_voice()
        return jsonify({"ok": True, "voice_exit": robot.voice_exit(), "simulated": True}), 200


def _body(*, force: bool = False) -> dict[str, Any]:
    """The request's JSON object; an unreadable body counts as an empty object, as on the robot."""
    body = request.get_json(force=force, silent=True) or {}
    if not isinstance(body, dict):
        # The robot's code fails here, because a list has no keys.
        abort(500)
    return body


def _text(body: dict[str, Any], key: str) -> str:
    value = body.get(key) or ""
    if not isinstance(value, str):
        abort(500)
    return value.strip()
