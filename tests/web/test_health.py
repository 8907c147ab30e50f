"""Health checks of a real panel: live, ready, and why not."""

from __future__ import annotations

import pytest
from panel_harness import PanelHarness

from rider_core.testing.processes import install_plugin
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow

ENGINE = '''
from rider_core.api import AudioClip, TextGenerator, TextToSpeech, hookimpl
RIDER_API = "1.0"
class Parrot(TextGenerator):
    name = "parrot"
    def generate_stream(self, request):
        yield request.prompt
class Pretender(TextToSpeech):
    """A mock that the settings do not name: no worker opens it, and readiness does not need it."""
    name = "pretender"
    mock = True
    def synthesize_stream(self, request):
        yield AudioClip(bytes(320), 16_000)
@hookimpl
def register_providers(register):
    register(Parrot)
    register(Pretender)
'''


def test_ready_needs_a_worker_for_each_domain(panel: PanelHarness) -> None:
    install_plugin(panel.processes.folder, "parrot", ENGINE)
    panel.start()
    wait_until(lambda: panel.get("/healthz").json()["redis"] == "up")
    answer = panel.get("/health/ready")
    assert answer.status_code == 503
    # Domains without a provider are not missed.
    assert answer.json() == {"status": "not ready", "problems": ["no worker can do text.generate"]}
    panel.processes.fork("rider_core.cli.main", "worker", "text", log="worker")
    wait_until(lambda: panel.get("/health/ready").status_code == 200, what="the worker")
    assert panel.get("/health/ready").json() == {"status": "ok", "problems": []}


def test_live_is_not_ready(panel: PanelHarness) -> None:
    panel.start()
    wait_until(lambda: panel.get("/health/ready").status_code == 200, what="Redis")
    panel.valkey.stop()
    wait_until(lambda: panel.get("/health/ready").status_code == 503, what="the end of Redis")
    assert panel.get("/health/ready").json()["problems"] == ["Redis does not answer"]
    assert panel.get("/health/live").json() == {"status": "ok"}


@pytest.mark.parametrize("path", ["/health/live", "/health/ready", "/healthz"])
def test_they_need_no_password_and_tell_nothing_else(panel: PanelHarness, path: str) -> None:
    panel.start(RIDER_WEB_PASSWORD="open sesame")
    answer = panel.get(path)
    assert answer.status_code in (200, 503)
    assert answer.json().keys() <= {"status", "problems", "redis"}
