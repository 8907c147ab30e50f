"""The fake server's responses: JSON objects, and NDJSON streams in HTTP chunks."""

from __future__ import annotations

import json
from http.server import BaseHTTPRequestHandler
from typing import Any


class Responses(BaseHTTPRequestHandler):
    """Attributes:
    streams: Whether the header of a stream was sent.
    """

    streams = False

    def object(self, answered: Any, status: int = 200) -> None:
        self.send(status, json.dumps(answered).encode(), "application/json; charset=utf-8")

    def send(self, status: int, body: bytes, content_type: str, **headers: str) -> None:
        self.send_response(status)
        self.send_header("Content-Type", content_type)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers.items():
            self.send_header(name.replace("_", "-"), value)
        self.end_headers()
        self.wfile.write(body)

    def begin_stream(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        self.streams = True

    def piece(self, body: Any, message: dict[str, str], **more: Any) -> None:
        """A piece of an answer."""
        self.chunk(piece_line(body, {"role": "assistant", **message}, **more))

    def line(self, value: Any) -> None:
        self.chunk(json.dumps(value).encode() + b"\n")

    def chunk(self, data: bytes) -> None:
        self.wfile.write(b"%x\r\n%s\r\n" % (len(data), data))

    def end_stream(self) -> None:
        self.wfile.write(b"0\r\n\r\n")


def piece_line(body: Any, message: dict[str, str], **more: Any) -> bytes:
    piece = {"model": body["model"], "created_at": "2026-08-04T08:52:19.385406Z", "message": message, "done": False}
    return json.dumps({**piece, **more}).encode() + b"\n"
