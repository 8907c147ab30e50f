"""Constrained decoding of JSON, with a real model that does not write JSON by itself."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

import pytest
from llama_harness import opened
from rider_text_llama import LlamaTextGenerator

from rider_core.api import GeneratedText, GenerateRequest
from rider_core.errors import InvalidInput, ProviderError
from rider_core.timing import Stopwatch

#: Bounded, because a small model would write without end.
CITY = {
    "type": "object",
    "properties": {
        "city": {"type": "string", "maxLength": 20},
        "people": {"type": "integer", "minimum": 0, "maximum": 99_999_999},
        "big": {"type": "boolean"},
    },
    "required": ["city", "people", "big"],
    "additionalProperties": False,
}


@pytest.fixture(scope="module")
def llama() -> Iterator[LlamaTextGenerator]:
    with opened() as provider:
        yield provider


def ask(llama: LlamaTextGenerator, schema: dict[str, Any] | None, **options: Any) -> GeneratedText:
    fields = {"prompt": "Tell me about Warsaw.", "temperature": 0, "max_tokens": 100, **options}
    return llama.generate(GenerateRequest(json_schema=schema, **fields))


@pytest.mark.parametrize("choice", [{}, {"temperature": 1.2, "seed": 3}, {"temperature": 2, "seed": 4, "top_p": 0.9}])
def test_it_keeps_the_schema(llama: LlamaTextGenerator, choice: dict[str, Any]) -> None:
    answer = ask(llama, CITY, **choice)
    city = json.loads(answer.text)
    assert {name: type(value) for name, value in city.items()} == {"city": str, "people": int, "big": bool}
    assert answer.finish_reason == "stop"


def test_any_object(llama: LlamaTextGenerator) -> None:
    answer = ask(llama, {})
    assert answer.text.startswith("{")
    if answer.finish_reason == "stop":
        assert isinstance(json.loads(answer.text), dict)


def test_polish_letters(llama: LlamaTextGenerator) -> None:
    """Its tokens are parts of characters."""
    assert json.loads(ask(llama, {"enum": ["Zażółć gęślą jaźń 😊"]}).text) == "Zażółć gęślą jaźń 😊"


def test_one_of_several_forms(llama: LlamaTextGenerator) -> None:
    forms = [{"const": {"tool": name}} for name in ("drive", "stop")]
    assert json.loads(ask(llama, {"oneOf": forms}, prompt="Stop!").text) in ({"tool": "drive"}, {"tool": "stop"})


def test_a_cut_answer_says_so(llama: LlamaTextGenerator) -> None:
    answer = ask(llama, CITY, max_tokens=5)
    assert answer.finish_reason == "length"
    assert answer.completion_tokens == 5


def test_plain_words_before_and_after_are_the_same(llama: LlamaTextGenerator) -> None:
    before = ask(llama, None, max_tokens=16).text
    ask(llama, CITY)
    assert ask(llama, None, max_tokens=16).text == before


@pytest.mark.parametrize(
    ("schema", "words"),
    [
        ({"type": "nonsense"}, "Invalid type"),
        ({"$ref": "http://127.0.0.1:9/x"}, "does not fetch"),
        ({"$ref": "#/nowhere"}, "does not exist"),
        ({"enum": []}, "empty"),
        ({"not": {}}, "not"),
        ({"type": "string", "pattern": "("}, ""),
    ],
)
def test_a_schema_that_no_json_fits(llama: LlamaTextGenerator, schema: dict[str, Any], words: str) -> None:
    with pytest.raises(InvalidInput, match="no answer can fit this JSON schema") as refusal:
        ask(llama, schema)
    assert words in str(refusal.value)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string", "pattern": "^(a{1000}){1000}$"},
        {"allOf": [{"$ref": "#"}]},
        {"type": "string", "pattern": "^(([a-z])+.)+[A-Z]([a-z])+$", "minLength": 5_000},
        {"type": "array", "minItems": 100_000, "items": {"type": "string", "minLength": 1_000}},
    ],
)
def test_a_schema_that_is_too_much_costs_a_bounded_time(llama: LlamaTextGenerator, schema: dict[str, Any]) -> None:
    watch = Stopwatch.start()
    with suppress(InvalidInput, ProviderError):
        ask(llama, schema, max_tokens=4)
    assert watch.elapsed_s < 20
    assert ask(llama, None, max_tokens=4).text
