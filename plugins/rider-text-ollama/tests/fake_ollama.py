"""A fake Ollama server: the documented API without a model.

After `docs/api.md`, `docs/openapi.yaml` and `docs/capabilities/thinking.mdx` of Ollama's repository. All its
texts and names contain "stand-in", so that tests see where a text comes from. An answer's words are drawn at random,
seeded by the conversation, the options and the seed: the same request gets the same answer where it would from
Ollama.

Its faults are enabled by name, `server.fault = "..."`: see `fake_ollama_faults`.
"""

from __future__ import annotations

import hashlib
import json
import random
import threading
from collections.abc import Iterator
from http.server import ThreadingHTTPServer
from typing import Any

from fake_ollama_faults import Faults

VERSION = "0.0.0-stand-in"
TALKER, THINKER, EMBEDDER, RAW = "stand-in:latest", "stand-in-thinks:1b", "stand-in-embed:latest", "stand-in-raw:1b"
#: Models that can be pulled.
LIBRARY = ("stand-in-new:1b",)

_WORDS = (
    "north", "river", "lamp", "seven", "quiet", "engine", "apple", "window", "silver", "stone", "paper", "cloud",
    "robot", "garden", "yellow", "bridge", "music", "corner", "little", "train", "ocean", "pencil", "forest", "winter",
)  # fmt: skip
_BEGINNING = ("A", " stand-in", " says:")
_MAX_WORDS = 60


class FakeOllama(ThreadingHTTPServer):
    """The server, on a port of this machine (0: a free one), until `close`.

    Attributes:
        fault: The fault of the next requests; None: none.
        requests: (method, path, body, headers) of all requests.
        aborted: How many responses the client closed early.
    """

    daemon_threads = True

    def __init__(self, port: int = 0) -> None:
        super().__init__(("127.0.0.1", port), _Handler)
        self.fault: str | None = None
        self.fault_path = "/api/chat"
        self.requests: list[tuple[str, str, Any, dict[str, str]]] = []
        self.aborted = 0
        self.sent_bytes = 0
        self.released = threading.Event()
        self.version = 0  # of every model that is listed
        self.models = [TALKER, THINKER, EMBEDDER, RAW]
        self.url = f"http://127.0.0.1:{self.server_port}"
        self._thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self.released.set()
        self.shutdown()
        self.server_close()
        self._thread.join(5)

    def mend(self) -> None:
        """Disable the fault, and release the requests that wait in it."""
        self.fault, self.fault_path = None, "/api/chat"
        self.released.set()
        self.released = threading.Event()
        self.requests.clear()
        self.aborted = self.sent_bytes = 0
        self.models = [TALKER, THINKER, EMBEDDER, RAW]

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Closed connections are counted, not printed."""

    def last(self, path: str) -> Any:
        """The body of the last request to `path`."""
        return next(body for _, requested, body, _ in reversed(self.requests) if requested == path)


class _Handler(Faults):
    protocol_version = "HTTP/1.1"
    server: FakeOllama

    def log_message(self, format: str, *arguments: Any) -> None:
        pass

    def do_GET(self) -> None:  # noqa: N802
        self._answer({"/api/tags": self._tags, "/api/ps": self._ps, "/api/version": self._version})

    def do_POST(self) -> None:  # noqa: N802
        self._answer({"/api/chat": self._chat, "/api/show": self._show, "/api/pull": self._pull})

    def do_DELETE(self) -> None:  # noqa: N802
        self._answer({"/api/delete": self._delete})

    def _answer(self, routes: dict[str, Any]) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = json.loads(self.rfile.read(length)) if length else None
        self.server.requests.append((self.command, self.path, body, dict(self.headers)))
        route = routes.get(self.path)
        released = self.server.released  # replaced by `mend`
        try:
            if self.server.fault and self.path == self.server.fault_path:
                self.fail(self.server.fault)
            elif route is None:
                self.object({"error": "404 page not found, says the stand-in"}, 404)
            else:
                route(body)
        except OSError:
            if self.server.released is released:  # otherwise the request is of an earlier test
                self.server.aborted += 1
            self.close_connection = True

    # Ollama's routes

    def _version(self, body: None) -> None:
        self.object({"version": VERSION})

    def _tags(self, body: None) -> None:
        self.object({"models": [_listed(name, self.server.version) for name in self.server.models]})

    def _ps(self, body: None) -> None:
        loaded = {**_listed(TALKER), "expires_at": "2026-06-04T14:38:31.83753-07:00", "size_vram": 500_000_000}
        self.object({"models": [loaded] if TALKER in self.server.models else []})

    def _show(self, body: dict[str, Any]) -> None:
        name = self._known(body["model"])
        if name is None:
            return
        can = ["embedding"] if name == EMBEDDER else ["completion", *(["thinking"] if name == THINKER else [])]
        self.object(
            {
                "modelfile": "# a stand-in",
                "license": "MIT\nof a stand-in",
                "template": "{{ .Prompt }}",
                "details": _listed(name)["details"],
                "model_info": {"general.architecture": "standin", "standin.context_length": 4096},
                "capabilities": can,
            }
        )

    def _delete(self, body: dict[str, Any]) -> None:
        name = self._known(body["model"])
        if name is not None:
            self.server.models.remove(name)
            self.send(200, b"", "text/plain")

    def _pull(self, body: dict[str, Any]) -> None:
        self.begin_stream()
        self.line({"status": "pulling manifest"})
        if body["model"] in LIBRARY:
            self._fetch(body["model"])
        else:
            self.line({"error": "pull model manifest: file does not exist"})
        self.end_stream()

    def _fetch(self, name: str) -> None:
        for digest, total in (("sha256:57a4d1aa57a4d1aa", 4000), ("sha256:1111aaaa1111aaaa", 50)):
            step = {"status": f"pulling {digest[7:19]}", "digest": digest, "total": total}
            self.line(step)
            for done in (total // 2, total):
                self.line({**step, "completed": done})
        for status in ("verifying sha256 digest", "writing manifest", "success"):
            self.line({"status": status})
        self.server.models.insert(0, name)

    def _chat(self, body: dict[str, Any]) -> None:
        name = self._known(body["model"])
        if name == EMBEDDER:
            self.object({"error": f'"{body["model"]}" does not support chat'}, 400)
        elif body.get("think") and name != THINKER:
            self.object({"error": f'"{body["model"]}" does not support thinking'}, 400)
        elif body.get("tools") and name == RAW:
            self.object({"error": f"registry.ollama.ai/library/{name} does not support tools"}, 400)
        elif name is not None:
            assert body.get("stream", True), "the client requests streams only"
            self._talk(name, body)

    def _talk(self, name: str, body: dict[str, Any]) -> None:
        self.begin_stream()
        call = called(body)
        if call is not None:
            self.piece(body, {"content": "", "tool_calls": [{"function": call}]})
            self.piece(body, {"content": ""}, **_ending(body, "stop", 12))
            self.end_stream()
            return
        tokens, reason = answer(body)
        ending = _ending(body, reason, len(tokens))
        # Like gpt-oss in the real server, which ignores `think: false` and sends its thinking in a field of its own.
        for thought in ("Hmm,", " the stand-in thinks.") if name == THINKER else ():
            self.piece(body, {"content": "", "thinking": thought})
        if name == RAW:
            tokens = ["<th", "ink>", "Hmm, the stand-in <b>thinks</b>.", "</thi", "nk>", "\n\n", *tokens]
        for token in tokens:
            self.piece(body, {"content": token})
        self.piece(body, {"content": ""}, **ending)
        self.end_stream()

    def _known(self, name: str) -> str | None:
        """The model's full name; None, with an error response sent, where there is none."""
        full = name if ":" in name else f"{name}:latest"
        if full in self.server.models:
            return full
        self.object({"error": f"model '{name}' not found"}, 404)
        return None


def _listed(name: str, version: int = 0) -> dict[str, Any]:
    family = "standin-bert" if name == EMBEDDER else "standin"
    return {
        "name": name,
        "model": name,
        "modified_at": "2026-05-04T14:56:49.277302595-07:00",
        "size": 1_000_000_000,
        "digest": hashlib.sha256(f"{name} {version}".encode()).hexdigest(),
        "details": {
            "parent_model": "",
            "format": "gguf",
            "family": family,
            "families": [family],
            "parameter_size": "1.0B",
            "quantization_level": "Q4_0",
        },
    }


def _ending(body: dict[str, Any], reason: str, tokens: int) -> dict[str, Any]:
    words = sum(len(message.get("content", "").split()) + 4 for message in body["messages"])
    return {
        "done": True,
        "done_reason": reason,
        "total_duration": 5_000_000,
        "load_duration": 1_000_000,
        "prompt_eval_count": words,
        "prompt_eval_duration": 1_000_000,
        "eval_count": tokens,
        "eval_duration": 3_000_000,
    }


def called(body: dict[str, Any]) -> dict[str, Any] | None:
    """The tool that the last message names after "use", with an argument, where there is one."""
    names = [tool["function"]["name"] for tool in body.get("tools") or []]
    wanted = str(body["messages"][-1]["content"]).partition("use ")[2].split()[:1]
    return {"name": wanted[0], "arguments": {"city": "Kraków"}} if wanted and wanted[0] in names else None


def _instance(schema: Any) -> Any:
    """A value that fits a simple schema."""
    kinds = {"string": "word", "integer": 7, "number": 0.5, "boolean": True, "array": []}
    if not isinstance(schema, dict) or schema.get("type") == "object":
        properties = schema.get("properties", {}) if isinstance(schema, dict) else {}
        return {name: _instance(form) for name, form in properties.items()}
    if "anyOf" in schema:
        return _instance(schema["anyOf"][0])
    return schema["const"] if "const" in schema else kinds[schema["type"]]


def answer(body: dict[str, Any]) -> tuple[list[str], str]:
    """The tokens of an answer and its finish reason, according to the options."""
    if body.get("format"):
        return list(json.dumps(_instance(body["format"]))), "stop"
    options = body.get("options", {})
    limit = options.get("num_predict", -1)
    tokens = list(_BEGINNING)
    reason = "stop"
    for token in _words(body, options):
        tokens.append(token)
    if 0 <= limit < len(tokens):
        tokens, reason = tokens[:limit], "length"
    return _before_stop(tokens, options.get("stop") or [], reason)


def _words(body: dict[str, Any], options: dict[str, Any]) -> Iterator[str]:
    conversation = json.dumps([body["model"], body["messages"]], sort_keys=True)
    temperature = options.get("temperature", 0.8)
    if temperature == 0:
        source = random.Random(conversation)
    elif "seed" in options:
        source = random.Random(f"{conversation} {options['seed']} {temperature} {options.get('top_p')}")
    else:
        source = random.Random()
    for _ in range(source.randint(24, _MAX_WORDS)):
        yield " " + source.choice(_WORDS)
    yield "."


def _before_stop(tokens: list[str], stop: list[str], reason: str) -> tuple[list[str], str]:
    """The tokens before the first stop sequence."""
    whole = "".join(tokens)
    found = [position for text in stop if (position := whole.find(text)) >= 0]
    if not found:
        return tokens, reason
    left, before = min(found), []
    for token in tokens:
        if left <= 0:
            break
        before.append(token[:left])
        left -= len(token)
    return before, "stop"
