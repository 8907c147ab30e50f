"""`/v1/chat/completions` and `/v1/models` with OpenAI's own client."""

from __future__ import annotations

import asyncio
import json
import socket
import threading
import time
from typing import Any

import openai
import pytest
from harness import plain_http
from openai_harness import OpenAIHarness

from rider_core.testing.waiting import wait_until
from rider_core.web.openai.chat_request import CONTINUE, ChatRequest

HELLO: Any = [{"role": "user", "content": "say hello"}]


def say(text: str) -> Any:
    return [{"role": "user", "content": text}]


def request_at_engine(harness: OpenAIHarness, **options: Any) -> dict[str, Any]:
    """The request that the engine got for these options."""
    answer = harness.client().chat.completions.create(
        **{"model": "patient-small", "messages": say("tell"), **options}, stream=False
    )
    return dict(json.loads(answer.choices[0].message.content or ""))


def test_a_whole_answer(harness: OpenAIHarness) -> None:
    answer = harness.client().chat.completions.create(model="patient-small", messages=say("count"))
    assert answer.choices[0].message.content == "first second"
    assert answer.choices[0].message.role == "assistant"
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage is not None
    assert (answer.usage.prompt_tokens, answer.usage.completion_tokens, answer.usage.total_tokens) == (7, 2, 9)
    assert answer.model == "patient-small"
    assert abs(answer.created - time.time()) < 30
    assert "mock" not in (answer.model_extra or {})
    record = harness.backend.get(answer.id.removeprefix("chatcmpl-"))
    assert (record.origin, record.priority.value, record.provider) == ("openai", "normal", "patient")


def test_a_mock_says_so(harness: OpenAIHarness) -> None:
    raw = harness.client().chat.completions.with_raw_response.create(model="echo-text", messages=HELLO)
    answer = raw.parse()
    assert answer.choices[0].message.content == "say hello"
    assert answer.usage is None, "the engine does not count"
    assert (answer.model_extra or {})["mock"] is True
    assert raw.headers["x-rider-mock"] == "1"
    chunks = list(harness.client().chat.completions.create(model="echo-text", messages=HELLO, stream=True))
    assert all((chunk.model_extra or {})["mock"] is True for chunk in chunks)


def test_the_conversation_goes_where_it_belongs(harness: OpenAIHarness) -> None:
    asked = request_at_engine(
        harness,
        messages=[
            {"role": "system", "content": "Be brief."},
            {"role": "developer", "content": [{"type": "text", "text": "Be"}, {"type": "text", "text": "kind."}]},
            {"role": "user", "content": "one"},
            {"role": "assistant", "content": "two"},
            {"role": "user", "content": "tell", "name": "Ada"},
        ],
        max_completion_tokens=17,
        temperature=0,
        top_p=0.5,
        seed=-1,
        stop=["END", "\n"],
        user="me",
        metadata={"a": "b"},
        n=1,
        presence_penalty=0,
        response_format={"type": "text"},
    )
    assert asked["system_prompt"] == "Be brief.\n\nBe\nkind."
    assert [(turn["role"], turn["content"]) for turn in asked["history"]] == [("user", "one"), ("assistant", "two")]
    assert (asked["prompt"], asked["model"]) == ("tell", "patient-small")
    assert (asked["max_tokens"], asked["temperature"], asked["top_p"]) == (17, 0, 0.5)
    assert (asked["seed"], asked["stop"]) == (2**32 - 1, ["END", "\n"])


def test_a_conversation_that_ends_otherwise(harness: OpenAIHarness) -> None:
    turns = [{"role": "user", "content": "one"}, {"role": "assistant", "content": "two, th"}]
    generate_request = ChatRequest(model="x", messages=turns).to_request(None)  # type: ignore[arg-type]
    assert [(turn.role, turn.content) for turn in generate_request.history] == [
        ("user", "one"),
        ("assistant", "two, th"),
    ]
    assert generate_request.prompt == CONTINUE
    answer = harness.client().chat.completions.create(model="echo-text", messages=turns)  # type: ignore[arg-type]
    assert answer.choices[0].message.content
    asked = request_at_engine(harness, messages=[{"role": "system", "content": "tell"}])
    assert (asked["prompt"], asked["system_prompt"], asked["history"]) == ("tell", None, [])
    asked = request_at_engine(harness, top_p=0, temperature=1.5)
    assert (asked["temperature"], asked["top_p"]) == (0, None)


def test_the_oldest_turns_of_a_long_conversation_are_left_out(harness: OpenAIHarness) -> None:
    turns = [{"role": "user", "content": f"turn {number}"} for number in range(150)]
    system = {"role": "system", "content": "Be brief."}
    asked = {"model": "patient-small", "messages": [system, *turns, {"role": "user", "content": "tell"}]}
    response = harness.post("/chat/completions", json=asked)
    assert response.headers["x-rider-turns-left-out"] == "50"
    seen = request_at_engine(harness, messages=asked["messages"])
    assert seen["system_prompt"] == "Be brief."
    assert [turn["content"] for turn in seen["history"]] == [f"turn {number}" for number in range(50, 150)]
    assert "x-rider-turns-left-out" not in harness.post("/chat/completions", json={**asked, "messages": HELLO}).headers


def test_omitted_parameters_have_our_defaults(harness: OpenAIHarness) -> None:
    asked = request_at_engine(harness)
    assert (asked["system_prompt"], asked["history"], asked["seed"], asked["stop"]) == (None, [], None, [])
    assert (asked["temperature"], asked["max_tokens"]) == (None, 1_024)
    assert request_at_engine(harness, max_tokens=100_000)["max_tokens"] == 8_192
    assert request_at_engine(harness, stop="END")["stop"] == ["END"]


def test_the_first_words_come_while_the_engine_still_writes(harness: OpenAIHarness) -> None:
    file = harness.folder / f"go-on-{time.monotonic_ns()}"
    stream = harness.client().chat.completions.create(
        model="patient-small",
        messages=say(f"wait {file}"),
        stream=True,
    )
    chunks = iter(stream)
    first, second = next(chunks), next(chunks)
    assert (first.choices[0].delta.role, first.choices[0].delta.content) == ("assistant", "")
    assert (second.choices[0].delta.role, second.choices[0].delta.content) == (None, "first ")
    assert first.object == "chat.completion.chunk"
    file.touch()
    *rest, last = chunks
    assert [chunk.choices[0].delta.content for chunk in rest] == ["second"]
    assert (last.choices[0].delta.content, last.choices[0].finish_reason) == (None, "stop")
    assert len({chunk.id for chunk in (first, second, *rest, last)}) == 1


def test_a_stream_on_the_wire(harness: OpenAIHarness) -> None:
    asked = {"model": "patient-small", "messages": say("tell"), "stream": True}
    response = harness.post("/chat/completions", json={**asked, "stream_options": {"include_usage": True}})
    assert response.headers["content-type"] == "text/event-stream; charset=utf-8"
    *events, done, nothing = response.text.split("\n\n")
    assert (done, nothing) == ("data: [DONE]", "")
    chunks = [json.loads(event.removeprefix("data: ")) for event in events]
    assert chunks[-1]["choices"] == []
    assert chunks[-1]["usage"] == {"prompt_tokens": 7, "completion_tokens": 3, "total_tokens": 10}
    assert [chunk["usage"] for chunk in chunks[:-1]] == [None] * (len(chunks) - 1)
    assert chunks[-2]["choices"][0] == {"index": 0, "delta": {}, "logprobs": None, "finish_reason": "length"}
    plain = harness.post("/chat/completions", json=asked).text
    assert "usage" not in plain.split("data: ")[1]
    uncounted = harness.post("/chat/completions", json={**asked, "messages": HELLO, "model": "echo-text"}).text
    assert uncounted.count("finish_reason") == uncounted.count("data: {")


def test_the_asynchronous_client_streams_too(harness: OpenAIHarness) -> None:
    async def ask() -> str:
        async with openai.AsyncOpenAI(base_url=harness.url, api_key="none", max_retries=0) as client:
            stream = await client.chat.completions.create(model="patient-small", messages=say("count"), stream=True)
            return "".join([chunk.choices[0].delta.content or "" async for chunk in stream])

    assert asyncio.run(ask()) == "first second"


def test_a_disconnect_during_the_stream_cancels_the_job(harness: OpenAIHarness) -> None:
    before, cancelled = harness.notes().count("patient:go"), harness.cancelled
    stream = harness.client().chat.completions.create(model="patient-small", messages=say("go"), stream=True)
    assert next(iter(stream)).choices[0].delta.role == "assistant"
    stream.close()
    harness.wait_for_cancelled(cancelled)
    wait_until(lambda: harness.notes().count("patient:go") == before + 1, what="the engine was stopped")


@pytest.mark.parametrize("stream", [False, True])
def test_a_disconnect_while_the_engine_is_silent_cancels_the_job(harness: OpenAIHarness, stream: bool) -> None:
    """Nothing is written to the client that could fail."""
    file, cancelled = harness.folder / f"silence-{time.monotonic_ns()}", harness.cancelled
    body = json.dumps({"model": "patient-small", "messages": say(f"wait {file}"), "stream": stream}).encode()
    host, port = harness.panel.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as connection:
        connection.sendall(
            b"POST /v1/chat/completions HTTP/1.1\r\nHost: %b:%b\r\nContent-Length: %d\r\n\r\n"
            % (host.encode(), port.encode(), len(body))
            + body
        )
        wait_until(lambda: harness.backend.stats()[-1].running == 1, what="the job runs")
        if stream:
            connection.recv(100)
    harness.wait_for_cancelled(cancelled)
    file.touch()


def test_an_engines_error_is_sent_in_the_stream(harness: OpenAIHarness) -> None:
    stream = harness.client().chat.completions.create(model="patient-small", messages=say("break"), stream=True)
    assert [next(stream).choices[0].delta.content for _ in range(2)] == ["", "first "]
    with pytest.raises(openai.APIError, match="RuntimeError: the engine broke") as problem:
        next(stream)
    assert problem.value.code == "crashed"


@pytest.mark.parametrize("stream", [False, True])
def test_an_error_before_the_first_word_has_a_status(harness: OpenAIHarness, stream: bool) -> None:
    with pytest.raises(openai.BadRequestError, match=r"the prompt is 'fail' \(say something else\)"):
        harness.client().chat.completions.create(model="patient-small", messages=say("fail"), stream=stream)


@pytest.mark.parametrize(
    ("param", "options"),
    [
        ("n", {"n": 2}),
        ("tools", {"tools": [{"type": "function", "function": {"name": "f"}}]}),
        ("response_format", {"response_format": {"type": "json_object"}}),
        ("logprobs", {"logprobs": True}),
        ("frequency_penalty", {"frequency_penalty": 0.5}),
        ("logit_bias", {"logit_bias": {"50256": -100}}),
        ("temperature", {"temperature": 3}),
        ("top_p", {"top_p": -0.1}),
        ("stop", {"stop": ["a", "b", "c", "d", "e"]}),
        ("max_tokens", {"max_tokens": 0}),
        ("messages", {"messages": []}),
        ("messages", {"messages": [{"role": "user", "content": "x"}] * 10_001}),
        ("messages[0].content", {"messages": [{"role": "system", "content": " "}]}),
        ("messages[0].content", {"messages": [{"role": "user", "content": "x" * 32_001}]}),
        ("messages[0].content", {"messages": [{"role": "user", "content": "  "}]}),
        ("messages[0].role", {"messages": [{"role": "function", "name": "f", "content": "x"}]}),
        (
            "messages[0].content[0].type",
            {"messages": [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:,"}}]}]},
        ),
    ],
)
def test_unsupported_parameters_are_refused_by_name(
    harness: OpenAIHarness, param: str, options: dict[str, Any]
) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        harness.client().chat.completions.create(**{"model": "echo-text", "messages": HELLO, **options})
    assert refusal.value.param == param
    assert refusal.value.type == "invalid_request_error"
    assert refusal.value.code


def test_ignored_parameters_are_named(harness: OpenAIHarness) -> None:
    asked = {"min_p": 0.1, "reasoning_effort": "low", "x\r\nSet-Cookie: a": 1, "é": 1, "a" * 50: 1}
    response = harness.post("/chat/completions", json={"model": "echo-text", "messages": HELLO, **asked})
    assert response.status_code == 200
    assert response.headers["x-rider-ignored"] == "min_p, reasoning_effort"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"hello",
        b"[" * 100_000,
        b"{" + b",".join(b'"k%d":1' % number for number in range(300_000)) + b"}",
        b'{"model": "echo-text", "messages": NaN}',
        b'{"model": "echo-text", "messages": [{"role": "user", "content": "x"}], "temperature": NaN}',
        b'{"model": "echo-text", "messages": [{"role": "user", "content": "x"}], "seed": ' + b"9" * 5_000 + b"}",
        b'{"model": 1, "messages": [{"role": "user", "content": "x"}]}',
        b'\xff\xfe{"model": "echo-text"}',
    ],
)
def test_malformed_bodies_are_refused(harness: OpenAIHarness, body: bytes) -> None:
    response = harness.post("/chat/completions", content=body, headers={"Content-Type": "application/json"})
    assert response.status_code == 400
    assert response.json()["error"]["type"] == "invalid_request_error"


def test_a_conversation_that_is_too_large_is_not_read(harness: OpenAIHarness) -> None:
    with pytest.raises(openai.APIStatusError) as refusal:
        harness.client().chat.completions.create(model="echo-text", messages=say("x" * 5_000_000))
    assert refusal.value.status_code == 413
    assert refusal.value.code == "too_large"


def test_models_are_listed_by_the_names_that_work(harness: OpenAIHarness) -> None:
    client = harness.client()
    models = {model.id: model for model in client.models.list()}
    assert models["patient-small"].owned_by == "patient"
    assert models["team/patient-large"].owned_by == "patient"
    assert models["twin/patient-small"].owned_by == "twin"
    assert models["tts-1"].owned_by == "espeak"
    assert {"espeak", "hoarse", "echo-text", "echo-tts", "echo-stt"} <= set(models)
    assert (models["echo-text"].model_extra or {})["mock"] is True
    assert "mock" not in (models["patient-small"].model_extra or {})
    assert {model.created for model in models.values()} == {0}
    assert client.models.retrieve("team/patient-large").owned_by == "patient"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4o")
    for name, text in (
        ("twin/patient-small", "the twin's patient-small"),
        ("twin", "the twin's patient-small"),
        ("patient/team/patient-large", "first second"),
        ("patient", "first second"),
    ):
        answer = client.chat.completions.create(model=name, messages=HELLO)
        assert answer.choices[0].message.content == text


def test_an_unavailable_provider_is_listed_with_the_reason(harness: OpenAIHarness) -> None:
    listed = plain_http.get(f"{harness.url}/models").json()
    assert "away" not in {model["id"] for model in listed["data"]}
    (away,) = [it for it in listed["unavailable"] if it["provider"] == "away"]
    assert (away["reason"], away["remedy"]) == ("its server does not answer", "start-the-server")
    with pytest.raises(openai.InternalServerError, match=r"its server does not answer \(start-the-server\)") as refusal:
        harness.client(max_retries=5).chat.completions.create(model="away", messages=HELLO)
    assert refusal.value.status_code == 503
    assert refusal.value.response.headers["x-should-retry"] == "false"


def test_a_slow_provider_does_not_delay_the_list(harness: OpenAIHarness) -> None:
    harness.slow_models.unlink(missing_ok=True)
    began = time.monotonic()
    listed = plain_http.get(f"{harness.url}/models").json()
    assert time.monotonic() - began < 4
    assert "slow-model" not in {model["id"] for model in listed["data"]}
    harness.slow_models.touch()
    wait_until(lambda: "slow-model" in plain_http.get(f"{harness.url}/models").text, what="its answer counts later")


def test_an_unknown_model(harness: OpenAIHarness) -> None:
    with pytest.raises(openai.NotFoundError, match="there is no model 'gpt-4o'") as refusal:
        harness.client().chat.completions.create(model="gpt-4o", messages=HELLO)
    assert (refusal.value.code, refusal.value.param) == ("model_not_found", "model")
    with pytest.raises(openai.NotFoundError):
        harness.client().chat.completions.create(model="espeak", messages=HELLO)


def test_many_at_once(harness: OpenAIHarness) -> None:
    """Under eventlet one thread serves all of them."""
    answers: list[str] = []

    def ask(number: int) -> None:
        stream = harness.client().chat.completions.create(model="echo-text", messages=say(f"n {number}"), stream=True)
        answers.append("".join(chunk.choices[0].delta.content or "" for chunk in stream))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(answers) == sorted(f"n {number}" for number in range(12))
