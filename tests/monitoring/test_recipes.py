"""The recipes that start the monitoring programs: the native one is run, the one with containers is read."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from expressions import CONTRIB
from harness import plain_http

from rider_core.testing.ports import free_port
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.acceptance

#: What a panel says while Redis is away.
SCRAPE = b'# TYPE rider_link_up gauge\nrider_link_up{robot="rider-pi",channel="bus"} 0\n'


@pytest.fixture
def panel_port() -> Iterator[int]:
    """A panel whose robot is lost."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(SCRAPE)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_the_native_recipe_brings_an_alert_to_the_alertmanager(tmp_path: Path, panel_port: int) -> None:
    folder = tmp_path / "prometheus"
    subprocess.run(["cp", "-r", str(CONTRIB / "prometheus"), str(folder)], check=True)
    rules = folder / "alerts.rules.yml"
    rules.write_text(re.sub(r"for: \S+", "for: 0s", rules.read_text()))
    configuration = folder / "prometheus.yml"
    configuration.write_text(configuration.read_text().replace("15s", "1s"))
    ports = {name: str(free_port()) for name in ("PROMETHEUS_PORT", "ALERTMANAGER_PORT")}
    environment = {**os.environ, **ports, "RIDER_MONITORING_DIR": str(tmp_path / "data")}
    environment["RIDER_TARGET"] = f"127.0.0.1:{panel_port}"
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [folder / "run-native.sh"], env=environment, stdout=log, stderr=log, start_new_session=True
        )
    url = f"http://127.0.0.1:{ports['ALERTMANAGER_PORT']}/api/v2/alerts"

    def names() -> list[str]:
        try:
            return [alert["labels"]["alertname"] for alert in json.loads(plain_http.get(url).text)]
        except httpx.TransportError:  # it starts
            return []

    try:
        wait_until(lambda: "RiderRobotLost" in names(), 60, "the alert at the Alertmanager")
    finally:
        process.send_signal(signal.SIGTERM)
        code = process.wait(30)
    assert code in (0, 143, -signal.SIGTERM), (tmp_path / "log").read_text()[-2_000:]
    for port in ports.values():
        with pytest.raises(httpx.ConnectError):
            plain_http.get(f"http://127.0.0.1:{port}/")


def test_the_containers_get_files_that_exist() -> None:
    file = CONTRIB / "docker" / "compose.monitoring.yml"
    services = yaml.safe_load(file.read_text())["services"]
    assert services.keys() == {"prometheus", "alertmanager", "grafana"}
    for service in services.values():
        assert re.fullmatch(r"[a-z/]+:v?\d+\.\d+\.\d+", service["image"]), "a version, so that it stays as tested"
        for volume in service["volumes"]:
            source = volume.partition(":")[0]
            assert not source.startswith(".") or (file.parent / source).exists(), source


def test_grafana_is_told_where_everything_is() -> None:
    services = yaml.safe_load((CONTRIB / "docker" / "compose.monitoring.yml").read_text())["services"]
    environment = services["grafana"]["environment"]
    provisioning = CONTRIB / "grafana" / "provisioning"
    asked = {name for file in provisioning.rglob("*.yml") for name in re.findall(r"\$\{(\w+)\}", file.read_text())}
    assert asked == {"RIDER_PROMETHEUS_URL", "RIDER_DASHBOARDS"}
    assert asked <= environment.keys()
    mounted = {volume.split(":")[1] for volume in services["grafana"]["volumes"] if ":" in volume}
    assert environment["RIDER_DASHBOARDS"] in mounted
