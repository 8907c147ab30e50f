"""The HTTP interface for the robot, with a real worker behind a real queue."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
from flask.testing import FlaskClient

from rider_core.config import load_settings
from rider_core.link.capacity_monitor import CapacityMonitor, CapacitySnapshot
from rider_core.link_process.app import TEXTS, create_app
from rider_core.link_process.known_robots import KnownRobots
from rider_core.prompts import BUILT_IN
from rider_core.runtime.services import Services
from rider_core.testing.processes import Processes, install_plugin
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import wait_until

pytestmark = pytest.mark.slow

ROBOTS = KnownRobots("192.0.2.7", ["198.51.100.0/24", "192.168.1.0/24"])

SCRIBE = """
from rider_core.api import GenerationEnd, TextGenerator, hookimpl
from rider_core.errors import InvalidInput, ProviderError, ProviderUnavailable
RIDER_API = "1.0"
class Scribe(TextGenerator):
    name = "scribe"
    def generate_stream(self, request):
        raised = {"refuse": InvalidInput, "away": ProviderUnavailable, "break": ProviderError}.get(request.prompt)
        if raised:
            raise raised("as requested")
        yield request.model_dump_json()
        return GenerationEnd(model="quill", finish_reason="length", prompt_tokens=3, completion_tokens=4)
@hookimpl
def register_providers(register):
    register(Scribe)
"""


@pytest.fixture
def services(processes: Processes, valkey: Valkey, monkeypatch: pytest.MonkeyPatch) -> Iterator[Services]:
    install_plugin(processes.folder, "scribe", SCRIBE)
    processes.environment["REDIS_URL"] = valkey.url
    processes.environment["RIDER_BREAKER_FAILURES"] = "1000"
    monkeypatch.setenv("RIDER_DATA_DIR", processes.environment["RIDER_DATA_DIR"])
    services = Services.open(load_settings(redis_url=valkey.url, robot_prompt="teacher"), "link")
    yield services
    services.close()


@pytest.fixture
def client(services: Services, processes: Processes) -> FlaskClient:
    processes.fork("rider_core.cli.main", "worker", "text")
    wait_until(lambda: services.backend.capacity()["text.generate"], what="a worker")
    return client_of(services)


def client_of(services: Services) -> FlaskClient:
    monitor = CapacityMonitor(services.backend)
    monitor.poll()
    return create_app(services, monitor, ROBOTS).test_client()


def ask(client: FlaskClient, **body: Any) -> Any:
    return client.post("/providers/text/generate", json=body)


def test_the_answer_is_as_the_robots_documents_say(client: FlaskClient) -> None:
    answer = ask(client, prompt="hello", mode="chat", temperature=0, max_tokens=9).get_json()
    assert set(answer) == {"task_id", "text", "meta", "from_cache", "tokens_used"}
    assert (answer["from_cache"], answer["tokens_used"]) == (False, 7)
    assert answer["meta"]["provider"] == "scribe"
    assert (answer["meta"]["model"], answer["meta"]["finish_reason"]) == ("quill", "length")
    again = ask(client, prompt="hello", mode="other", temperature=0, max_tokens=9).get_json()
    assert (again["from_cache"], again["text"]) == (True, answer["text"])


@pytest.mark.parametrize(
    ("context", "history"),
    [
        (None, []),
        ([{"role": "user", "content": "before"}], [{"role": "user", "content": "before"}]),
        ({"place": "kuchnia"}, [{"role": "system", "content": '{"place": "kuchnia"}'}]),
        ("It is night.", [{"role": "system", "content": "It is night."}]),
    ],
)
def test_a_context_reaches_the_engine(client: FlaskClient, context: Any, history: Any) -> None:
    request = json.loads(ask(client, prompt="hello", context=context).get_json()["text"])
    assert request["history"] == history


def test_without_a_system_prompt_the_robots_preset_is_used(client: FlaskClient) -> None:
    assert BUILT_IN["teacher"]["en"] in ask(client, prompt="hello").get_json()["text"]
    own = ask(client, prompt="hello", system_prompt="Be a cat.").get_json()["text"]
    assert "Be a cat." in own
    assert BUILT_IN["teacher"]["en"] not in own


@pytest.mark.parametrize("locale", ["pl-PL", "pl", "PL", "pl_PL.UTF-8"])
def test_the_contexts_locale_chooses_the_presets_language(client: FlaskClient, locale: str) -> None:
    context = {"locale": locale, "place": "kuchnia"}
    assert BUILT_IN["teacher"]["pl"] in ask(client, prompt="hello", context=context).get_json()["text"]
    for odd in (None, 7, "polish", {}, "", "xx"):
        response = ask(client, prompt="hello", context={"locale": odd})
        assert BUILT_IN["teacher"]["en"] in response.get_json()["text"]


def test_the_robots_documents_name_a_second_path(client: FlaskClient) -> None:
    answer = client.post("/api/providers/text/generate", json={"prompt": "hello"})
    assert answer.status_code == 200
    assert answer.get_json()["meta"]["provider"] == "scribe"


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ({}, 400),
        ({"prompt": ""}, 400),
        ({"prompt": "x" * 40_000}, 400),
        ({"prompt": "x", "temperature": 9}, 400),
        ({"prompt": "x", "context": [{"role": "nobody", "content": "x"}]}, 400),
        ({"prompt": "refuse"}, 400),
        ({"prompt": "break"}, 502),
        ({"prompt": "away"}, 503),
    ],
)
def test_errors_are_those_of_the_contract(client: FlaskClient, body: dict[str, Any], status: int) -> None:
    response = ask(client, **body)
    assert response.status_code == status, response.get_data(as_text=True)
    assert set(response.get_json()) == {"detail"}
    assert response.get_json()["detail"]


def test_a_body_that_is_no_json_is_refused(client: FlaskClient) -> None:
    for data in (b"{", b"[" * 50_000, b"null", b'{"prompt": "x", "temperature": NaN}'):
        response = client.post("/providers/text/generate", data=data, content_type="application/json")
        assert response.status_code == 400, data[:20]


def test_the_probe_is_answered_without_redis(services: Services, valkey: Valkey) -> None:
    valkey.stop()
    client = client_of(services)
    answer = client.get("/providers/capabilities")
    assert answer.status_code == 200
    assert answer.get_json()["domains"]["text"] == {"available": False, "tasks": []}
    assert answer.get_json()["age_s"] is None
    assert "Redis" in answer.get_json()["problem"]
    assert ask(client, prompt="hello").status_code == 503


def test_the_answer_to_the_probe_has_the_last_capacity_and_its_age(services: Services, valkey: Valkey) -> None:
    monitor = CapacityMonitor(services.backend)
    monitor.snapshot = CapacitySnapshot({"text.generate": 1}, time.monotonic() - 7, "")
    valkey.stop()
    monitor.poll()
    answer = create_app(services, monitor, ROBOTS).test_client().get("/providers/capabilities").get_json()
    assert answer["domains"]["text"] == {"available": True, "tasks": ["text.generate"]}
    assert answer["age_s"] == pytest.approx(7, abs=3)
    assert "Redis" in answer["problem"]


@pytest.mark.parametrize(
    ("address", "status"),
    [
        ("192.0.2.7", 200), ("::ffff:192.0.2.7", 200), ("198.51.100.9", 200), ("127.0.0.1", 200), ("::1", 200),
        ("192.0.2.8", 403), ("2001:db8::7", 403), ("fe80::1%eth0", 403),
    ],
)  # fmt: skip
def test_the_robot_and_this_machine_are_answered_and_nobody_else(services: Services, address: str, status: int) -> None:
    client = client_of(services)
    asked = {"environ_base": {"REMOTE_ADDR": address}}
    assert client.get("/providers/capabilities", **asked).status_code == status
    # The request has no prompt and is refused at once: a valid one would wait 30 s for a worker.
    answer = client.post("/providers/text/generate", json={}, headers={"Host": "10.1.1.1"}, **asked)
    assert answer.status_code == (400 if status == 200 else 403)


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"Host": "evil.example"}, 403),
        ({"Host": "evil.example:8001"}, 403),
        ({"Host": "10.0.0.7.evil.example"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
        ({"Host": "192.168.1.5:8001"}, 200),
        ({"Host": "[fd00::7]:8001"}, 200),
        ({"Host": "localhost"}, 200),
    ],
)
def test_a_web_page_cannot_ask(client: FlaskClient, headers: dict[str, str], status: int) -> None:
    probe = client.get("/providers/capabilities", headers=headers)
    assert probe.status_code == status
    text = client.post("/providers/text/generate", json={"prompt": "hello"}, headers=headers)
    assert text.status_code == status
    if status == 403:
        assert text.get_json()["detail"]


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data", ""])
def test_only_json_starts_a_job(client: FlaskClient, kind: str) -> None:
    """The content types that a page may send to another host without a preflight request are not JSON."""
    response = client.post("/providers/text/generate", data=b'{"prompt": "hello"}', content_type=kind)
    assert response.status_code == 415
    assert "application/json" in response.get_json()["detail"]


def test_an_address_that_asks_too_often_waits_and_no_other(services: Services) -> None:
    client = client_of(services)
    asked = [ask(client) for _ in range(TEXTS + 1)]
    assert [response.status_code for response in asked[:TEXTS]] == [400] * TEXTS
    assert asked[-1].status_code == 429
    assert "try again in 1 s" in asked[-1].get_json()["detail"]
    assert asked[-1].headers["Retry-After"] == "1"
    assert client.get("/providers/capabilities").status_code == 200, "the probe has a limit of its own"
    other = client.post("/providers/text/generate", json={}, environ_base={"REMOTE_ADDR": "192.168.1.9"})
    assert other.status_code == 400
