"""mediapipe's usage statistics do not leave the machine.

The library connects to a fake server through a proxy. Its certificate is trusted by default, because the test replaces
the list of trusted certificates.
"""

from __future__ import annotations

import os
import shutil
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from mediapipe_harness import missing, model, picture

HOST = "play.googleapis.com"
PROGRAM = """
import sys
from pathlib import Path
import certifi
certifi.where = lambda: sys.argv[3]
from rider_core.api import Frame, ProviderContext
from rider_vision_mediapipe.provider import MediapipeConfig, MediapipeDetector
config = MediapipeConfig(usage_statistics=sys.argv[4] == "on")
provider = MediapipeDetector(config, ProviderContext(model_path=lambda name: Path(sys.argv[1])))
provider.open()
print(provider.detect(Frame(Path(sys.argv[2]).read_bytes())).objects[0].label)
provider.close()
"""


class FakeGoogle:
    """A proxy that answers for every host over TLS, and keeps what it receives."""

    def __init__(self, certificate: Path, key: Path) -> None:
        self.received = b""
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(certificate, key)
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._socket.getsockname()[1]}"
        self._thread = threading.Thread(target=self._serve)
        self._thread.start()

    def close(self) -> None:
        """`received` is complete afterwards. May be called again."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)  # a thread in accept() is not woken by close() alone
        self._thread.join()
        self._socket.close()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                connection, _ = self._socket.accept()
                with connection, suppress(OSError):
                    self._answer(connection)

    def _answer(self, connection: socket.socket) -> None:
        connection.settimeout(5)
        connection.recv(4096)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        with self._context.wrap_socket(connection, server_side=True) as private:
            self.received += private.recv(65_536)
            private.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    if not shutil.which("openssl"):
        missing("the program openssl is missing")
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", f"/CN={HOST}"]
    make += ["-addext", f"subjectAltName=DNS:{HOST}", "-keyout", "key.pem", "-out", "certificate.pem"]
    subprocess.run(make, cwd=tmp_path, check=True, capture_output=True)
    return tmp_path / "certificate.pem"


@pytest.fixture
def google(certificate: Path) -> Iterator[FakeGoogle]:
    server = FakeGoogle(certificate, certificate.with_name("key.pem"))
    yield server
    server.close()


def detect_in_a_process(
    google: FakeGoogle, certificate: Path, usage_statistics: str
) -> subprocess.CompletedProcess[str]:
    photograph = certificate.with_name("cat.jpg")
    photograph.write_bytes(picture("chelsea.jpg"))
    arguments = [str(model("ssd-oidv4")), str(photograph), str(certificate), usage_statistics]
    return subprocess.run(
        [sys.executable, "-c", PROGRAM, *arguments],
        env={**os.environ, "https_proxy": google.url, "no_proxy": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_nothing_is_reported(google: FakeGoogle, certificate: Path) -> None:
    run = detect_in_a_process(google, certificate, "off")
    google.close()
    assert (run.returncode, run.stdout) == (0, "Cat\n"), run.stderr
    assert google.received == b""


def test_what_is_reported_when_allowed(google: FakeGoogle, certificate: Path) -> None:
    """Shows that the other test can fail."""
    run = detect_in_a_process(google, certificate, "on")
    google.close()
    assert (run.returncode, run.stdout) == (0, "Cat\n"), run.stderr
    assert google.received.startswith(b"POST /log")
    assert len(google.received) < 2_000, "more than a few figures"
