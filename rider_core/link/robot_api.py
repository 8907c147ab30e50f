"""Calls to the robot's HTTP interface, each with a limit for its whole duration."""

from __future__ import annotations

import asyncio
import concurrent.futures
import json
import threading
from typing import Any, Literal

import httpx

from rider_core.api.messages import check_json_parts, parse_message
from rider_core.api.steering import DOMAINS
from rider_core.errors import InvalidInput, RobotError, TooLarge
from rider_core.link.messages import DomainState
from rider_core.metrics import ROBOT_CALL_SECONDS, ROBOT_CALLS
from rider_core.timing import Stopwatch

#: Limit for connecting and for each single send and receive, in seconds. The robot is on the same network.
PAUSE_LIMIT_S = 2.0
#: Limit for a whole call, in seconds. A robot that sends one byte now and then never reaches the other limit.
CALL_LIMIT_S = 3.0
#: The largest regular answer (`/api/providers/state`) has some hundred bytes.
MAX_ANSWER_BYTES = 64 * 1024
#: The event loop's thread hangs where it is later than this, in seconds.
_LOOP_LIMIT_S = 1.0

Mode = Literal["local", "pc"]


class RobotApi:
    """One robot's HTTP interface. May be used from several threads.

    Each method raises `RobotError` where the robot does not answer within `CALL_LIMIT_S` seconds, or breaks its
    contract. The calls run in an event loop of their own, where a call can be cancelled wherever it hangs.
    """

    def __init__(self, base_url: str) -> None:
        self._client = httpx.AsyncClient(
            base_url=base_url,
            timeout=PAUSE_LIMIT_S,
            follow_redirects=False,
            trust_env=False,
            # The robot speaks plain HTTP, and loading the machine's certificates takes 60 ms of processor time.
            verify=False,
            # An uncompressed answer cannot be a decompression bomb.
            headers={"Accept-Encoding": "identity"},
        )
        self._ended = False
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="robot-api", daemon=True)
        self._thread.start()

    def send_heartbeat(self, base_url: str, status: str, reason: str = "") -> None:
        """Send our address and status. The robot forgets them when its HTTP interface restarts."""
        body = {"base_url": base_url, "status": status, "reason": reason}
        self._call("heartbeat", "POST", "/api/providers/pc-heartbeat", body)

    def domains(self) -> dict[str, DomainState]:
        """The states of the domains that we know, as the robot has them now."""
        states = self._call("state", "GET", "/api/providers/state").get("domains")
        if not isinstance(states, dict):
            raise RobotError(f"the robot's provider state has no domains but {str(states)[:120]!r}")
        return {name: _domain_state(name, states[name]) for name in DOMAINS if name in states}

    def ai_mode(self) -> str:
        """The AI mode, derived by the robot from all domains or set by a person: "local" or "pc_offload"."""
        return str(self._call("ai_mode", "GET", "/api/system/ai-mode").get("mode"))[:32]

    def switch(self, domain: str, target: Mode, reason: str) -> DomainState:
        """Switch a domain to the robot ("local") or to us ("pc").

        Returns:
            The domain's new state.
        """
        body = {"target": target, "reason": reason[:200]}
        return _domain_state(domain, self._call("switch", "PATCH", f"/api/providers/{domain}", body).get("state"))

    def stop_motion(self) -> None:
        """Stop the robot's motion."""
        self._call("stop", "POST", "/api/control", {"cmd": "stop"})

    def close(self) -> None:
        """Cancel the calls in progress, and end the thread. May be called twice."""
        if self._ended:
            return
        self._ended = True
        asyncio.run_coroutine_threadsafe(self._end(), self._loop)
        self._thread.join(timeout=2 * _LOOP_LIMIT_S)
        if not self._thread.is_alive():
            self._loop.close()

    async def _end(self) -> None:
        for call in self._other_tasks():
            call.cancel()
        await asyncio.gather(*self._other_tasks(), return_exceptions=True)
        await self._client.aclose()
        await self._loop.shutdown_asyncgens()
        # An answer not read to its end leaves generators inside each other. Each, once closed, has the next closed by
        # a task of its own, which exists after the loop's next turn.
        await asyncio.sleep(0)
        while tasks := self._other_tasks():
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0)
        self._loop.call_soon(self._loop.stop)

    def _other_tasks(self) -> list[asyncio.Task[Any]]:
        return [task for task in asyncio.all_tasks(self._loop) if task is not asyncio.current_task()]

    def _call(self, name: str, method: str, path: str, body: dict[str, Any] | None = None) -> dict[str, Any]:
        watch = Stopwatch.start()
        try:
            answer = _object(self._content(method, path, body), f"{method} {path}")
        except RobotError:
            ROBOT_CALLS.labels(name, "failed").inc()
            raise
        ROBOT_CALL_SECONDS.labels(name).observe(watch.elapsed_s)
        ROBOT_CALLS.labels(name, "ok").inc()
        return answer

    def _content(self, method: str, path: str, body: dict[str, Any] | None) -> bytes:
        if self._ended:
            raise RobotError(f"{method} {path}: the link has ended")
        call = asyncio.wait_for(self._request(method, path, body), CALL_LIMIT_S)
        future = asyncio.run_coroutine_threadsafe(call, self._loop)
        try:
            return future.result(CALL_LIMIT_S + _LOOP_LIMIT_S)
        except httpx.HTTPError as error:
            raise RobotError(f"{method} {path}: {type(error).__name__}: {error}") from error
        except (asyncio.TimeoutError, concurrent.futures.TimeoutError):  # the same class from Python 3.11 on
            future.cancel()
            raise RobotError(f"{method} {path}: no whole answer within {CALL_LIMIT_S:g} s") from None
        except concurrent.futures.CancelledError:
            raise RobotError(f"{method} {path}: the link ends") from None

    async def _request(self, method: str, path: str, body: dict[str, Any] | None) -> bytes:
        async with self._client.stream(method, path, json=body) as response:
            encoding = response.headers.get("Content-Encoding", "identity")
            if encoding != "identity":
                raise RobotError(f"{method} {path}: the answer is encoded as {encoding[:20]!r} against our request")
            content = b""
            async for part in response.aiter_raw():
                content += part
                if len(content) > MAX_ANSWER_BYTES:
                    raise RobotError(f"{method} {path}: the answer is longer than {MAX_ANSWER_BYTES} bytes")
            if response.status_code != 200:
                text = content[:120].decode(errors="replace")
                raise RobotError(f"{method} {path}: {response.status_code} {text!r}")
            return content


def _object(content: bytes, call: str) -> dict[str, Any]:
    try:
        check_json_parts(content)
        answer = json.loads(content)
    except (TooLarge, ValueError, RecursionError):
        raise RobotError(f"{call}: the answer is not JSON") from None
    if not isinstance(answer, dict):
        raise RobotError(f"{call}: the answer is not an object")
    return answer


def _domain_state(name: str, state: object) -> DomainState:
    if not isinstance(state, dict):
        raise RobotError(f"the robot's state of {name} is {str(state)[:120]!r}, not an object")
    try:
        return parse_message(DomainState, {**state, "domain": name})
    except InvalidInput as error:
        raise RobotError(f"the robot's state of {name} is malformed: {error.message}") from None
