"""The job port on a real Valkey: what is accepted, what is refused, and what becomes of it."""

from __future__ import annotations

import itertools
import json
import pickle
import threading
import time

import pytest
import redis
from house import Valkey
from rq import Queue
from rq.job import Job
from rq.registry import FailedJobRegistry, FinishedJobRegistry, ScheduledJobRegistry, StartedJobRegistry
from rq.serializers import JSONSerializer

from rider_core.api import TASKS, JobProblem, JobSpec, JobState, Priority, RetryPolicy
from rider_core.api.events import HOUSE_STREAM
from rider_core.errors import (
    BackendUnavailable,
    InvalidInput,
    JobCancelled,
    JobExpired,
    JobFailed,
    JobNotFound,
    JobRefused,
    WaitTimeout,
)
from rider_core.eventbus import EventBus
from rider_core.jobs.rq_backend import ClaimDesk, Outcome, RQBackend, keys, scripts
from rider_core.jobs.rq_backend.claims import FAIR_TURN
from rider_core.jobs.rq_backend.codec import spec_from_data

PROBLEM = JobProblem(code="crashed", message="boom")


def spec(**options: object) -> JobSpec:
    return JobSpec(**{"task": "text.generate", "payload": {"prompt": "hello"}, **options})  # type: ignore[arg-type]


@pytest.fixture
def backend(connection: redis.Redis) -> RQBackend:
    return RQBackend(connection)


@pytest.fixture
def desk(connection: redis.Redis) -> ClaimDesk:
    return ClaimDesk(connection, "w1", ["voice", "vision", "text"])


def kinds(connection: redis.Redis) -> list[str]:
    return [event.kind for event in EventBus(connection, "test").recent(100)]


def test_a_job_goes_its_way(backend: RQBackend, desk: ClaimDesk, connection: redis.Redis) -> None:
    job_id = backend.submit(spec(origin="test"))
    assert backend.get(job_id).state is JobState.WAITING
    claim = desk.take()
    assert claim is not None
    assert spec_from_data(claim.data).payload == {"prompt": "hello"}
    running = backend.get(job_id)
    assert (running.state, running.attempts) == (JobState.RUNNING, 1)
    assert desk.commit_result(claim, '{"text": "hello"}', "echo-text", True)
    done = backend.wait(job_id, 1)
    assert done.value() == {"text": "hello"}
    assert (done.state, done.provider, done.mock, done.origin) == (JobState.DONE, "echo-text", True, "test")
    assert done.submitted_ts <= (done.started_ts or 0) <= (done.ended_ts or 0)
    assert [record.id for record in backend.recent(10)] == [job_id]
    assert kinds(connection) == ["job.accepted", "job.started", "job.done"]


def test_rq_sees_the_truth(backend: RQBackend, desk: ClaimDesk, connection: redis.Redis) -> None:
    ids = backend.submit_many([spec() for _ in range(4)])
    queue = Queue("text", connection=connection, serializer=JSONSerializer)
    assert queue.get_job_ids() == ids
    claims = [desk.take() for _ in range(3)]
    assert all(claims)
    started = StartedJobRegistry("text", connection=connection, serializer=JSONSerializer)
    assert started.get_job_ids(cleanup=False) == ids[:3]
    desk.commit_result(claims[0], '{"text": "x"}', "p", False)  # type: ignore[arg-type]
    desk.commit_problem(claims[1], Outcome.HOPELESS, PROBLEM)  # type: ignore[arg-type]
    assert FinishedJobRegistry("text", connection=connection).get_job_ids() == ids[:1]
    assert FailedJobRegistry("text", connection=connection).get_job_ids(cleanup=False) == ids[1:2]
    assert started.get_job_ids(cleanup=False) == ids[2:3]
    job = Job.fetch(ids[0], connection=connection, serializer=JSONSerializer)
    assert job.get_status() == "finished"
    (text,) = [figures for figures in backend.stats() if figures.queue == "text"]
    assert (text.waiting, text.running, text.failed, text.workers) == (1, 1, 1, 0)


def test_the_same_id_is_accepted_once(backend: RQBackend, connection: redis.Redis) -> None:
    job = spec(id="once")
    assert backend.submit(job) == backend.submit(job) == "once"
    assert connection.llen("rq:queue:text") == 1


def test_refusals_name_what_is_wrong(backend: RQBackend, connection: redis.Redis) -> None:
    with pytest.raises(JobRefused, match=r"no task 'os.system' \(use one of voice.transcribe"):
        backend.submit(spec(task="os.system"))
    with pytest.raises(InvalidInput, match="prompt: Field required"):
        backend.submit(spec(payload={}))
    with pytest.raises(InvalidInput, match="tempo: Extra inputs"):
        backend.submit_many([spec(), spec(payload={"prompt": "x", "tempo": 1})])
    with pytest.raises(InvalidInput, match="temperature"):
        backend.submit(spec(payload={"prompt": "x", "temperature": float("nan")}))
    with pytest.raises(JobNotFound, match="'nobody'"):
        backend.get("nobody")
    assert not connection.exists("rq:queue:text")


def test_a_full_queue_refuses(connection: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(scripts._CONSTANTS, "MAX_WAITING", 2)
    scripts._source.cache_clear()
    try:
        backend = RQBackend(connection)
        backend.submit_many([spec(), spec()])
        with pytest.raises(JobRefused, match="try again in 10 seconds"):
            backend.submit(spec())
        backend.submit(spec(priority=Priority.HIGH))
    finally:
        scripts._source.cache_clear()


def test_high_before_normal_before_low_over_all_queues(backend: RQBackend, desk: ClaimDesk) -> None:
    speech = {"task": "voice.synthesize", "payload": {"text": "hello"}}
    low = backend.submit(spec(priority=Priority.LOW, **speech))
    normal = backend.submit(spec())
    high = backend.submit(spec(priority=Priority.HIGH))
    urgent_speech = backend.submit(spec(priority=Priority.HIGH, **speech))
    order = [claim.id for claim in iter(desk.take, None)]
    assert order == [urgent_speech, high, normal, low]


def test_an_expired_job_never_runs(backend: RQBackend, desk: ClaimDesk, connection: redis.Redis) -> None:
    job_id = backend.submit(spec(deadline_ts=time.time() - 0.01))
    assert desk.take() is None
    with pytest.raises(JobExpired):
        backend.wait(job_id, 1).value()
    assert kinds(connection) == ["job.accepted", "job.expired"]


def test_cancel_ends_waiting_jobs(backend: RQBackend, desk: ClaimDesk) -> None:
    first, second = backend.submit_many([spec(), spec()])
    assert backend.cancel(first)
    claim = desk.take()
    assert claim is not None
    assert claim.id == second
    with pytest.raises(JobCancelled):
        backend.get(first).value()
    assert not backend.cancel(first)
    assert not backend.cancel("nobody")


def test_cancel_ends_a_running_job_and_discards_its_result(
    backend: RQBackend, desk: ClaimDesk, connection: redis.Redis
) -> None:
    job_id = backend.submit(spec())
    assert desk.next_cancelled(0.01) is None
    claim = desk.take()
    assert claim is not None
    assert backend.cancel(job_id)
    assert desk.next_cancelled(5) == job_id
    assert not desk.heartbeat(claim)
    assert not desk.commit_result(claim, '{"text": "late"}', "p", False)
    assert backend.wait(job_id, 1).state is JobState.CANCELLED
    assert not connection.exists(keys.started_key("text"))
    assert kinds(connection) == ["job.accepted", "job.started", "job.cancelled"]
    assert not connection.exists("rq:worker:w1"), "a worker that does not exist was written down"
    done = backend.submit(spec())
    claim = desk.take()
    assert claim is not None
    desk.commit_result(claim, '{"text": "x"}', "p", False)
    assert not backend.cancel(done)
    assert backend.get(done).state is JobState.DONE


def test_the_wait_for_cancellations_can_be_ended(desk: ClaimDesk) -> None:
    assert desk.next_cancelled(0.01) is None
    timer = threading.Timer(0.1, desk.wake)
    timer.start()
    before = time.monotonic()
    assert desk.next_cancelled(8) is None
    assert time.monotonic() - before < 4
    timer.join()


def test_the_newest_of_a_key_wins(backend: RQBackend, desk: ClaimDesk, connection: redis.Redis) -> None:
    frames = backend.submit_many([spec(newest_key="cam-1") for _ in range(3)])
    other = backend.submit(spec(newest_key="cam-2"))
    late = backend.submit(spec(newest_key="late", due_ts=time.time() + 60))
    assert backend.submit(spec(id="soon", newest_key="late")) == "soon"
    assert [backend.get(job_id).state for job_id in [*frames, other, late]] == [
        JobState.REPLACED,
        JobState.REPLACED,
        JobState.WAITING,
        JobState.WAITING,
        JobState.REPLACED,
    ]
    with pytest.raises(JobCancelled, match="replaced by a newer one"):
        backend.wait(frames[0], 1).value()
    assert connection.llen("rq:queue:text") == 3
    assert kinds(connection).count("job.replaced") == 3
    running = desk.take()
    assert running is not None
    assert running.id == frames[2]
    backend.submit(spec(id="next", newest_key="cam-1"))
    assert desk.commit_result(running, '{"text": "x"}', "p", False)
    assert [claim.id for claim in iter(desk.take, None)] == [other, "soon", "next"]


def test_an_older_job_is_not_tried_again_after_a_newer_one(backend: RQBackend, desk: ClaimDesk) -> None:
    older = backend.submit(spec(newest_key="cam-1"))
    claim = desk.take()
    assert claim is not None
    newer = backend.submit(spec(newest_key="cam-1"))
    desk.commit_problem(claim, Outcome.FAILED, PROBLEM)
    assert [claim.id for claim in iter(desk.take, None)] == [newer]
    assert backend.get(older).state is JobState.REPLACED


def test_a_full_queue_still_takes_the_newest(connection: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(scripts._CONSTANTS, "MAX_WAITING", 2)
    scripts._source.cache_clear()
    try:
        backend = RQBackend(connection)
        backend.submit_many([spec(newest_key="cam-1"), spec()])
        backend.submit(spec(newest_key="cam-1"))
        with pytest.raises(JobRefused):
            backend.submit(spec(newest_key="cam-2"))
        assert connection.llen("rq:queue:text") == 2
        urgent = backend.submit_many([spec(priority=Priority.HIGH) for _ in range(2)])
        backend.submit(spec(priority=Priority.HIGH, newest_key="cam-1"))
        assert connection.llen("rq:queue:text-high") == len(urgent) + 1
    finally:
        scripts._source.cache_clear()


def test_nothing_starves(backend: RQBackend, connection: redis.Redis) -> None:
    """Of 8 jobs taken one is the oldest, though urgent ones keep coming, and though another queue goes first."""
    normal = backend.submit(spec())
    low = backend.submit(spec(priority=Priority.LOW))
    speech = {"task": "voice.synthesize", "payload": {"text": "hello"}, "priority": Priority.HIGH}
    backend.submit_many([spec(**speech) for _ in range(40)])
    desk = ClaimDesk(connection, "w1", ["voice", "vision", "text"])
    order = [claim.id for claim in (desk.take() for _ in range(FAIR_TURN * 2)) if claim]
    assert order[FAIR_TURN - 1] == normal
    assert order[FAIR_TURN * 2 - 1] == low


def test_failures_are_tried_again_until_the_policy_ends(backend: RQBackend, desk: ClaimDesk) -> None:
    job_id = backend.submit(spec(retry=RetryPolicy(max_attempts=2)))
    for attempt in (1, 2):
        claim = desk.take()
        assert claim is not None
        assert claim.attempt == attempt
        assert desk.commit_problem(claim, Outcome.FAILED, PROBLEM, "echo-text", "a trace")
    assert desk.take() is None
    with pytest.raises(JobFailed, match="boom") as failure:
        backend.get(job_id).value()
    assert failure.value.cause == "crashed"


def test_a_failed_job_rests_before_the_next_attempt(
    backend: RQBackend, desk: ClaimDesk, connection: redis.Redis
) -> None:
    job_id = backend.submit(spec())
    claim = desk.take()
    assert claim is not None
    failed_at = time.time()
    desk.commit_problem(claim, Outcome.FAILED, PROBLEM, delay_s=0.3)
    assert desk.take() is None
    resting = backend.get(job_id)
    assert (resting.state, resting.problem) == (JobState.SCHEDULED, PROBLEM)
    assert ScheduledJobRegistry("text", connection=connection).get_job_ids() == [job_id]
    (text,) = [figures for figures in backend.stats() if figures.queue == "text"]
    assert (text.waiting, text.scheduled) == (0, 1)
    while (second := desk.take()) is None:
        desk.wait_for_work(5)
    assert 0.3 <= time.time() - failed_at < 2
    assert (second.id, second.attempt) == (job_id, 2)


def test_no_job_rests_beyond_its_deadline(backend: RQBackend, desk: ClaimDesk) -> None:
    job_id = backend.submit(spec(deadline_ts=time.time() + 60))
    claim = desk.take()
    assert claim is not None
    desk.commit_problem(claim, Outcome.FAILED, PROBLEM, delay_s=61)
    assert backend.get(job_id).state is JobState.FAILED


def test_rests_grow_and_vary() -> None:
    policy = RetryPolicy(max_attempts=9, first_delay_s=1, max_delay_s=10)
    for attempt, ceiling_s in ((1, 1), (2, 2), (3, 4), (4, 8), (5, 10), (9, 10)):
        delays = [policy.delay_s(attempt) for _ in range(50)]
        assert ceiling_s / 2 <= min(delays) < max(delays) <= ceiling_s


def test_a_task_has_a_policy_of_its_own(backend: RQBackend, connection: redis.Redis) -> None:
    detect = TASKS["vision.detect"]
    job_id = backend.submit(spec())
    frame = backend.submit(spec(task=detect.name, payload={"image": "aGVsbG8="}))
    other = backend.submit(spec(retry=RetryPolicy(max_attempts=7)))
    allowed = [connection.hget(keys.job_key(id_), "max_attempts") for id_ in (job_id, frame, other)]
    assert allowed == [b"3", b"%d" % detect.retry.max_attempts, b"7"]
    assert detect.retry.max_attempts != 3


def test_a_scheduled_job_starts_when_it_is_due_and_not_before(backend: RQBackend, desk: ClaimDesk) -> None:
    due_ts = time.time() + 0.4
    later = backend.submit(spec(due_ts=due_ts + 60))
    job_id = backend.submit(spec(due_ts=due_ts))
    record = backend.get(job_id)
    assert (record.state, record.due_ts) == (JobState.SCHEDULED, due_ts)
    while (claim := desk.take()) is None:
        desk.wait_for_work(5)
    assert due_ts <= time.time() < due_ts + 2
    assert claim.id == job_id
    assert backend.get(later).state is JobState.SCHEDULED


def test_a_worker_that_waits_learns_of_a_nearer_time(backend: RQBackend, desk: ClaimDesk) -> None:
    backend.submit(spec(due_ts=time.time() + 60))
    assert desk.take() is None
    desk.wait_for_work(0.01)
    timer = threading.Timer(0.1, lambda: backend.submit(spec(id="near", due_ts=time.time() + 0.1)))
    timer.start()
    before = time.monotonic()
    while (claim := desk.take()) is None:
        desk.wait_for_work(8)
    assert claim.id == "near"
    assert time.monotonic() - before < 4
    timer.join()


def test_a_scheduled_job_can_be_cancelled(backend: RQBackend, desk: ClaimDesk, connection: redis.Redis) -> None:
    job_id = backend.submit(spec(due_ts=time.time() + 60))
    assert backend.cancel(job_id)
    assert backend.get(job_id).state is JobState.CANCELLED
    assert not connection.exists(keys.scheduled_key("text"))


def test_a_job_that_would_be_due_after_its_deadline_is_refused() -> None:
    now = time.time()
    with pytest.raises(ValueError, match="it would never run"):
        spec(due_ts=now + 2, deadline_ts=now + 1)


def test_scheduled_jobs_count_as_waiting_where_a_queue_is_full(
    connection: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(scripts._CONSTANTS, "MAX_WAITING", 2)
    scripts._source.cache_clear()
    try:
        backend = RQBackend(connection)
        backend.submit_many([spec(due_ts=time.time() + 60), spec()])
        with pytest.raises(JobRefused):
            backend.submit(spec(due_ts=time.time() + 60))
    finally:
        scripts._source.cache_clear()


def bury(backend: RQBackend, desk: ClaimDesk, *specs: JobSpec) -> list[str]:
    ids = backend.submit_many(specs)
    for claim in iter(desk.take, None):
        assert desk.commit_problem(claim, Outcome.HOPELESS, PROBLEM, "echo-text", "Traceback: at line 1")
    return ids


def test_a_dead_letter_tells_everything(backend: RQBackend, desk: ClaimDesk) -> None:
    first, urgent = bury(backend, desk, spec(origin="test"), spec(priority=Priority.HIGH))
    # The urgent one was taken, and buried, before the first.
    assert [letter.record.id for letter in backend.dead_letters("text", 10)] == [first, urgent]
    assert len(backend.dead_letters("text", 1)) == len(backend.dead_letters("text", 10, offset=1)) == 1
    assert backend.dead_letters("voice", 10) == []
    letter = backend.dead_letter(first)
    assert letter.spec is not None
    assert letter.spec.payload == {"prompt": "hello"}
    assert letter.traceback == "Traceback: at line 1"
    assert (letter.record.attempts, letter.record.problem, letter.record.origin) == (1, PROBLEM, "test")
    with pytest.raises(JobRefused, match="no queue 'txet'"):
        backend.dead_letters("txet", 1)
    with pytest.raises(JobNotFound, match="it is waiting"):
        backend.dead_letter(backend.submit(spec()))


def test_a_requeued_job_has_all_its_attempts_again(
    backend: RQBackend, desk: ClaimDesk, connection: redis.Redis
) -> None:
    (job_id,) = bury(backend, desk, spec(retry=RetryPolicy(max_attempts=2)))
    assert connection.ttl(keys.job_key(job_id)) > 0
    assert backend.requeue(job_id)
    assert not backend.requeue(job_id)
    waiting = backend.get(job_id)
    assert (waiting.state, waiting.problem, waiting.ended_ts) == (JobState.WAITING, None, None)
    assert connection.ttl(keys.job_key(job_id)) == -1
    assert backend.dead_letters("text", 10) == []
    attempts = []
    for claim in iter(desk.take, None):
        attempts.append(claim.attempt)
        desk.commit_problem(claim, Outcome.FAILED, PROBLEM)
    assert attempts == [2, 3]
    assert [letter.record.id for letter in backend.dead_letters("text", 10)] == [job_id]
    assert [record.id for record in backend.recent(10)] == [job_id]


def test_a_requeued_job_runs_though_its_deadline_has_passed(backend: RQBackend, desk: ClaimDesk) -> None:
    deadline_ts = time.time() + 0.2
    (job_id,) = bury(backend, desk, spec(deadline_ts=deadline_ts))
    while time.time() < deadline_ts:
        time.sleep(0.01)
    assert backend.requeue(job_id)
    claim = desk.take()
    assert claim is not None
    assert claim.id == job_id


def test_all_dead_letters_of_a_queue_at_once(backend: RQBackend, desk: ClaimDesk, connection: redis.Redis) -> None:
    ids = bury(backend, desk, *[spec(priority=priority) for priority in Priority for _ in range(400)])
    assert backend.purge(ids[0])
    assert not backend.purge(ids[0])
    assert backend.requeue_all("text") == len(ids) - 1
    for claim in iter(desk.take, None):
        desk.commit_problem(claim, Outcome.HOPELESS, PROBLEM)
    assert backend.requeue_all("voice") == 0
    assert backend.purge_all("text") == len(ids) - 1
    assert not list(connection.scan_iter("rq:job:*"))
    assert backend.recent(10) == []


def test_a_strangers_dead_letter_can_be_requeued_and_purged(
    backend: RQBackend, desk: ClaimDesk, connection: redis.Redis
) -> None:
    stranger = Queue("text", connection=connection, serializer=JSONSerializer).enqueue("os.getpid")
    (job_id,) = bury(backend, desk, spec())
    letters = {letter.record.id: letter.spec for letter in backend.dead_letters("text", 10)}
    assert letters.keys() == {stranger.id, job_id}
    assert letters[stranger.id] is None
    assert backend.requeue_all("text") == 2
    for claim in iter(desk.take, None):
        desk.commit_problem(claim, Outcome.FAILED, PROBLEM)
    assert backend.get(stranger.id).state is JobState.FAILED
    assert backend.purge_all("text") == 2


def test_registries_forget_what_has_expired(backend: RQBackend, desk: ClaimDesk, connection: redis.Redis) -> None:
    done = backend.submit(spec())
    claim = desk.take()
    assert claim is not None
    desk.commit_result(claim, '{"text": "x"}', "p", False)
    (dead,) = bury(backend, desk, spec())
    cancelled = backend.submit(spec())
    backend.cancel(cancelled)
    registries = {"rq:finished:text": done, "rq:failed:text": dead, "rq:canceled:text": cancelled}
    desk.reap()
    assert all(connection.zcard(registry) == 1 for registry in registries)
    for registry, job_id in registries.items():
        connection.zadd(registry, {job_id: time.time() - 1})
    desk.reap()
    assert not any(connection.exists(registry) for registry in registries)


def test_a_lost_lease_is_reaped_and_its_late_result_discarded(
    backend: RQBackend, desk: ClaimDesk, connection: redis.Redis
) -> None:
    job_id = backend.submit(spec())
    late = desk.take()
    assert late is not None
    assert desk.heartbeat(late)
    assert desk.reap() == 0
    connection.zadd("rq:wip:text", {f"{late.id}:{late.execution}": time.time() - 1})
    assert desk.reap() == 1
    assert not desk.heartbeat(late)
    second = ClaimDesk(connection, "w2", ["text"]).take()
    assert second is not None
    assert (second.id, second.attempt) == (job_id, 2)
    assert not desk.commit_result(late, '{"text": "late"}', "p", False)
    assert desk.commit_result(second, '{"text": "second"}', "p", False)
    assert backend.get(job_id).value() == {"text": "second"}


def test_a_job_that_kills_its_workers_becomes_a_dead_letter(
    backend: RQBackend, desk: ClaimDesk, connection: redis.Redis
) -> None:
    job_id = backend.submit(spec(retry=RetryPolicy(max_attempts=3)))
    for _ in range(3):
        claim = desk.take()
        assert claim is not None
        connection.zadd("rq:wip:text", {f"{claim.id}:{claim.execution}": 1})
        assert desk.reap() == 1
    assert desk.take() is None
    record = backend.get(job_id)
    assert record.state is JobState.FAILED
    assert record.problem is not None
    assert record.problem.code == "lost"


@pytest.mark.parametrize(
    "data",
    [
        json.dumps(["os.system", None, ["touch /tmp/canary"], {}]).encode(),
        pickle.dumps(("os.system", None, ["touch /tmp/canary"], {})),
        b"[" * 100_000,
        b"\xff\xfe",
        json.dumps(["rider_core.worker.perform", None, [], {"spec": {"task": "text.generate"}}]).encode(),
        json.dumps(["os.system", None, [], {"spec": {"task": "text.generate", "payload": {"prompt": "x"}}}]).encode(),
    ],
)
def test_a_strangers_job_is_not_decoded_into_code(data: bytes) -> None:
    with pytest.raises(InvalidInput):
        spec_from_data(data)


def test_wait_is_woken_and_gives_up(backend: RQBackend, desk: ClaimDesk) -> None:
    job_id = backend.submit(spec())
    with pytest.raises(WaitTimeout, match="is still waiting"):
        backend.wait(job_id, 0.05)
    claim = desk.take()
    assert claim is not None
    timer = threading.Timer(0.05, desk.commit_result, [claim, '{"text": "x"}', "p", False])
    timer.start()
    assert backend.wait(job_id, 5).state is JobState.DONE
    timer.join()


def test_the_doorbell_wakes_a_waiting_worker(backend: RQBackend, desk: ClaimDesk) -> None:
    desk.wait_for_work(0.01)
    timer = threading.Timer(0.1, backend.submit, [spec()])
    timer.start()
    before = time.monotonic()
    desk.wait_for_work(8)
    assert time.monotonic() - before < 4
    timer.join()
    assert desk.take() is not None


def test_while_redis_is_away_nothing_is_accepted(backend: RQBackend, valkey: Valkey) -> None:
    kept = backend.submit(spec())
    valkey.kill()
    with pytest.raises(BackendUnavailable, match="Redis cannot be reached"):
        backend.submit(spec(id="refused"))
    valkey.start()
    assert backend.get(kept).state is JobState.WAITING
    with pytest.raises(JobNotFound):
        backend.get("refused")


def test_a_followed_job_tells_its_whole_story(backend: RQBackend, desk: ClaimDesk, connection: redis.Redis) -> None:
    bus = EventBus(connection, "test")
    job_id = backend.submit(spec(stream=True))
    claim = desk.take()
    assert claim is not None
    desk.commit_result(claim, '{"text": "x"}', "p", False)
    assert [event.kind for event in bus.follow(job_id, 5)] == ["job.accepted", "job.started", "job.done"]


def test_the_house_stream_is_bounded_and_losses_are_counted(connection: redis.Redis) -> None:
    """A listener that sleeps while 12,000 events are said hears the newest, and how many it missed."""
    bus = EventBus(connection, "test")
    bus.publish("process.status", n="before")
    dropped: list[int] = []
    end = time.monotonic() + 10
    listener = bus.listen(lambda: time.monotonic() > end, dropped.append)
    timer = threading.Timer(0.2, bus.publish, ["process.status"], {"n": "first"})
    timer.start()
    assert next(listener).data == {"n": "first"}
    for _ in range(11_999):
        bus.publish("process.status", n="many")
    bus.publish("process.status", n="last")
    heard = list(itertools.takewhile(lambda event: event.data != {"n": "last"}, listener))
    assert connection.xlen(HOUSE_STREAM) < 6_000
    assert sum(dropped) > 5_000
    assert len(heard) + sum(dropped) == 11_999
    timer.join()


def test_dead_letters_are_bounded(connection: redis.Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(scripts._CONSTANTS, "DEAD_LETTERS_KEPT", 2)
    scripts._source.cache_clear()
    try:
        backend, desk = RQBackend(connection), ClaimDesk(connection, "w1", ["text"])
        ids = backend.submit_many([spec() for _ in range(4)])
        for claim in iter(desk.take, None):
            desk.commit_problem(claim, Outcome.HOPELESS, PROBLEM)
        assert connection.zcard(keys.failed_key("text")) == 2
        assert not connection.exists(keys.job_key(ids[0]))
    finally:
        scripts._source.cache_clear()
