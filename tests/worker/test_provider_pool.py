"""The provider pool of a worker."""

from __future__ import annotations

import threading
from collections.abc import Generator
from types import SimpleNamespace
from typing import Any, cast

import pytest

from rider_core.api import GenerateRequest, ProviderContext, TextGenerator
from rider_core.api.job_backend import MAX_TOGETHER
from rider_core.api.tasks import TASKS
from rider_core.worker.provider_pool import ProviderPool


class Greedy(TextGenerator):
    name = "greedy"
    max_batch = MAX_TOGETHER + 1

    def generate_stream(self, request: GenerateRequest) -> Generator[str, None, None]:
        yield "ok"


class Boastful(Greedy):
    name = "boastful"

    def details(self) -> dict[str, str]:
        raise RuntimeError("words fail me")


def pool_with(provider: type[TextGenerator], warm: bool = True) -> ProviderPool:
    services = SimpleNamespace(
        provider_names=lambda kind, wanted: [provider.name],
        provider_choices=SimpleNamespace(look=lambda: 1),
        make_provider=lambda kind, name, time_left_s: provider({}, ProviderContext()),
    )
    pool = ProviderPool(cast(Any, services), ["text"], cast(Any, SimpleNamespace(open_for_s=lambda name: 0.0)))
    if warm:
        pool.warm_up(5.0)
    return pool


def test_an_engine_is_announced_before_a_job_can_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its first call may end the process, and then only Redis knows its name."""
    monkeypatch.setattr(ProviderPool, "_opening_ended", lambda *_: None)  # which may come before the job or after it
    pool, announced = pool_with(Greedy, warm=False), []
    pool.on_change = lambda: announced.append((pool.engines(), threading.current_thread().name))
    assert pool.engine(TASKS["text.generate"], None, 5.0).name == "greedy"
    assert announced[0] == ({"text.generate": "greedy"}, "open-greedy")


def test_an_engine_that_cannot_describe_itself_is_shown_all_the_same() -> None:
    (shown,) = pool_with(Boastful).providers()
    assert shown == {"name": "boastful", "domain": "text_generation", "mock": False, "details": {}}


def test_a_batch_size_above_the_limit_is_reduced() -> None:
    """Lua limits the number of values that the job store's functions can pass on."""
    pool = pool_with(Greedy)
    assert pool.max_batch("text.generate") == MAX_TOGETHER
