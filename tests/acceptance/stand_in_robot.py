"""A stand-in for the robot, as far as voice needs it: broker, HTTP interface, microphone and loudspeaker.

It shares no code with the link.
"""

from __future__ import annotations

import base64
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import zmq

from rider_core.testing.waiting import let_pass

RATE = 16_000
CHUNK_S = 0.02
CHUNK_BYTES = 640
REQUEST, RESULT = "voice.asr.request", "voice.asr.result"
#: `str.strip`, by which the robot decides, keeps it.
INVISIBLE = "\N{ZERO WIDTH SPACE}"
TTS_REQUEST, TTS_CHUNK = "voice.tts.request", "voice.tts.chunk"


class Api:
    """The robot's HTTP interface: heartbeats in, state out, domains switched by PATCH."""

    def __init__(self, host: str, port: int) -> None:
        self.lock = threading.Lock()
        self.pc_url = ""
        self.heartbeats = 0
        state = {"mode": "pc", "status": "pc_pending", "changed_ts": time.time(), "reason": "acceptance"}
        self.domains: dict[str, dict[str, Any]] = {
            "voice": state,
            "vision": {**state, "mode": "local", "status": "local_only"},
            "text": {**state, "mode": "local", "status": "local_only"},
        }
        self.patches: list[str] = []
        self._server = ThreadingHTTPServer((host, port), _handler(self))
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()

    def voice_mode(self) -> str:
        with self.lock:
            return str(self.domains["voice"]["mode"])

    def answer(self, method: str, path: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        with self.lock:
            health = {
                "reachable": self.heartbeats > 0,
                "status": "online",
                "latency_ms": None,
                "updated_ts": time.time(),
                "reason": "heartbeat",
            }
            if (method, path) == ("POST", "/api/providers/pc-heartbeat"):
                if not body.get("base_url"):
                    return 400, {"error": "base_url is required"}
                self.pc_url, self.heartbeats = str(body["base_url"]), self.heartbeats + 1
                return 200, {"ok": True, "base_url": self.pc_url}
            if (method, path) == ("GET", "/api/providers/state"):
                return 200, {"domains": self.domains, "pc_base_url": self.pc_url, "pc_health": health}
            if (method, path) == ("GET", "/api/providers/health"):
                return 200, {"pc_health": health}
            if (method, path) == ("GET", "/api/system/ai-mode"):
                return 200, {"mode": "pc_offload", "changed_ts": 0.0}
            if method == "GET" and path in ("/healthz", "/state", "/sysinfo"):
                return 200, {"ok": True, "ts": time.time()}
            domain = path.removeprefix("/api/providers/")
            if method == "PATCH" and domain in self.domains:
                return self._patch(domain, body)
        return 404, {"error": "not found"}

    def _patch(self, domain: str, body: dict[str, Any]) -> tuple[int, dict[str, Any]]:
        target, state = body.get("target"), self.domains[domain]
        if target not in ("local", "pc"):
            return 400, {"error": "target must be 'local' or 'pc'"}
        changed = state["mode"] != target
        if changed:
            status = "pc_pending" if target == "pc" else "local_only"
            state.update(mode=target, status=status, changed_ts=time.time(), reason=body.get("reason") or "manual")
            self.patches.append(f"{domain} to {target}: {state['reason']}")
        return 200, {"domain": domain, "state": dict(state), "changed": changed}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)


def _handler(api: Api) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        timeout = 10

        def _reply(self) -> None:
            length = min(int(self.headers.get("Content-Length") or 0), 1_000_000)
            try:
                body = json.loads(self.rfile.read(length) or b"{}")
            except ValueError:
                body = {}
            path = self.path.partition("?")[0]
            status, answer = api.answer(self.command, path, body if isinstance(body, dict) else {})
            data = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_PATCH = do_PUT = _reply  # noqa: N815  (the names are http.server's)

        def log_message(self, *_: object) -> None:
            """Nothing: the table is the output."""

    return Handler


class Broker:
    """XSUB and XPUB, as on the robot. Ends when its context is terminated."""

    def __init__(self, host: str, publish_port: int, subscribe_port: int) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        ends = self._context.socket(zmq.XSUB), self._context.socket(zmq.XPUB)
        self.urls = []
        for end, port in zip(ends, (publish_port, subscribe_port), strict=True):
            end.linger = 0
            number = end.bind_to_random_port(f"tcp://{host}") if port == 0 else port
            if port:
                end.bind(f"tcp://{host}:{port}")
            self.urls.append(f"tcp://{host}:{number}")
        self._thread = threading.Thread(target=self._run, args=ends, daemon=True)
        self._thread.start()

    @staticmethod
    def _run(incoming: zmq.Socket[bytes], outgoing: zmq.Socket[bytes]) -> None:
        try:
            zmq.proxy(incoming, outgoing)
        except zmq.ContextTerminated:
            incoming.close(0)
            outgoing.close(0)

    def close(self) -> None:
        self._context.term()
        self._thread.join(5)


@dataclass
class Message:
    """A message from the PC; `at` is on the monotonic clock."""

    at: float
    topic: str
    body: dict[str, Any]


@dataclass
class Robot:
    """Microphone and loudspeaker. One thread, both sockets."""

    broker_urls: Sequence[str]
    received: list[Message] = field(default_factory=list)
    refused: int = 0

    def __post_init__(self) -> None:
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        # An XPUB publishes like a PUB, and besides it sees who subscribes: the broker passes that on.
        self._publisher = self._context.socket(zmq.XPUB)
        self._subscriber = self._context.socket(zmq.SUB)
        for end in (self._publisher, self._subscriber):
            end.linger = 0
        for topic in (RESULT, TTS_CHUNK):
            self._subscriber.subscribe(topic)
        self._publisher.connect(self.broker_urls[0])
        self._subscriber.connect(self.broker_urls[1])
        self._subscriptions: set[bytes] = set()

    def close(self) -> None:
        self._context.destroy(linger=0)

    def has_subscriber(self, topic: str) -> bool:
        """Whether `topic` has a subscriber."""
        while self._publisher.poll(0):
            change = self._publisher.recv()
            (self._subscriptions.add if change[:1] == b"\x01" else self._subscriptions.discard)(change[1:])
        return any(topic.encode().startswith(prefix) for prefix in self._subscriptions)

    def send(self, topic: str, body: dict[str, Any]) -> float:
        self._publisher.send_multipart([topic.encode(), json.dumps(body, ensure_ascii=False).encode()])
        return time.monotonic()

    def stream(self, pcm: bytes, until: Callable[[], bool] = lambda: False) -> float:
        """Send `pcm` in real time, receive meanwhile, and return the time (monotonic) of its beginning.

        A chunk is sent at the time of its last sample, so position p of the sound is at begin + p.
        """
        begin = time.monotonic()
        for number, start in enumerate(range(0, len(pcm), CHUNK_BYTES), 1):
            self._take_in(begin + number * CHUNK_S)
            piece = pcm[start : start + CHUNK_BYTES].ljust(CHUNK_BYTES, b"\0")
            chunk = base64.b64encode(piece).decode()
            self.send(REQUEST, {"ts": time.time(), "rate": RATE, "len": len(piece), "chunk_pcm": chunk})
            if until():
                break
        return begin

    def _take_in(self, until: float) -> None:
        while True:
            left_ms = (until - time.monotonic()) * 1000
            if not self._subscriber.poll(max(0, int(left_ms))):
                # poll counts in whole milliseconds; this waits for the rest.
                let_pass(max(0.0, until - time.monotonic()), "the sound of this piece")
                return
            frames = self._subscriber.recv_multipart()
            now = time.monotonic()
            try:
                body = json.loads(frames[1])
            except (ValueError, IndexError):
                body = None
            if isinstance(body, dict):
                self.received.append(Message(now, frames[0].decode("utf-8", "replace"), body))
            else:
                self.refused += 1
            if now >= until:
                return

    def texts(self) -> list[Message]:
        """The results with a visible text, without keepalives."""
        results = (message for message in self.received if message.topic == RESULT)
        return [message for message in results if str(message.body.get("text") or "").replace(INVISIBLE, "").strip()]
