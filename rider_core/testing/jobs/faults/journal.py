"""The journal of accepted jobs and engine calls, and the checks of the job engine against it after every fault."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import redis

from rider_core.api.jobs import JobRecord, JobState
from rider_core.errors import JobNotFound
from rider_core.eventbus import EventBus
from rider_core.jobs import RedisJobBackend

#: Permanent Redis keys. Their number depends on queues, lanes, tasks and providers, not on jobs.
LASTING = (
    "rq:queues",
    "rq:workers",
    "rq:finished:",
    "rq:failed:",
    "rq:canceled:",
    "rider:metrics:",
    "rider:events",
    "rider:recent",
    "rider:breaker:",
)
#: More events than any test causes.
EVENTS = 5_000


@dataclass
class Journal:
    """The jobs that were submitted, and the engines' starts and ends.

    Attributes:
        file: The file in which `engine` writes.
        accepted: Ids that `submit` returned.
        refused: Ids for which `submit` raised. They may have been accepted nevertheless.
        items: Batch to the ids of its items, as the engines see them.
    """

    file: Path
    accepted: list[str] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)
    items: dict[str, list[str]] = field(default_factory=dict)

    def starts(self, job_id: str) -> int:
        return self._counts()[job_id, "start"]

    def ends(self, job_id: str) -> int:
        return self._counts()[job_id, "end"]

    def records(self, backend: RedisJobBackend) -> list[JobRecord]:
        """The records of all accepted jobs, also of those whose submission failed although they were accepted."""
        return [backend.get(job_id) for job_id in self.accepted] + list(self._refused_yet_there(backend))

    def check(self, backend: RedisJobBackend, connection: redis.Redis) -> None:
        """Check the invariants I1, I2, I4 and I5 of the fault list."""
        records = self.records(backend)
        self._check_all_ended(records)
        self._check_starts(records)
        self._check_results(records, connection)
        check_nothing_left(backend, connection)
        check_figures(records, backend)

    def _check_all_ended(self, records: Iterable[JobRecord]) -> None:
        left = {record.id: record.state.value for record in records if not record.state.ended}
        assert not left, f"I1: accepted and not ended: {left}"

    def _check_starts(self, records: Iterable[JobRecord]) -> None:
        counts = self._counts()
        for record in records:
            for name in self.items.get(record.id, [record.id]):
                started = counts[name, "start"]
                assert started <= record.attempts, f"I2: {name} started {started} times, {record.attempts} are recorded"

    def _check_results(self, records: Iterable[JobRecord], connection: redis.Redis) -> None:
        events = EventBus(connection, "test").recent(EVENTS)
        assert len(events) < EVENTS, "the oldest events are gone: this test is too large for its own check"
        results = Counter(event.job_id for event in events if event.kind == "job.done")
        for record in records:
            expected = int(record.state is JobState.DONE)
            assert results[record.id] == expected, (
                f"I2: {results[record.id]} results were committed for {record.id}, which is {record.state.value}"
            )
            if expected:
                for name in self.items.get(record.id, [record.id]):
                    assert self.ends(name) >= 1, f"I2: {name} is done, and no engine did it"

    def _refused_yet_there(self, backend: RedisJobBackend) -> Iterable[JobRecord]:
        for job_id in set(self.refused) - set(self.accepted):
            try:
                yield backend.get(job_id)
            except JobNotFound:
                continue

    def _counts(self) -> Counter[tuple[str, str]]:
        text = self.file.read_text() if self.file.exists() else ""
        return Counter((words[0], words[1]) for words in map(str.split, text.splitlines()))


def check_nothing_left(backend: RedisJobBackend, connection: redis.Redis) -> None:
    """I4: no job counts as waiting or running, and every key of a job or a worker expires."""
    for queue in backend.stats():
        open_jobs = (queue.waiting, queue.scheduled, queue.running)
        assert open_jobs == (0, 0, 0), f"I4: {queue.queue} has {open_jobs} jobs waiting, scheduled, running"
    names = sorted(raw.decode() for raw in connection.scan_iter(count=1000))
    # A dead worker's `rq:execution:` is among the keys that expire.
    for pattern in ("rq:wip:", "rq:queue:", "rq:scheduled:", "rider:waiting:"):
        assert not [name for name in names if name.startswith(pattern)], f"I4: {pattern} is still there: {names}"
    lasting = [name for name in names if not name.startswith(LASTING) and connection.ttl(name) == -1]
    assert not lasting, f"I4: these keys would stay for ever: {lasting}"


def check_figures(records: Iterable[JobRecord], backend: RedisJobBackend) -> None:
    """I5: the counters agree with the records."""
    figures = backend.figures()
    total = {
        name: sum(getattr(task, name) for task in figures) for name in type(figures[0]).model_fields if _counts(name)
    }
    states = Counter(record.state for record in records)
    known = sum(states.values())
    assert total["accepted"] - total["withdrawn"] == known, f"I5: {known} jobs are known, {total}"
    for state in (JobState.DONE, JobState.FAILED, JobState.CANCELLED, JobState.EXPIRED, JobState.REPLACED):
        assert total[state.value] == states[state], f"I5: {states[state]} jobs are {state.value}, {total}"
    attempts = sum(record.attempts for record in records)
    assert total["started"] - total["returned"] == attempts, f"I5: {attempts} attempts are recorded, {total}"
    dead = sum(queue.failed for queue in backend.stats())
    assert dead == states[JobState.FAILED], f"I5: {dead} dead letters, {states[JobState.FAILED]} jobs failed"


def _counts(name: str) -> bool:
    return name not in ("task", "queue", "waited", "ran", "took")
