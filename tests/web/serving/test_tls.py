"""HTTPS by the panel itself: in both servers, with a real certificate, and clients that break the handshake."""

from __future__ import annotations

import re
import socket
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
import requests
import socketio
from panel_harness import PanelHarness

from rider_core.testing.processes import Processes
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow


def certificate(processes: Processes, *arguments: str) -> tuple[int, str]:
    process = processes.fork("rider_core.cli.main", "web", "certificate", *arguments, log="certificate")
    return process.wait(30), processes.log("certificate")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Processes, dict[str, str]]]:
    """A certificate and its key, and the processes whose data folder has them."""
    processes = Processes(tmp_path_factory.mktemp("tls"))
    status, output = certificate(processes, "panel.home", "10.1.2.3")
    assert status == 0, output
    yield processes, dict(re.findall(r"^(RIDER_WEB_TLS_(?:CERT|KEY))=(.+)$", output, re.MULTILINE))
    processes.end_all()


@pytest.fixture
def files(made: tuple[Processes, dict[str, str]]) -> dict[str, str]:
    return dict(made[1])


@pytest.fixture
def trusting(files: dict[str, str]) -> ssl.SSLContext:
    """Trusts that certificate, and no other."""
    return ssl.create_default_context(cafile=files["RIDER_WEB_TLS_CERT"])


@pytest.fixture
def https(panel: PanelHarness, files: dict[str, str], trusting: ssl.SSLContext) -> Iterator[httpx.Client]:
    start(panel, **files)
    with httpx.Client(base_url=panel.url, verify=trusting, trust_env=False, timeout=15) as client:
        yield client


def start(panel: PanelHarness, **environment: str) -> None:
    process = panel.processes.start("-m", "rider_core.web", log="panel.log", **environment)

    def started() -> bool:
        assert process.poll() is None, panel.processes.log("panel.log")
        found = re.findall(r"the panel is at (https://\S+?)/ ", panel.processes.log("panel.log"))
        panel.url = found[-1].replace("127.0.0.1", "localhost") if found else ""
        return bool(panel.url)

    wait_until(started, what="the panel's start")


def test_the_page_and_changes_over_https(https: httpx.Client, panel: PanelHarness) -> None:
    assert https.get("/").status_code == 200
    own = {"Origin": panel.url}
    assert https.put("/api/v1/prompts/robot/pl", json={"text": "cześć"}, headers=own).status_code == 200
    plain = {"Origin": panel.url.replace("https", "http")}
    assert https.put("/api/v1/prompts/robot/pl", json={"text": "cześć"}, headers=plain).status_code == 403
    answer = https.post("/api/v1/session", json={"user": "x", "password": "y"}, headers=own)
    assert answer.status_code == 200


def test_live_messages_over_https(https: httpx.Client, panel: PanelHarness, files: dict[str, str]) -> None:
    assert https.get("/health/live").status_code == 200
    for transport in ("polling", "websocket"):
        session = requests.Session()
        session.trust_env, session.verify = False, files["RIDER_WEB_TLS_CERT"]
        client = socketio.Client(reconnection=False, http_session=session)
        messages: list[object] = []
        client.on("news", messages.append, namespace="/live")
        client.connect(panel.url, namespaces=["/live"], transports=[transport])
        client.emit("ready", namespace="/live")
        wait_until(lambda found=messages: found, what=f"a message by {transport}")
        client.disconnect()


def test_the_cookie_stays_on_https(panel: PanelHarness, files: dict[str, str], trusting: ssl.SSLContext) -> None:
    start(panel, RIDER_WEB_PASSWORD="open sesame", **files)
    with httpx.Client(base_url=panel.url, verify=trusting, trust_env=False) as client:
        answer = client.post("/api/v1/session", json={"user": "rider", "password": "open sesame"})
        assert "; Secure" in answer.headers["Set-Cookie"]


def test_clients_that_break_the_handshake_harm_nobody(https: httpx.Client, panel: PanelHarness) -> None:
    port = int(panel.url.rsplit(":", 1)[1])
    hanging = [socket.create_connection(("127.0.0.1", port)) for _ in range(100)]
    for client in hanging[:50]:
        client.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
    for client in hanging[50:75]:
        client.sendall(b"\x16\x03\x01")
    assert https.get("/health/live").elapsed.total_seconds() < 2
    wait_until(lambda: ended(hanging[0]), what="the end of a client without TLS")
    wait_until(lambda: ended(hanging[99]), 30, what="the end of a client that says nothing")
    for client in hanging:
        client.close()
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname, old.verify_mode = False, ssl.CERT_NONE
    with pytest.warns(DeprecationWarning, match="TLSv1_1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    with pytest.raises((ssl.SSLError, ConnectionError)), socket.create_connection(("127.0.0.1", port)) as raw:
        old.wrap_socket(raw)
    assert https.get("/health/live").status_code == 200


def ended(client: socket.socket) -> bool:
    client.settimeout(0.1)
    try:
        return client.recv(100) == b""
    except TimeoutError:
        return False
    except ConnectionError:
        return True


@pytest.mark.parametrize("missing", ["RIDER_WEB_TLS_CERT", "RIDER_WEB_TLS_KEY"])
def test_half_a_certificate_is_refused(processes: Processes, files: dict[str, str], missing: str) -> None:
    files.pop(missing)
    assert refused(processes, files) == f"{missing} is not set, and the other file of the certificate is"


def test_a_key_of_another_certificate_is_refused(processes: Processes, files: dict[str, str], tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", str(other)], check=True, capture_output=True)
    assert "cannot be used" in refused(processes, {**files, "RIDER_WEB_TLS_KEY": str(other)})


def refused(processes: Processes, environment: dict[str, str]) -> str:
    """Why the panel does not start with these settings."""
    process = processes.start("-m", "rider_core.web", log="panel.log", RIDER_WEB_PORT="0", **environment)
    assert process.wait(20) == 1
    output = processes.log("panel.log")
    assert "rider web certificate" in output
    return re.findall(r"rider panel: (.+?)(?: \(|\n)", output)[0]


def test_the_certificate_names_what_was_asked_and_is_not_replaced_unasked(
    made: tuple[Processes, dict[str, str]], files: dict[str, str]
) -> None:
    text = subprocess.run(
        ["openssl", "x509", "-in", files["RIDER_WEB_TLS_CERT"], "-noout", "-text"],
        check=True, capture_output=True, text=True,
    ).stdout  # fmt: skip
    for name in ("DNS:panel.home", "IP Address:10.1.2.3", "DNS:localhost", "IP Address:127.0.0.1"):
        assert name in text
    assert Path(files["RIDER_WEB_TLS_KEY"]).stat().st_mode & 0o777 == 0o600
    before = Path(files["RIDER_WEB_TLS_CERT"]).read_bytes()
    status, output = certificate(made[0])
    assert (status, "--force replaces it" in output) == (1, True)
    assert Path(files["RIDER_WEB_TLS_CERT"]).read_bytes() == before


def test_a_certificate_is_replaced_when_that_is_asked(processes: Processes) -> None:
    assert certificate(processes)[0] == 0
    assert certificate(processes, "--force")[0] == 0
