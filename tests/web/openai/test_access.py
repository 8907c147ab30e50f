"""Access to `/v1`, and how errors there look to OpenAI's own client."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import openai
import pytest
from harness import plain_http
from openai_harness import OpenAIHarness
from panel_harness import PanelHarness

from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey

HELLO: Any = [{"role": "user", "content": "hello"}]


@pytest.fixture(params=["eventlet", "threading"])
def panel(request: pytest.FixtureRequest, processes: Processes, valkey: Valkey) -> Iterator[PanelHarness]:
    panel = PanelHarness(processes, valkey, request.param)
    yield panel
    panel.connection.close()


def test_the_password_is_the_key_and_redis_may_go(panel: PanelHarness) -> None:
    others = set(panel.processes.environment["RIDER_PLUGINS_DISABLED"].split(",")) - {"echo"}
    panel.start(RIDER_WEB_PASSWORD="open sesame", RIDER_PLUGINS_DISABLED=",".join(others))
    base = f"{panel.url}/v1"
    with openai.OpenAI(base_url=base, api_key="open sesame", max_retries=0) as client:
        assert {model.id for model in client.models.list()} == {"echo-text", "echo-stt", "echo-tts"}
        with pytest.raises(openai.InternalServerError, match="no text_to_speech engine is installed"):
            client.audio.speech.create(model="tts-1", voice="alloy", input="hello")
    assert plain_http.get(f"{base}/models", auth=("rider", "open sesame")).status_code == 200
    for key in ("wrong", "open sesame2", "rider:open sesame"):
        with (
            openai.OpenAI(base_url=base, api_key=key, max_retries=0) as client,
            pytest.raises(openai.AuthenticationError, match="RIDER_WEB_PASSWORD") as refusal,
        ):
            client.models.list()
        assert (refusal.value.code, refusal.value.type) == ("invalid_api_key", "authentication_error")
    for path in ("/", "/api/v1/status", "/v1"):
        assert plain_http.get(panel.url + path, headers={"Authorization": "Bearer open sesame"}).status_code == 401
    assert "sesame" not in panel.processes.log("panel.log")
    panel.valkey.kill()
    with (
        openai.OpenAI(base_url=base, api_key="open sesame", max_retries=0) as client,
        pytest.raises(openai.InternalServerError) as problem,
    ):
        client.chat.completions.create(model="echo-text", messages=HELLO)
    assert (problem.value.status_code, problem.value.code) == (503, "backend_unavailable")


def test_without_a_password_any_key_will_do(harness: OpenAIHarness) -> None:
    assert list(harness.client(api_key="sk-anything").models.list())


def test_another_sites_page_may_not_ask(harness: OpenAIHarness) -> None:
    body = {"model": "echo-text", "messages": HELLO}
    for headers in ({"Origin": "http://evil.example"}, {"Origin": "null"}, {"Host": "evil.example"}):
        response = harness.post("/chat/completions", json=body, headers=headers)
        assert response.status_code == 403
        assert response.json()["error"]["type"] == "permission_error"
        with pytest.raises(openai.PermissionDeniedError):
            harness.client(default_headers=headers).chat.completions.create(**body)


@pytest.mark.parametrize("path", ["/v1/nothing", "/v1/embeddings", "/v1/completions", "/v1/responses"])
def test_unknown_paths(harness: OpenAIHarness, path: str) -> None:
    response = plain_http.post(harness.panel.url + path, json={})
    assert response.status_code == 404
    assert response.json()["error"]["code"] == "unknown_url"
    with pytest.raises(openai.NotFoundError):
        harness.client().embeddings.create(model="x", input="y")


def test_odd_paths_are_answered_in_the_same_form(harness: OpenAIHarness) -> None:
    """Base URLs as people type them: a slash too many, the version twice, capitals, escapes."""
    odd = ["/embeddings/", "/v1/models", "/Models", "/models/..%2f..%2fetc%2fpasswd", "/%00", "/%ff"]
    odd += [
        "/chat/completions/",
        "/models/" + "x" * 4_000,
        "/models/%E2%80%AE%1b%5B31m",
        "/audio/speech%0d%0aX-Evil:%201",
    ]
    for path in odd:
        for method in ("GET", "POST"):
            response = plain_http.request(method, harness.url + path, json={} if method == "POST" else None)
            assert response.status_code in (404, 405), path
            error = response.json()["error"]
            assert error["type"], path
            assert len(error["message"]) < 400, path
            assert error["message"].isprintable(), path
            assert "x-evil" not in response.headers
    doubled = plain_http.post(f"{harness.url}//chat/completions", json={})
    assert (doubled.status_code, doubled.headers["location"]) == (308, f"{harness.url}/chat/completions")


def test_an_unsupported_method(harness: OpenAIHarness) -> None:
    response = plain_http.get(f"{harness.url}/chat/completions")
    assert (response.status_code, response.json()["error"]["code"]) == (405, "method_not_allowed")
    assert "POST" in response.headers["allow"]
    assert plain_http.request("BREW", f"{harness.url}/models").json()["error"]["code"] == "method"
