"""Provenance: every result names its provider, and whether that is a mock, in single results and in batches."""

from __future__ import annotations

import json
from collections.abc import Generator

import pytest

from rider_core.api import GeneratedText, GenerateRequest, ProviderContext, TextGenerator
from rider_core.api.messages import Result
from rider_core.api.speech_to_text import Transcript
from rider_core.worker.tasks import json_of_many_with_provenance, json_with_provenance

NO_PROVENANCE = '{"provider":"","mock":false,'


class Liar(TextGenerator):
    name = 'the "echo"'
    mock = True

    def generate_stream(self, request: GenerateRequest) -> Generator[str, None, None]:
        yield from ()


@pytest.mark.parametrize(
    "results",
    [
        [GeneratedText(text="one"), GeneratedText(text="two")],
        [GeneratedText(text="alone")],
        [GeneratedText(text=NO_PROVENANCE), GeneratedText(text='"' + NO_PROVENANCE)],
        [GeneratedText(text="one"), GeneratedText(provider="somebody", mock=False, text="claims to be real")],
        [GeneratedText(text="one"), Transcript(text="of another kind", language="en", duration_s=1.0)],
    ],
    ids=["plain", "one", "looks-like-none", "has-its-own", "two-kinds"],
)
def test_each_of_many_has_provenance(results: list[Result]) -> None:
    provider = Liar({}, ProviderContext())
    read = json.loads(b"[" + json_of_many_with_provenance(results, provider) + b"]")
    assert read == [json.loads(json_with_provenance(result, provider)) for result in results]
    assert [(each["provider"], each["mock"]) for each in read] == [('the "echo"', True)] * len(results)
    assert [each["text"] for each in read] == [result.model_dump()["text"] for result in results]
