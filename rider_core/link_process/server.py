"""The HTTP server for the robot: threads and limits, so that no client can take all of them from the others."""

from __future__ import annotations

from flask import Flask

from rider_core.link_process.text_endpoint import MAX_TEXTS
from rider_core.runtime.http_server import HttpServer

#: One for each text, and four that no text can occupy; a probe needs one for a millisecond.
THREADS = MAX_TEXTS + 4
#: The longest prompt with its options.
MAX_REQUEST_BYTES = 256 * 1024
#: Open connections at once, half-sent requests included; and the longest time without data on one, in seconds.
MAX_CONNECTIONS, SILENCE_S = 1_000, 10


def create_server(app: Flask, host: str, port: int) -> HttpServer:
    """The server. It listens at once, and answers from `start()` until `stop()`.

    Raises:
        OSError: the port is taken, or the address is not ours.
    """
    return HttpServer(
        app,
        host,
        port,
        "rider-pc",
        threads=THREADS,
        max_request_body_size=MAX_REQUEST_BYTES,
        connection_limit=MAX_CONNECTIONS,
        channel_timeout=SILENCE_S,
        cleanup_interval=SILENCE_S // 2,
        # Detects that a client has hung up.
        channel_request_lookahead=1,
        # select() cannot watch more than 1024 files.
        asyncore_use_poll=True,
    )
