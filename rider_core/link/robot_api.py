"""The calls to the robot's HTTP interface."""

from __future__ import annotations

import json
from typing import Any, Literal

import httpx

from rider_core.errors import RobotError
from rider_core.metrics import ROBOT_CALLS

#: The robot answers on the same network; who needs longer is overloaded or gone.
TIMEOUT_S = 2.0
#: The largest answer that we ask for (`/api/providers/state`) has some hundred bytes.
MAX_ANSWER_BYTES = 64 * 1024

Mode = Literal["local", "pc"]


class RobotApi:
    """One robot's HTTP interface. May be used from several threads.

    Every method raises `RobotError` where the robot does not answer, or not as its contract says.
    """

    def __init__(self, base_url: str) -> None:
        # The robot speaks plain HTTP; to read the machine's certificates takes 60 ms of the processor.
        self._client = httpx.Client(
            base_url=base_url, verify=False, timeout=TIMEOUT_S, follow_redirects=False, trust_env=False
        )

    def send_heartbeat(self, base_url: str, status: str, reason: str = "") -> None:
        """Say that we are here, and where. The robot forgets it when its interface restarts."""
        body = {"base_url": base_url, "status": status, "reason": reason}
        self._call("heartbeat", "POST", "/api/providers/pc-heartbeat", body)

    def domains(self) -> dict[str, dict[str, Any]]:
        """Each domain's mode, status and reason as the robot has them now."""
        answer = self._call("state", "GET", "/api/providers/state")
        domains = answer.get("domains")
        if not isinstance(domains, dict) or not all(isinstance(state, dict) for state in domains.values()):
            raise RobotError(f"the robot's provider state has no domains: {str(answer)[:120]}")
        return domains

    def switch(self, domain: str, target: Mode, reason: str) -> dict[str, Any]:
        """Give a domain to the robot ("local") or to us ("pc"); its state afterwards."""
        body = {"target": target, "reason": reason[:200]}
        state = self._call("switch", "PATCH", f"/api/providers/{domain}", body).get("state")
        if not isinstance(state, dict):
            raise RobotError(f"the robot's answer to switching {domain} has no state")
        return state

    def close(self) -> None:
        self._client.close()

    def _call(self, name: str, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        try:
            answer = self._answer(method, path, body)
        except RobotError:
            ROBOT_CALLS.labels(name, "failed").inc()
            raise
        ROBOT_CALLS.labels(name, "ok").inc()
        return answer

    def _answer(self, method: str, path: str, body: dict[str, Any] | None) -> dict[str, Any]:
        try:
            with self._client.stream(method, path, json=body) as response:
                content = b""
                for piece in response.iter_bytes():
                    content += piece
                    if len(content) > MAX_ANSWER_BYTES:
                        raise RobotError(f"{method} {path}: the answer is longer than {MAX_ANSWER_BYTES} bytes")
                if response.status_code != 200:
                    raise RobotError(
                        f"{method} {path}: {response.status_code} {content[:120].decode(errors='replace')}"
                    )
        except httpx.HTTPError as error:
            raise RobotError(f"{method} {path}: {type(error).__name__}: {error}") from error
        try:
            answer = json.loads(content)
        except (ValueError, RecursionError):
            raise RobotError(f"{method} {path}: the answer is not JSON") from None
        if not isinstance(answer, dict):
            raise RobotError(f"{method} {path}: the answer is not an object")
        return answer
