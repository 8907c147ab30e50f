"""The model directory: which providers it probes, how often, and what it lists. The providers are the test's own."""

from __future__ import annotations

import threading
from types import SimpleNamespace
from typing import Any, ClassVar

import pytest

from rider_core.api import GenerateRequest, ProviderConfig, ProviderContext, TextGenerator, TextStream
from rider_core.errors import ProviderUnavailable
from rider_core.web.openai import directory as directory_module
from rider_core.web.openai.directory import ModelDirectory
from rider_core.web.openai.errors import ModelNotFound


class Engine(TextGenerator):
    name = "engine"
    names: ClassVar[tuple[str, ...]] = ("a",)
    probes: ClassVar[int] = 0
    revision: ClassVar[int] = 1
    may_answer: ClassVar[threading.Event] = threading.Event()

    def models(self) -> tuple[str, ...]:
        type(self).probes += 1
        assert self.may_answer.wait(20)
        return self.names

    def generate_stream(self, request: GenerateRequest) -> TextStream:
        yield "never"
        return None


@pytest.fixture
def engine() -> type[Engine]:
    class Fresh(Engine):
        may_answer = threading.Event()

    Fresh.may_answer.set()
    return Fresh


@pytest.fixture
def services(engine: type[Engine]) -> Any:
    def names(domain: Any) -> list[str]:
        if domain is not TextGenerator:
            raise ProviderUnavailable("there is none", remedy="install one")
        return ["engine"]

    registry = SimpleNamespace(in_domain=lambda domain: [engine] if domain is TextGenerator else [])
    return SimpleNamespace(
        plugins=SimpleNamespace(registry=registry),
        provider_choices=SimpleNamespace(look=lambda: engine.revision),
        provider_names=names,
        make_provider=lambda _domain, _name: engine(ProviderConfig(), ProviderContext()),
    )


@pytest.fixture
def directory(services: Any) -> ModelDirectory:
    return ModelDirectory(services, fresh_s=-1.0)  # every list is old at once


def ids(directory: ModelDirectory) -> list[str]:
    return [model_info.id for model_info in directory.listing().models]


def test_changes_are_listed(directory: ModelDirectory, engine: type[Engine]) -> None:
    assert ids(directory) == ["a"]
    engine.names = ("a", "b")
    assert ids(directory) == ["a", "b"]


def test_a_new_model_is_found_though_the_list_is_young(directory: ModelDirectory, engine: type[Engine]) -> None:
    assert directory.find("text.generate", "a").model == "a"
    engine.names = ("a", "b")
    assert directory.find("text.generate", "b").model == "b"
    with pytest.raises(ModelNotFound, match="use one of a, b"):
        directory.find("text.generate", "c")


def test_a_known_model_is_not_asked_for_again(directory: ModelDirectory, engine: type[Engine]) -> None:
    for _ in range(5):
        directory.find("text.generate", "a")
    assert engine.probes == 1


def test_a_young_list_is_of_the_present_choices(services: Any, engine: type[Engine]) -> None:
    directory = ModelDirectory(services, fresh_s=60.0)
    engine.names = ()
    assert ids(directory) == ["engine"]
    engine.names = ("a",)
    assert ids(directory) == ["engine"]
    engine.revision += 1
    assert ids(directory) == ["a"]
    assert directory.find("text.generate", "a").model == "a"
    assert engine.probes == 2


def test_a_late_answer_from_before_a_change_does_not_count(
    directory: ModelDirectory, engine: type[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory_module, "PROBE_TIMEOUT_S", 0.01)
    engine.may_answer.clear()
    assert ids(directory) == []
    engine.may_answer.set()
    (thread,) = [it for it in threading.enumerate() if it.name == "ask-engine"]
    thread.join(10)
    monkeypatch.setattr(directory_module, "PROBE_TIMEOUT_S", 10)
    engine.names, engine.revision = ("b",), 2
    assert ids(directory) == ["b"]


def test_a_hanging_provider_has_one_thread(
    directory: ModelDirectory, engine: type[Engine], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(directory_module, "PROBE_TIMEOUT_S", 0.01)
    engine.may_answer.clear()
    assert [ids(directory) for _ in range(5)] == [[]] * 5
    assert engine.probes == 1
    (unavailable,) = directory.listing().unavailable
    assert "has not answered" in unavailable.reason
    engine.may_answer.set()
    (thread,) = [it for it in threading.enumerate() if it.name == "ask-engine"]
    thread.join(10)
    assert ids(directory) == ["a"], "its late answer counts"
    assert engine.probes == 1


def test_an_alias_without_an_engine_says_what_to_do(directory: ModelDirectory) -> None:
    with pytest.raises(ProviderUnavailable, match="install one"):
        directory.find("voice.synthesize", "tts-1")


def test_the_default_tag_may_be_omitted(directory: ModelDirectory, engine: type[Engine]) -> None:
    engine.names = ("llama3:latest", "llama3", "gemma:latest", "gemma:2b", "qwen:2b")
    for name, model in (
        ("gemma", "gemma:latest"),
        ("engine/gemma", "gemma:latest"),
        ("llama3", "llama3"),
        ("gemma:2b", "gemma:2b"),
    ):
        assert directory.find("text.generate", name).model == model
    with pytest.raises(ModelNotFound):
        directory.find("text.generate", "qwen")
