"""Lists the jobs in a state, page by page: waiting jobs lane by lane, those of other states merged from all lanes.

A page goes on after the last job of the page before, wherever that one is now, so nothing is left out between two
pages. The cursor is that job's place: lane and id, or score and member of its registry.
"""

from __future__ import annotations

import base64
import binascii
import heapq
import json
import math
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence
from itertools import islice
from typing import Any, NamedTuple, Protocol, TypeAlias, cast

import redis

from rider_core.api.jobs import JobPage, JobQuery, JobRecord, JobState, Priority
from rider_core.api.tasks import QUEUES
from rider_core.errors import InvalidInput
from rider_core.jobs.store import keys
from rider_core.redis_functions import Command, Key

#: Jobs that one page looks at, at most, where filters let few of them through: some 50 ms.
MAX_EXAMINED = 1_000
#: Ids that are read in one round trip.
_CHUNK = 200
ReadRecords: TypeAlias = Callable[[Sequence[str]], list[JobRecord | None]]


class WaitingJob(NamedTuple):
    """
    Attributes:
        job_id: As Redis has it.
        place: Where it waits, if the transport keeps an order by numbers: it tells where to go on when the job is gone.
    """

    job_id: bytes
    place: float = 0.0


class WaitingJobs(Protocol):
    """Where a transport's waiting jobs are in Redis."""

    def waiting_commands(self, lane: str) -> tuple[Command, Command]:
        """See `Transport.waiting_commands`."""

    def waiting_after(
        self, connection: redis.Redis, lane: str, last: WaitingJob | None, count: int
    ) -> list[WaitingJob]:
        """See `Transport.waiting_after`."""


class _Registry(NamedTuple):
    """A kind of sorted sets, one for each lane.

    Attributes:
        key: Of one lane.
        latest_first: The highest score comes first.
    """

    key: Key
    latest_first: bool


_REGISTRIES = {
    JobState.SCHEDULED: _Registry(keys.scheduled_key, latest_first=False),
    JobState.RUNNING: _Registry(keys.started_key, latest_first=False),
    # Scores are the times at which jobs expire: the same time after the end of each.
    JobState.DONE: _Registry(keys.finished_key, latest_first=True),
    JobState.FAILED: _Registry(keys.failed_key, latest_first=True),
    **dict.fromkeys(
        (JobState.CANCELLED, JobState.EXPIRED, JobState.REPLACED), _Registry(keys.canceled_key, latest_first=True)
    ),
}
#: They share a registry, so records tell them apart.
_DISCARDED = frozenset({JobState.CANCELLED, JobState.EXPIRED, JobState.REPLACED})


class _Place(NamedTuple):
    """A job's place in the order: its lane's number (0 in a registry), its score (0 in a list), and its member."""

    lane: int
    score: float
    member: str

    @property
    def job_id(self) -> str:
        return self.member.partition(":")[0]  # leases are `ID:EXECUTION`, and no id has a colon

    def encode(self, state: JobState) -> str:
        text = json.dumps([state.value, *self], separators=(",", ":"))
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")

    @classmethod
    def decode(cls, cursor: str, state: JobState) -> _Place:
        """Raises `InvalidInput`."""
        try:
            text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
            made_for, lane, score, member = json.loads(text)
            if made_for != state.value or not isinstance(member, str):
                raise ValueError
            place = cls(int(lane), float(score), member)
            place.member.encode()  # a lone surrogate has no UTF-8
            if not math.isfinite(place.score) or not 0 <= place.lane < len(QUEUES) * len(Priority):
                raise ValueError
        except (binascii.Error, ValueError, TypeError, OverflowError, RecursionError):
            raise InvalidInput(
                f"cursor {cursor[:40]!r} is not from a list of {state.value} jobs",
                remedy="use `next` of the page before with the same state, or none for the first page",
            ) from None
        return place


def list_jobs(
    connection: redis.Redis, query: JobQuery, state: JobState, waiting_jobs: WaitingJobs, read_records: ReadRecords
) -> JobPage:
    """One page of the jobs in `state`. Raises `InvalidInput`, and redis-py's errors as they are.

    Args:
        read_records: For each id its record, None where there is none.
    """
    queues = [queue for queue in QUEUES if query.queue in (None, queue)]
    # The order in which a worker takes jobs.
    lanes = [keys.lane_of(queue, priority) for priority in Priority for queue in queues]
    begin = _Place.decode(query.cursor, state) if query.cursor else None
    registry = _REGISTRIES.get(state)
    if registry is None:
        places = _waiting(connection, waiting_jobs, lanes, begin)
    else:
        places = _registered(connection, registry, lanes, begin)
    found: list[JobRecord] = []
    examined, last, complete = 0, begin, False
    size = query.limit + 1  # enough where there are no filters
    while len(found) < query.limit and examined < MAX_EXAMINED and not complete:
        chunk = list(islice(places, size))
        complete, size = len(chunk) < size, min(_CHUNK, MAX_EXAMINED - examined - len(chunk))
        for place, record in zip(chunk, read_records([place.job_id for place in chunk]), strict=True):
            if len(found) == query.limit:
                complete = False
                break
            examined, last = examined + 1, place
            if record is not None and query.selects(record) and _is_in(record, state):
                found.append(record)
    return JobPage(
        jobs=tuple(found),
        next=None if complete or last is None else last.encode(state),
        total=_total(connection, registry, waiting_jobs, lanes),
    )


def _is_in(record: JobRecord, state: JobState) -> bool:
    """Whether a record of the state's registry is to be listed: it may have changed since the registry was read."""
    return record.state is state if state in _DISCARDED else True


def _waiting(
    connection: redis.Redis, waiting_jobs: WaitingJobs, lanes: Sequence[str], begin: _Place | None
) -> Iterator[_Place]:
    for number, lane in enumerate(lanes):
        if begin is not None and number < begin.lane:
            continue
        last = WaitingJob(begin.member.encode(), begin.score) if begin is not None and number == begin.lane else None
        while jobs := waiting_jobs.waiting_after(connection, lane, last, _CHUNK):
            for last in jobs:
                yield _Place(number, last.place, last.job_id.decode("utf-8", "replace"))
            if len(jobs) < _CHUNK:
                break


def _registered(
    connection: redis.Redis, registry: _Registry, lanes: Sequence[str], begin: _Place | None
) -> Iterator[_Place]:
    merged = heapq.merge(
        *(_entries(connection, registry, registry.key(lane), begin) for lane in lanes), reverse=registry.latest_first
    )
    return (_Place(0, score, member.decode("utf-8", "replace")) for score, member in merged)


def _entries(
    connection: redis.Redis, registry: _Registry, key: str, begin: _Place | None
) -> Iterator[tuple[float, bytes]]:
    """Scores and members of one lane, after `begin`."""
    rank = 0 if begin is None else _rank_after(connection, registry, key, begin)
    while True:
        answer: Any = connection.zrange(key, rank, rank + _CHUNK - 1, desc=registry.latest_first, withscores=True)
        for member, score in cast("list[tuple[bytes, float]]", answer):
            yield score, member
        rank += len(answer)
        if len(answer) < _CHUNK:
            return


def _rank_after(connection: redis.Redis, registry: _Registry, key: str, begin: _Place) -> int:
    """Number of the lane's entries up to that place, which may be one of another lane, or deleted."""
    score, member, latest_first = repr(begin.score), begin.member.encode(), registry.latest_first
    beyond = ("(" + score, "+inf") if latest_first else ("-inf", "(" + score)
    with connection.pipeline(transaction=False) as pipeline:
        pipeline.zcount(key, *beyond)
        pipeline.zcount(key, score, score)
        before, same = pipeline.execute()

    def is_after(number: int) -> bool:
        """Of the entries with the same score, which are in the order of their members: they may be thousands."""
        entries: Any = connection.zrange(key, before + number, before + number, desc=latest_first)
        return not entries or (entries[0] < member if latest_first else entries[0] > member)

    return int(before) + bisect_left(range(same), True, key=is_after)


def _total(connection: redis.Redis, registry: _Registry | None, waiting_jobs: WaitingJobs, lanes: Sequence[str]) -> int:
    with connection.pipeline(transaction=False) as pipeline:
        for lane in lanes:
            if registry is None:
                pipeline.execute_command(*waiting_jobs.waiting_commands(lane)[0])  # type: ignore[no-untyped-call]
            else:
                pipeline.zcard(registry.key(lane))
        return sum(pipeline.execute())
