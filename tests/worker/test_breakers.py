"""Circuit breakers on a real Valkey: shared by two workers, and a worker's fallback from a failing provider."""

from __future__ import annotations

from typing import Any

import pytest
import redis
from prometheus_client import REGISTRY

from rider_core.api import JobRecord, JobSpec, JobState, RetryPolicy
from rider_core.errors import InvalidInput, JobFailed
from rider_core.jobs import RedisJobBackend
from rider_core.jobs.rq_lists import RQLists
from rider_core.testing.processes import Processes, install_plugin
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import let_pass, wait_until
from rider_core.worker.breakers import REFRESH_S, Breakers

RESET_TIMEOUT_S = 2.0
#: Fails as long as the file exists.
SOURCE = """
import os
from rider_core.api import TextGenerator, hookimpl

RIDER_API = "1.0"

class Flaky(TextGenerator):
    name = "flaky"
    def generate_stream(self, request):
        if os.path.exists("broken"):
            raise RuntimeError("the engine broke")
        yield "flaky"

class Steady(TextGenerator):
    name = "steady"
    def generate_stream(self, request):
        yield "steady"

@hookimpl
def register_providers(register):
    register(Flaky)
    if not os.path.exists("alone"):
        register(Steady)
"""


def fail(breakers: Breakers, error: type[Exception] = RuntimeError) -> None:
    def work() -> None:
        raise error("the engine broke")

    with pytest.raises(error):
        breakers.call("flaky", work)


def refreshed(breakers: Breakers) -> bool:
    """Whether the circuit is open, after a refresh."""
    let_pass(REFRESH_S * 1.1, "the cached state may be that old")
    return breakers.open_for_s("flaky") > 0


def test_failures_of_all_workers_open_it_for_all(connection: redis.Redis) -> None:
    one, other = (Breakers(connection, fail_max=3, reset_timeout_s=RESET_TIMEOUT_S) for _ in range(2))
    assert other.open_for_s("flaky") == 0
    fail(one)
    fail(one)
    assert one.open_for_s("flaky") == 0
    fail(other)
    assert 0 < other.open_for_s("flaky") <= RESET_TIMEOUT_S
    assert refreshed(one)
    assert one.open_for_s("steady") == 0


def test_when_it_is_half_open_one_call_decides(connection: redis.Redis) -> None:
    breakers = Breakers(connection, fail_max=1, reset_timeout_s=RESET_TIMEOUT_S)
    fail(breakers)
    wait_until(lambda: breakers.open_for_s("flaky") == 0)
    fail(breakers)
    assert breakers.open_for_s("flaky") > 0
    assert shown(breakers) == 2
    wait_until(lambda: breakers.open_for_s("flaky") == 0)
    # pybreaker itself says "open" until the next call.
    assert shown(breakers) == 1
    assert breakers.call("flaky", lambda: "well") == "well"
    assert Breakers(connection, fail_max=1, reset_timeout_s=RESET_TIMEOUT_S).call("flaky", lambda: "well") == "well"


def shown(breakers: Breakers) -> float | None:
    """The gauge: 0 closed, 1 half open, 2 open."""
    breakers.measure()
    return REGISTRY.get_sample_value("rider_breaker_state", {"provider": "flaky"})


def test_a_success_resets_it_and_bad_input_does_not_count(connection: redis.Redis) -> None:
    breakers = Breakers(connection, fail_max=2, reset_timeout_s=RESET_TIMEOUT_S)
    for _ in range(3):
        fail(breakers)
        breakers.call("flaky", lambda: None)
        fail(breakers, InvalidInput)
    assert breakers.open_for_s("flaky") == 0


def test_a_call_that_hangs_counts(connection: redis.Redis) -> None:
    breakers = Breakers(connection, fail_max=2, reset_timeout_s=RESET_TIMEOUT_S)
    fail(breakers)
    breakers.count_hang("flaky")
    assert breakers.open_for_s("flaky") > 0


def test_successful_calls_need_no_round_trips(connection: redis.Redis) -> None:
    breakers = Breakers(connection, fail_max=2, reset_timeout_s=RESET_TIMEOUT_S)
    breakers.call("flaky", lambda: None)

    def commands() -> int:
        info: Any = connection.info("stats")
        return int(info["total_commands_processed"])

    before = commands()
    for _ in range(200):
        assert breakers.open_for_s("flaky") == 0
        breakers.call("flaky", lambda: None)
    assert commands() - before < 20


class BreakerHarness:
    """A worker whose preferred provider is the flaky one."""

    def __init__(self, processes: Processes, valkey: Valkey, connection: redis.Redis) -> None:
        self.processes, self.connection = processes, connection
        self.backend = RedisJobBackend(connection, RQLists())
        self.broken = processes.folder / "broken"
        self.broken.touch()
        install_plugin(processes.folder, "two-engines", SOURCE)
        processes.environment.update(
            REDIS_URL=valkey.url,
            RIDER_PROVIDERS='{"text_generation": "flaky"}',
            RIDER_BREAKER_FAILURES="2",
            RIDER_BREAKER_REST_S=str(RESET_TIMEOUT_S),
        )

    def start(self) -> None:
        self.processes.fork_worker("text")
        wait_until(lambda: self.backend.capacity()["text.generate"] == 1)

    def ask(self) -> JobRecord:
        spec = JobSpec(task="text.generate", payload={"prompt": "hello"}, retry=RetryPolicy(max_attempts=1))
        return self.backend.wait(self.backend.submit(spec), 15)


@pytest.fixture
def harness(processes: Processes, valkey: Valkey, connection: redis.Redis) -> BreakerHarness:
    return BreakerHarness(processes, valkey, connection)


def test_the_next_provider_steps_in_and_the_first_comes_back(harness: BreakerHarness) -> None:
    harness.start()
    assert [harness.ask().state for _ in range(2)] == [JobState.FAILED] * 2
    answer = harness.ask()
    assert (answer.provider, answer.mock, answer.value()["text"]) == ("steady", False, "steady")
    harness.broken.unlink()
    wait_until(lambda: harness.ask().provider == "flaky")


def test_without_a_fallback_the_worker_reports_that_it_cannot(harness: BreakerHarness) -> None:
    (harness.processes.folder / "alone").touch()
    harness.processes.environment["RIDER_BREAKER_REST_S"] = "3"  # several of the worker's heartbeats
    harness.start()
    assert [harness.ask().state for _ in range(2)] == [JobState.FAILED] * 2
    with pytest.raises(JobFailed, match="flaky failed too often and is not called for another") as failure:
        harness.ask().value()
    assert failure.value.cause == "provider_unavailable"
    wait_until(lambda: harness.backend.capacity()["text.generate"] == 0)
    harness.broken.unlink()
    wait_until(lambda: harness.backend.capacity()["text.generate"] == 1, 20)
    assert harness.ask().provider == "flaky"
