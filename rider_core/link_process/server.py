"""The HTTP server for the robot: threads, limits, and nothing that one asker could take from the others."""

from __future__ import annotations

from flask import Flask

from rider_core.link_process.text_endpoint import MAX_TEXTS
from rider_core.runtime.http_server import HttpServer

#: As many as texts are written at once, and some that no text can hold: a probe takes one for a millisecond.
THREADS = MAX_TEXTS + 4
#: A prompt of the largest allowed size with its options.
MAX_REQUEST_BYTES = 256 * 1024
#: Connections that are open at once, half-sent requests among them; and for how long one may say nothing.
MAX_CONNECTIONS, SILENCE_S = 1_000, 10


def create_server(app: Flask, host: str, port: int) -> HttpServer:
    """It listens already, and answers from `start()` until `stop()`.

    Raises:
        OSError: the port is taken, or the address is none of ours.
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
        # So that it is seen when an asker hangs up.
        channel_request_lookahead=1,
        # select() cannot watch more than 1024 files.
        asyncore_use_poll=True,
    )
