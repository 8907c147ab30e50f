"""The faults of the fake server: responses that no real Ollama server sends."""

from __future__ import annotations

import json
import socket
import struct
from collections.abc import Callable
from typing import Any

from fake_ollama_responses import Responses, piece_line

#: Ends an endless response where the client has no limit.
_MOST_BYTES = 256 * 1024**2
_BODY = {"model": "stand-in"}


class Faults(Responses):
    """The faults. A fault's name is that of a method, or an HTTP status."""

    server: Any

    def fail(self, fault: str) -> None:
        """Answer with this fault."""
        if fault.isdigit():
            self.object({"error": f"the stand-in was told to fail with {fault}"}, int(fault))
            return
        instead: Callable[[], None] | None = getattr(self, f"instead_{fault}", None)
        if instead is not None:
            instead()
            return
        self.begin_stream()
        getattr(self, f"within_{fault}")()
        self.end_stream()

    # Instead of a stream

    def instead_html(self) -> None:
        self.send(200, b"<html><b>this is a stand-in</b></html>", "text/html")

    def instead_huge_error(self) -> None:
        self.send(500, b"the stand-in goes on " * 1_000_000, "text/plain")

    def instead_redirect(self) -> None:
        self.send(302, b"", "text/plain", Location=f"{self.server.url}/elsewhere/api/chat")

    def instead_gzip(self) -> None:
        self.send(200, b"\x1f\x8b\x08\x00", "application/x-ndjson", Content_Encoding="gzip")

    def instead_no_head(self) -> None:
        self.server.released.wait(30)
        self.close_connection = True

    def instead_dripping_head(self) -> None:
        self.wfile.write(b"HTTP/1.1 200 OK\r\nX-Stand-In: ")
        self._drip(b"x")

    # In a stream

    def within_malformed(self) -> None:
        self._chunk_after_a_piece(b'{"model": "stand-in", "message": {{{\n')

    def within_list(self) -> None:
        self._chunk_after_a_piece(b'["stand-in"]\n')

    def within_deep(self) -> None:
        self._chunk_after_a_piece(b"[" * 100_000 + b"\n")

    def within_digits(self) -> None:
        self._chunk_after_a_piece(
            b'{"done": true, "message": {"role": "assistant"}, "eval_count": ' + b"9" * 5000 + b"}\n"
        )

    def within_other_types(self) -> None:
        self._chunk_after_a_piece(b'{"done": "perhaps", "message": 5, "eval_count": NaN}\n')

    def within_empty_object(self) -> None:
        self._chunk_after_a_piece(b"{}\n")

    def within_error_line(self) -> None:
        self._chunk_after_a_piece(b'{"error": "an error was encountered while running the stand-in\\u001b[2J"}\n')

    def within_error_object(self) -> None:
        self._chunk_after_a_piece(b'{"error": {"code": 7}}\n')

    def within_no_end(self) -> None:
        self._chunk_after_a_piece(b"\n")

    def within_half_line(self) -> None:
        self._chunk_after_a_piece(b'{"model": "stand-in", "mess')

    def within_half_way(self) -> None:
        self._chunk_after_a_piece(b'{"model": "stand-in", "mess')
        self._hang_up()

    def within_reset(self) -> None:
        # With a linger time of 0 the other side gets a RST instead of a FIN.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._hang_up()

    def within_silence(self) -> None:
        self.piece(_BODY, {"content": "A stand-in"})
        self.server.released.wait(30)
        self._hang_up()

    def within_drip(self) -> None:
        self.piece(_BODY, {"content": "A stand-in"})
        self._drip(b"1\r\n \r\n")

    def within_split(self) -> None:
        """Every byte in a chunk of its own, so that characters are split."""
        message = {"role": "assistant", "content": "A stand-in: żółw 🐢"}
        for byte in json.dumps({"message": message, "done": False}, ensure_ascii=False).encode() + b"\n":
            self.chunk(bytes([byte]))
        self._done()

    def within_line_ends(self) -> None:
        """Characters that end a line for Python, raw in a JSON string, as JSON allows; and empty lines."""
        message = {"role": "assistant", "content": "\x85\u2028\u2029"}
        line = json.dumps({"message": message, "done": False}, ensure_ascii=False)
        self.chunk(b"\n\r\n" + line.encode() + b"\n\n")
        self._done()

    def within_huge_line(self) -> None:
        self.chunk(b'{"message": {"role": "assistant", "content": "')
        self._for_ever(b"stand-in " * 1000)

    def within_endless(self) -> None:
        self._for_ever(piece_line(_BODY, {"role": "assistant", "content": " stand-in"}))

    def within_many_bytes(self) -> None:
        """A megabyte at a time, in lines within the limit, without any text of an answer."""
        self._for_ever(piece_line(_BODY, {"content": "", "role": "assistant", "thinking": " stand-in" * 10_000}) * 11)

    def within_endless_pull(self) -> None:
        """A pull without end."""
        step = {"status": "pulling 57a4d1aa57a4", "digest": "sha256:57a4d1aa57a4d1aa", "total": 4_000_000_000}
        while self.server.sent_bytes < 600 and not self.server.released.wait(0.05):
            self.line({**step, "completed": self.server.sent_bytes})
            self.server.sent_bytes += 1

    def within_only_thinking(self) -> None:
        self.piece(_BODY, {"content": "", "thinking": "Hmm, thinks the stand-in"})
        self._done("length")

    def _chunk_after_a_piece(self, data: bytes) -> None:
        self.piece(_BODY, {"content": "A stand-in"})
        self.chunk(data)

    def _done(self, reason: str = "stop") -> None:
        self.piece(_BODY, {"content": ""}, done=True, done_reason=reason, eval_count=4)

    def _drip(self, data: bytes) -> None:
        """A few bytes every 50 ms, for ten seconds or until the client closes the connection."""
        for _ in range(200):
            if self.server.released.wait(0.05):
                break
            self.wfile.write(data)
        self.close_connection = True

    def _for_ever(self, data: bytes) -> None:
        while self.server.sent_bytes < _MOST_BYTES:
            self.chunk(data)
            self.server.sent_bytes += len(data)

    def _hang_up(self) -> None:
        self.close_connection = True
        raise ConnectionAbortedError("as the fault wants it")
