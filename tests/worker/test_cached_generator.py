"""The answer cache: its keys, age and size; and system prompts by name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from rider_core.api import GenerateRequest, GenerationEnd, ProviderConfig, ProviderContext, TextDelta, TextGenerator
from rider_core.api.text_generation import ChatMessage, TextStream, Tool
from rider_core.database import Database
from rider_core.errors import InvalidInput
from rider_core.metrics import ANSWER_CACHE
from rider_core.runtime.prompts import PromptStore
from rider_core.worker.answer_cache import (
    AnswerCache,
    answer_key,
    answer_sizes_key,
    answers_size_key,
    answers_used_key,
)
from rider_core.worker.cached_generator import CachedGenerator

AGE_S = 600


class CountingConfig(ProviderConfig):
    style: str = "plain"


class Counting(TextGenerator):
    """Counts its requests, and records them."""

    name = "counting"
    Config = CountingConfig
    abilities = frozenset({"json", "tools"})

    def __init__(self, style: str = "plain", identity: str = "m@1") -> None:
        super().__init__(CountingConfig(style=style), ProviderContext())
        self.asked: list[GenerateRequest] = []
        self.identity = identity

    def generate_stream(self, request: GenerateRequest) -> TextStream:
        self.asked.append(request)
        yield f"answer {len(self.asked)} "
        yield "x" * request.max_tokens
        return GenerationEnd(model="m", finish_reason="length", prompt_tokens=3, completion_tokens=2)

    def model_identity(self, request: GenerateRequest) -> str:
        return self.identity


@pytest.fixture
def cache(connection: redis.Redis) -> AnswerCache:
    return AnswerCache(connection, 1 << 20, AGE_S)


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'rider.db'}")
    database.upgrade()
    yield database
    database.close()


@pytest.fixture
def prompts(database: Database, tmp_path: Path) -> PromptStore:
    return PromptStore(f"sqlite:///{tmp_path / 'rider.db'}", None)


@pytest.fixture
def answers(prompts: PromptStore, cache: AnswerCache) -> CachedGenerator:
    return CachedGenerator(prompts, cache)


def asked(prompt: str = "hello", temperature: float = 0, **fields: object) -> GenerateRequest:
    return GenerateRequest(prompt=prompt, temperature=temperature, max_tokens=8).model_copy(update=fields)


def counted(outcome: str) -> float:
    return ANSWER_CACHE.labels(outcome)._value.get()


def test_the_same_request_is_answered_once(answers: CachedGenerator) -> None:
    provider, received, again = Counting(), list[TextDelta](), list[TextDelta]()
    hits = counted("hit")
    first = answers.generate(provider, asked(), received.append)
    second = answers.generate(provider, asked(), again.append)
    assert (len(provider.asked), first.from_cache, second.from_cache) == (1, False, True)
    assert second.model_copy(update={"from_cache": False}) == first
    assert first.completion_tokens == 2
    assert [piece.text for piece in received] == ["answer 1 ", "xxxxxxxx"]
    assert [piece.text for piece in again] == [first.text]
    assert counted("hit") == hits + 1


DIFFERENT = {
    "prompt": asked("goodbye"),
    "system_prompt": asked(system_prompt="Be brief."),
    "history": asked(history=(ChatMessage(role="user", content="before"),)),
    "max_tokens": asked(max_tokens=9),
    "top_p": asked(top_p=0.5),
    "seed": asked(seed=1),
    "stop": asked(stop=("x",)),
    "temperature": asked(temperature=0.5, cache=True),
    "json_schema": asked(json_schema={}),
    "tools": asked(tools=(Tool(name="stop"),)),
}


@pytest.mark.parametrize("other", DIFFERENT.values(), ids=DIFFERENT.keys())
def test_all_that_changes_the_answer_is_in_the_key(answers: CachedGenerator, other: GenerateRequest) -> None:
    provider = Counting()
    answers.generate(provider, asked(), lambda _: None)
    assert not answers.generate(provider, other, lambda _: None).from_cache
    assert len(provider.asked) == 2


def test_every_field_of_a_request_is_considered() -> None:
    """A new field either changes the answer, or is one of these."""
    # All but the first are in the key by what they are resolved to.
    harmless = {"cache", "preset", "language", "model", "tool_required"}
    assert set(GenerateRequest.model_fields) == harmless | set(DIFFERENT)


def test_another_model_or_other_settings_are_another_engine(answers: CachedGenerator) -> None:
    answers.generate(Counting(), asked(), lambda _: None)
    for provider in (Counting(style="other"), Counting(identity="m@2")):
        assert not answers.generate(provider, asked(), lambda _: None).from_cache
    assert answers.generate(Counting(), asked(), lambda _: None).from_cache


@pytest.mark.parametrize(
    ("request_", "kept"),
    [
        (asked(temperature=0.7), False),
        (asked(temperature=0.7, seed=3), True),
        (asked(temperature=0.7, cache=True), True),
        (asked(cache=False), False),
    ],
)
def test_only_deterministic_answers_are_kept_unless_requested(
    answers: CachedGenerator, request_: GenerateRequest, kept: bool
) -> None:
    provider = Counting()
    answers.generate(provider, request_, lambda _: None)
    assert answers.generate(provider, request_, lambda _: None).from_cache is kept


def test_several_together_ask_for_what_is_missing(answers: CachedGenerator) -> None:
    provider = Counting()
    answers.generate(provider, asked("b"), lambda _: None)
    found = answers.generate_together(provider, [asked("a"), asked("b"), asked("c", temperature=0.7)])
    assert [answer.from_cache for answer in found] == [False, True, False]
    assert [request.prompt for request in provider.asked] == ["b", "a", "c"]
    assert answers.generate(provider, asked("a"), lambda _: None).from_cache


def test_an_answer_that_broke_off_is_not_kept(answers: CachedGenerator) -> None:
    def breaks_off(piece: TextDelta) -> None:
        raise InterruptedError

    provider = Counting()
    with pytest.raises(InterruptedError):
        answers.generate(provider, asked(), breaks_off)
    assert not answers.generate(provider, asked(), lambda _: None).from_cache


def test_size_is_bounded_and_the_least_used_go_first(connection: redis.Redis, prompts: PromptStore) -> None:
    limit = 20_000
    answers, provider = CachedGenerator(prompts, AnswerCache(connection, limit, AGE_S)), Counting()
    evicted = counted("evicted")
    for number in range(40):
        answers.generate(provider, asked(f"question {number}", max_tokens=1_000), lambda _: None)
        assert answers.generate(provider, asked("question 0", max_tokens=1_000), lambda _: None).from_cache
    sizes = [int(size) for size in connection.hvals(answer_sizes_key())]
    total = int(connection.get(answers_size_key()) or 0)
    assert sum(sizes) == total <= limit
    assert connection.zcard(answers_used_key()) == len(sizes) == len(connection.keys(answer_key("*"))) < 40
    assert counted("evicted") == evicted + 40 - len(sizes)
    assert not answers.generate(provider, asked("question 1", max_tokens=1_000), lambda _: None).from_cache


def test_what_does_not_fit_at_all_is_not_kept(connection: redis.Redis, prompts: PromptStore) -> None:
    answers = CachedGenerator(prompts, AnswerCache(connection, 1_000, AGE_S))
    answers.generate(Counting(), asked(max_tokens=2_000), lambda _: None)
    assert connection.zcard(answers_used_key()) == 0


def test_age_is_bounded(answers: CachedGenerator, connection: redis.Redis) -> None:
    answers.generate(Counting(), asked(), lambda _: None)
    (entry,) = connection.keys(answer_key("*"))
    assert AGE_S - 10 < connection.ttl(entry) <= AGE_S
    connection.delete(entry)  # as Redis does at its expiry
    assert not answers.generate(Counting(), asked(), lambda _: None).from_cache
    assert connection.zcard(answers_used_key()) == connection.hlen(answer_sizes_key()) == 1


def test_a_size_of_zero_switches_it_off(connection: redis.Redis, prompts: PromptStore) -> None:
    answers, provider = CachedGenerator(prompts, AnswerCache(connection, 0, AGE_S)), Counting()
    for _ in range(2):
        assert not answers.generate(provider, asked(cache=True), lambda _: None).from_cache
    assert connection.keys("rider:answer*") == []


def test_a_damaged_entry_is_no_answer(answers: CachedGenerator, connection: redis.Redis) -> None:
    answers.generate(Counting(), asked(), lambda _: None)
    (entry,) = connection.keys(answer_key("*"))
    connection.set(entry, b'{"text": 1}')
    assert not answers.generate(Counting(), asked(), lambda _: None).from_cache


def test_without_redis_the_engine_is_called(prompts: PromptStore) -> None:
    unreachable = redis.Redis(port=1, socket_connect_timeout=0.2, retry=None)
    errors = counted("error")
    answer = CachedGenerator(prompts, AnswerCache(unreachable, 1 << 20, AGE_S)).generate(
        Counting(), asked(), lambda _: None
    )
    assert answer.text.startswith("answer 1")
    assert counted("error") == errors + 2


def test_a_preset_becomes_the_system_prompt(answers: CachedGenerator, database: Database) -> None:
    provider = Counting()
    for fields in ({"preset": "brief"}, {"preset": "brief", "language": "pl"}, {"preset": "brief", "language": "de"}):
        answers.generate(provider, asked(**fields), lambda _: None)
    answers.generate_together(provider, [asked(preset="brief", language="pl", cache=False)])
    answers.generate(provider, asked(preset="brief", system_prompt="Mine."), lambda _: None)
    english, polish, together, own = (request.system_prompt for request in provider.asked)
    assert english is not None
    assert polish is not None
    assert "one short spoken sentence" in english
    assert "po polsku" in polish
    assert (together, own) == (polish, "Mine.")  # German has no prompt, so the English one, which was cached, is used


def test_own_prompts_have_precedence_over_built_in_ones(prompts: PromptStore, database: Database) -> None:
    database.save_prompt("brief", "pl", "Krótko!")
    database.save_prompt("pirate", "en", "Arr.")
    assert (prompts.text("brief", "pl"), prompts.text("pirate", "pl")) == ("Krótko!", "Arr.")
    assert "short" in prompts.text("brief", "en")


def test_an_edit_takes_effect_soon(prompts: PromptStore, database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    before = prompts.text("brief")
    database.save_prompt("brief", "en", "Else.")
    assert prompts.text("brief") == before
    monkeypatch.setattr("rider_core.runtime.prompts.REFRESH_S", 0.0)
    assert prompts.text("brief") == "Else."


def test_an_unknown_preset_names_the_command(answers: CachedGenerator) -> None:
    with pytest.raises(InvalidInput, match=r"no system prompt 'nobody'.*rider prompts list"):
        answers.generate(Counting(), asked(preset="nobody"), lambda _: None)


def test_without_a_database_the_built_in_ones_serve(tmp_path: Path) -> None:
    book = PromptStore(f"sqlite:///{tmp_path / 'none.db'}", "pl")
    assert "po polsku" in book.text("brief")
