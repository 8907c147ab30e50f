"""A private PostgreSQL server on a free port of 127.0.0.1, with a new database for each test."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import psycopg
import pytest

from rider_core.testing.ports import free_port
from rider_core.testing.waiting import wait_until

#: Debian keeps the programs of each version in a folder of its own; the newest is used.
PROGRAMS = max(Path("/usr/lib/postgresql").glob("*/bin"), key=lambda it: float(it.parent.name), default=None)
NEEDED = pytest.mark.skipif(PROGRAMS is None, reason="PostgreSQL is missing: apt-get install postgresql")
#: PostgreSQL does not run as root; the package brings this user.
_USER = "postgres"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    # The data need not survive a crash of the machine.
    "fsync": "off",
    "full_page_writes": "off",
    "autovacuum": "off",
}


class PostgresServer:
    """Accepts any user from this machine. The data folder lies outside pytest's, which only one user can read."""

    def __init__(self) -> None:
        assert PROGRAMS is not None
        self._folder = Path(tempfile.mkdtemp(prefix="rider-pg"))
        self._as: dict[str, Any] = {"user": _USER, "group": _USER, "extra_groups": []} if os.geteuid() == 0 else {}
        if self._as:
            shutil.chown(self._folder, _USER, _USER)
        port, self._count = free_port(), 0
        self._url = f"postgresql://{_USER}@127.0.0.1:{port}"
        data = self._folder / "data"
        initdb = [PROGRAMS / "initdb", "-D", data, "-U", _USER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"]
        subprocess.run(initdb, cwd=self._folder, check=True, capture_output=True, **self._as)
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        self._server = subprocess.Popen(
            [PROGRAMS / "postgres", "-D", data, "-p", str(port), *settings],
            cwd=self._folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            **self._as,
        )
        wait_until(self._answers, what="the start of PostgreSQL")

    def new_database(self) -> str:
        """The URL of an empty database."""
        self._count += 1
        name = f"t{self._count}"
        with self._connected() as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"{self._url}/{name}"

    def stop(self) -> None:
        """Stop the server immediately (SIGQUIT), without waiting for open connections."""
        self._server.send_signal(signal.SIGQUIT)
        self._server.wait(30)
        shutil.rmtree(self._folder, ignore_errors=True)

    def _connected(self) -> psycopg.Connection:
        return psycopg.connect(f"{self._url}/postgres", autocommit=True, connect_timeout=5)

    def _answers(self) -> bool:
        assert self._server.poll() is None, "PostgreSQL did not start"
        with suppress(psycopg.OperationalError), self._connected():
            return True
        return False


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    server = PostgresServer()
    yield server
    server.stop()
