"""The panel behind a real nginx, with HTTPS and below a path: a browser, a Socket.IO client and OpenAI's."""

from __future__ import annotations

import shutil
import ssl
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import openai
import pytest
import requests
import socketio
from chromium import NEEDED, running_chromium
from panel_harness import PanelHarness
from playwright.sync_api import expect

from rider_core.testing.ports import free_port
from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import wait_until
from rider_core.web.access.guesses import BURST

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/local/sbin:/usr/bin")
PASSWORD = "open sesame"

pytestmark = [
    pytest.mark.acceptance,
    pytest.mark.skipif(NGINX is None, reason="nginx is missing: apt-get install nginx-light"),
    NEEDED,
]

#: As in docs/behind-a-proxy.md. nginx removes `/rider/` from the path if `stripped` is "/".
CONFIGURATION = """
daemon off;
user root;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{}}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
  uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
  map $http_upgrade $connection_upgrade {{ default upgrade; '' close; }}
  server {{
    listen 127.0.0.1:{port} ssl;
    ssl_certificate {folder}/cert.pem;
    ssl_certificate_key {folder}/key.pem;
    proxy_http_version 1.1;
    proxy_set_header Host $http_host;
    proxy_set_header Upgrade $http_upgrade;
    proxy_set_header Connection $connection_upgrade;
    proxy_set_header X-Forwarded-For $http_x_test_client;
    proxy_set_header X-Forwarded-Proto $scheme;
    proxy_buffering off;
    client_max_body_size 64m;
    location /rider/ {{ proxy_pass {panel}{stripped}; }}
  }}
}}
"""


class Proxied:
    """A panel, and nginx before it.

    Attributes:
        url: Of the panel, through nginx.
    """

    def __init__(self, panel: PanelHarness, folder: Path, stripped: str) -> None:
        self.panel = panel
        port = free_port()
        self.url = f"https://localhost:{port}/rider"
        panel.start(RIDER_WEB_PUBLIC_URL=self.url, RIDER_WEB_TRUSTED_PROXIES="127.0.0.1", RIDER_WEB_PASSWORD=PASSWORD)
        self.certificate = folder / "cert.pem"
        subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
        files = ["-keyout", str(folder / "key.pem"), "-out", str(self.certificate), "-days", "2"]
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", *files, *subject],
            check=True,
            capture_output=True,
        )
        self.trust = ssl.create_default_context(cafile=self.certificate)
        configuration = folder / "nginx.conf"
        configuration.write_text(CONFIGURATION.format(folder=folder, port=port, panel=panel.url, stripped=stripped))
        assert NGINX is not None
        self.nginx = subprocess.Popen([NGINX, "-c", str(configuration), "-e", str(folder / "error.log")])
        wait_until(self._answers, what="nginx")

    def get(self, path: str, **options: object) -> httpx.Response:
        with httpx.Client(verify=self.trust, trust_env=False) as client:
            return client.get(self.url + path, **options)  # type: ignore[arg-type]

    def _answers(self) -> bool:
        try:
            return self.get("/healthz").status_code == 200
        except httpx.ConnectError:
            return False

    def end(self) -> None:
        self.nginx.terminate()
        self.nginx.wait(10)


@pytest.fixture(params=["/", ""], ids=["path removed", "path kept"])
def proxied(
    request: pytest.FixtureRequest, processes: Processes, valkey: Valkey, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Proxied]:
    panel = PanelHarness(processes, valkey, "eventlet")
    proxied = Proxied(panel, tmp_path_factory.mktemp("nginx"), request.param)
    yield proxied
    proxied.end()
    panel.connection.close()


def test_everything_works_through_it(proxied: Proxied) -> None:
    _a_browser_sees_what_happens(proxied)
    _a_client_of_socketio_connects(proxied)
    _openais_client_asks(proxied)
    _guesses_count_for_who_guesses(proxied)


def _a_browser_sees_what_happens(proxied: Proxied) -> None:
    with running_chromium() as browser:
        context = browser.new_context(ignore_https_errors=True)
        page = context.new_page()
        sockets: list[str] = []
        failed: list[str] = []
        page.on("websocket", lambda socket: sockets.append(socket.url))
        page.on("response", lambda answer: failed.append(answer.url) if answer.status >= 400 else None)
        page.goto(proxied.url + "/")
        page.get_by_label("Name").fill("rider")
        page.get_by_label("Password").fill(PASSWORD)
        page.get_by_role("button", name="Sign in").click()
        expect(page.locator(".connection")).to_have_text("live")
        proxied.panel.transcript("Could you come here?")
        expect(page.locator(".card-talk")).to_contain_text("Could you come here?")
        wait_until(lambda: sockets, what="a web socket, not polling")
        (cookie,) = context.cookies()
        assert (cookie["path"], cookie["secure"], cookie["httpOnly"]) == ("/rider", True, True)
        assert sockets[0].startswith(proxied.url.replace("https:", "wss:") + "/socket.io/")
        assert failed == []


def _a_client_of_socketio_connects(proxied: Proxied) -> None:
    session = requests.Session()
    session.auth = ("rider", PASSWORD)
    session.trust_env, session.verify = False, str(proxied.certificate)
    client = socketio.Client(http_session=session, reconnection=False)
    got: list[object] = []
    client.on("news", got.append, namespace="/live")
    origin, _, path = proxied.url.rpartition("/")
    client.connect(origin, socketio_path=f"/{path}/socket.io", namespaces=["/live"])
    client.emit("ready", namespace="/live")
    wait_until(lambda: got, what="the panel's first message")
    client.disconnect()


def _openais_client_asks(proxied: Proxied) -> None:
    with httpx.Client(verify=proxied.trust, trust_env=False) as transport:
        client = openai.OpenAI(base_url=proxied.url + "/v1", api_key=PASSWORD, http_client=transport)
        assert client.models.list().object == "list"


def _guesses_count_for_who_guesses(proxied: Proxied) -> None:
    def ask(client: str, password: str) -> int:
        headers = {"Authorization": f"Bearer {password}", "X-Test-Client": client}
        return proxied.get("/v1/models", headers=headers).status_code

    assert {ask("192.168.1.9", "wrong") for _ in range(BURST)} == {401}
    assert ask("192.168.1.9", PASSWORD) == 429
    assert ask("192.168.1.10", PASSWORD) == 200
