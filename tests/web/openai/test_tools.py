"""JSON and tools with OpenAI's own client. The engine `strict` supports schemas, and no tools."""

from __future__ import annotations

import json
from typing import Any

import openai
import pytest
from openai.types.chat import ChatCompletion
from openai_harness import OpenAIHarness

WEATHER: dict[str, Any] = {
    "type": "function",
    "function": {
        "name": "get_weather",
        "description": "How the weather is.",
        "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
    },
}
CALL = '{"tool": "get_weather", "arguments": {"city": "Kraków"}}'


def ask(harness: OpenAIHarness, text: str, **options: Any) -> ChatCompletion:
    messages = options.pop("messages", None) or [{"role": "user", "content": text}]
    answer: ChatCompletion = harness.client().chat.completions.create(model="strict", messages=messages, **options)
    return answer


def request_in(answer: ChatCompletion) -> dict[str, Any]:
    """The request that the engine answered with."""
    request: dict[str, Any] = json.loads(answer.choices[0].message.content or "")
    return request


def test_a_schema_reaches_the_engine(harness: OpenAIHarness) -> None:
    schema = {"type": "object", "properties": {"x": {"type": "integer"}}}
    form = {"type": "json_schema", "json_schema": {"name": "x", "strict": True, "schema": schema}}
    assert request_in(ask(harness, "go", response_format=form))["asked"] == schema
    assert request_in(ask(harness, "go", response_format={"type": "json_object"}))["asked"] == {}


def test_a_tool_is_called(harness: OpenAIHarness) -> None:
    answer = ask(harness, f"say {CALL}", tools=[WEATHER])
    (choice,) = answer.choices
    assert (choice.finish_reason, choice.message.content) == ("tool_calls", None)
    (call,) = choice.message.tool_calls or []
    assert call.type == "function"
    assert (call.function.name, json.loads(call.function.arguments)) == ("get_weather", {"city": "Kraków"})
    assert call.id


def test_a_tool_is_called_in_a_stream(harness: OpenAIHarness) -> None:
    messages: Any = [{"role": "user", "content": f"say {CALL}"}]
    tools: Any = [WEATHER]
    chunks = list(harness.client().chat.completions.create(model="strict", messages=messages, tools=tools, stream=True))
    calls = [call for chunk in chunks for call in chunk.choices[0].delta.tool_calls or []]
    assert [(call.index, call.function and call.function.name) for call in calls] == [(0, "get_weather")]
    assert chunks[-1].choices[0].finish_reason == "tool_calls"


def test_words_instead_of_a_tool(harness: OpenAIHarness) -> None:
    (choice,) = ask(harness, 'say {"answer": "I know that."}', tools=[WEATHER]).choices
    assert (choice.finish_reason, choice.message.content, choice.message.tool_calls) == ("stop", "I know that.", None)


def test_no_tool_is_wanted(harness: OpenAIHarness) -> None:
    content = ask(harness, "tell me", tools=[WEATHER], tool_choice="none").choices[0].message.content or ""
    assert json.loads(content)["tools"] == []


def test_results_of_tools_reach_the_engine(harness: OpenAIHarness) -> None:
    called = {"id": "c1", "type": "function", "function": {"name": "get_weather", "arguments": '{"city": "Kraków"}'}}
    turns = [
        {"role": "user", "content": "What is the weather?"},
        {"role": "assistant", "content": None, "tool_calls": [called]},
        {"role": "tool", "tool_call_id": "c1", "content": "rain"},
    ]
    request = json.loads(ask(harness, "", messages=turns).choices[0].message.content or "")
    assert request["prompt"] == "What get_weather gave:\nrain"
    assert [turn["content"] for turn in request["history"]] == ["What is the weather?", CALL]


@pytest.mark.parametrize(
    ("param", "options"),
    [
        ("tools[0].type", {"tools": [{"type": "custom", "custom": {"name": "x"}}]}),
        ("tools[0].function.name", {"tools": [{"type": "function", "function": {"name": "no name"}}]}),
        ("tool_choice", {"tools": [WEATHER], "tool_choice": {"type": "function", "function": {"name": "unknown"}}}),
        ("response_format.json_schema.schema", {"response_format": {"type": "json_schema", "json_schema": {}}}),
        ("response_format.type", {"response_format": {"type": "xml"}}),
    ],
)
def test_malformed_parameters_are_refused_by_name(harness: OpenAIHarness, param: str, options: dict[str, Any]) -> None:
    with pytest.raises(openai.BadRequestError) as refusal:
        ask(harness, "go", **options)
    assert refusal.value.param == param


def test_a_schema_is_of_bounded_size(harness: OpenAIHarness) -> None:
    form = {"type": "json_schema", "json_schema": {"name": "x", "schema": {"enum": ["x" * 40_000]}}}
    with pytest.raises(openai.BadRequestError, match="the limit is 32000"):
        ask(harness, "go", response_format=form)
