"""Tool calls for engines with JSON schemas alone: the converted request, and the interpretation of the answer."""

from __future__ import annotations

import json

import pytest

from rider_core.api import GeneratedText, GenerateRequest, Tool
from rider_core.errors import ProviderError
from rider_core.worker.tool_calls import parse_answer, with_json_tools

TOOLS = (
    Tool(name="get_weather", parameters={"type": "object", "properties": {"city": {"type": "string"}}}),
    Tool(name="stop"),
)


def forms(request: GenerateRequest) -> list[list[str]]:
    """The properties of each form that the answer may have."""
    request = with_json_tools(request)
    assert request.tools == ()
    assert request.json_schema is not None
    return [sorted(form["properties"]) for form in request.json_schema["anyOf"]]


def test_a_call_or_words() -> None:
    assert forms(GenerateRequest(prompt="x", tools=TOOLS)) == [["arguments", "tool"]] * 2 + [["answer"]]


def test_a_call_and_nothing_else() -> None:
    assert forms(GenerateRequest(prompt="x", tools=TOOLS, tool_required=True)) == [["arguments", "tool"]] * 2


def test_the_model_is_told_of_them_and_of_how_to_behave() -> None:
    system_prompt = (
        with_json_tools(GenerateRequest(prompt="x", tools=TOOLS, system_prompt="Be kind.")).system_prompt or ""
    )
    assert system_prompt.startswith("Be kind.\n\n")
    assert '{"name":"get_weather","parameters":' in system_prompt


def test_words_of_a_form_of_their_own() -> None:
    request = (
        with_json_tools(GenerateRequest(prompt="x", tools=TOOLS, json_schema={"type": "integer"})).json_schema or {}
    )
    assert request["anyOf"][-1]["properties"]["answer"] == {"type": "integer"}
    assert parse_answer(GeneratedText(text='{"answer": [1, 2]}')).text == "[1, 2]"


def test_what_was_cut_off_stays_as_it_is() -> None:
    cut = GeneratedText(text='{"answer": "Once upon', finish_reason="length")
    assert parse_answer(cut) == cut


@pytest.mark.parametrize("text", ["", "words", "7", "[]", '{"tool": 7, "arguments": {}}', '{"tool": "x"}', "{}"])
def test_what_is_neither_is_an_error(text: str) -> None:
    with pytest.raises(ProviderError, match="neither with a tool nor with words"):
        parse_answer(GeneratedText(text=text))


def test_a_call_is_understood() -> None:
    answer = parse_answer(GeneratedText(text=json.dumps({"tool": "stop", "arguments": {"now": True}})))
    assert (answer.text, answer.finish_reason) == ("", "tool_calls")
    assert [(call.name, call.arguments) for call in answer.tool_calls] == [("stop", {"now": True})]
