"""The contract of a job backend: what is accepted and refused, in which order it is taken, how it is waited for."""

from __future__ import annotations

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from rider_core.api.jobs import JobState, Priority
from rider_core.api.tasks import TASKS
from rider_core.errors import InvalidInput, JobCancelled, JobExpired, JobNotFound, JobRefused, QueueFull, WaitTimeout
from rider_core.eventbus import EventBus
from rider_core.jobs.ledger import Ended, Outcome, keys
from rider_core.jobs.ledger import backend as ledger_backend
from rider_core.jobs.ledger.admission import REFRESH_S
from rider_core.jobs.ledger.codec import rq_time
from rider_core.jobs.ledger.desk import FAIR_TURN
from rider_core.jobs.ledger.functions import MAX_TOLD_BYTES
from rider_core.testing.jobs.stage import Stage, spec
from rider_core.timing import Stopwatch


class JobLifeContract:
    """Submitting, taking, ending."""

    def test_a_job_goes_its_way(self, stage: Stage) -> None:
        backend = stage.backend
        job_id = backend.submit(spec(origin="test"))
        assert backend.get(job_id).state is JobState.WAITING
        claim = stage.take()
        assert stage.prompt_of(claim) == "hello"
        running = backend.get(job_id)
        assert (running.state, running.attempts) == (JobState.RUNNING, 1)
        assert stage.done(claim, "hello")
        done = backend.wait(job_id, 1)
        assert done.value() == {"text": "hello"}
        assert (done.state, done.provider, done.mock, done.origin) == (JobState.DONE, "echo-text", True, "test")
        assert done.submitted_ts <= (done.started_ts or 0) <= (done.ended_ts or 0)
        assert [record.id for record in backend.recent(10)] == [job_id]
        assert stage.kinds() == ["job.accepted", "job.started", "job.done"]

    def test_the_same_id_is_accepted_once(self, stage: Stage) -> None:
        job = spec(id="once")
        assert stage.backend.submit(job) == stage.backend.submit(job) == "once"
        assert stage.backend.submit_many([job, job]) == ["once", "once"]
        assert [claim.id for claim in stage.take_all()] == ["once"]

    def test_refusals_name_what_is_wrong(self, stage: Stage) -> None:
        backend = stage.backend
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
        stage.takes_nothing()

    @pytest.mark.parametrize("length", [10, 2 * MAX_TOLD_BYTES])
    def test_run_submits_and_waits(self, stage: Stage, length: int) -> None:
        """A short result comes with the word that the job has ended, a long one is fetched."""
        order = spec()
        with ThreadPoolExecutor(1) as pool:
            running = pool.submit(stage.backend.run, order, 20)
            claim = stage.take()
            stage.desk.commit([Ended(claim, Outcome.DONE, json.dumps({"text": "x" * length}), "echo-text", True)])
            record = running.result(20)
        assert (record.id, record.state, record.value()) == (order.id, JobState.DONE, {"text": "x" * length})

    def test_what_came_before_the_first_wait_is_not_slept_through(self, stage: Stage) -> None:
        desk = stage.desk_of("fresh")
        assert desk.take() == []
        job_id = stage.backend.submit(spec())
        watch = Stopwatch.start()
        desk.wait_for_work(15)
        assert watch.elapsed_s < 10
        assert stage.take("fresh").id == job_id

    def test_run_gives_up_after_its_time(self, stage: Stage) -> None:
        order = spec()
        with pytest.raises(WaitTimeout, match=f"{order.id} is still waiting"):
            stage.backend.run(order, 0.05)
        assert stage.take().id == order.id

    @pytest.mark.usefixtures("max_waiting")
    def test_a_full_queue_refuses_all_or_none(self, stage: Stage) -> None:
        due_ts = time.time() + 60
        for later in (None, due_ts):
            stage.backend.submit_many([spec(due_ts=later), spec(due_ts=later)])
            with pytest.raises(QueueFull, match=r"jobs are waiting in text.*try again in 10 seconds") as refusal:
                stage.backend.submit(spec(due_ts=later))
            assert refusal.value.retry_after_s == 10
            with pytest.raises(QueueFull):
                stage.backend.submit_many([spec(due_ts=later, priority=Priority.HIGH) for _ in range(3)])
        assert [(figures.waiting, figures.scheduled) for figures in stage.backend.stats()] == [(0, 0), (0, 0), (2, 2)]
        stage.backend.submit(spec(priority=Priority.HIGH))

    @pytest.mark.usefixtures("max_waiting")
    def test_a_full_queue_still_takes_the_newest(self, stage: Stage) -> None:
        stage.backend.submit_many([spec(newest_key="cam-1"), spec()])
        stage.backend.submit(spec(newest_key="cam-1"))
        with pytest.raises(QueueFull):
            stage.backend.submit(spec(newest_key="cam-2"))
        assert stage.backend.stats()[2].waiting == 2

    def test_a_full_memory_refuses_new_jobs_and_ends_old_ones(self, stage: Stage) -> None:
        job_id = stage.backend.submit(spec())
        used = int(stage.connection.info("memory")["used_memory"])
        stage.connection.config_set("maxmemory-policy", "noeviction")
        stage.connection.config_set("maxmemory", int(used * 1.05))
        time.sleep(REFRESH_S * 1.1)  # the very thing: its knowledge may be that old
        try:
            with pytest.raises(QueueFull, match="no more jobs are taken") as refusal:
                stage.backend.submit(spec())
            assert refusal.value.retry_after_s > 0
            assert stage.done(stage.take(), "x")
        finally:
            stage.connection.config_set("maxmemory", 0)
        assert stage.backend.get(job_id).state is JobState.DONE

    def test_high_before_normal_before_low_over_all_queues(self, stage: Stage) -> None:
        speech = {"task": "voice.synthesize", "payload": {"text": "hello"}}
        low = stage.backend.submit(spec(priority=Priority.LOW, **speech))
        normal = stage.backend.submit(spec())
        high = stage.backend.submit(spec(priority=Priority.HIGH))
        urgent_speech = stage.backend.submit(spec(priority=Priority.HIGH, **speech))
        stage.let_arrive()
        assert [claim.id for claim in stage.take_all()] == [urgent_speech, high, normal, low]

    def test_nothing_starves(self, stage: Stage) -> None:
        """Of 8 jobs taken one is the oldest, though urgent ones keep coming, and though another queue goes first."""
        normal = stage.backend.submit(spec())
        low = stage.backend.submit(spec(priority=Priority.LOW))
        speech = {"task": "voice.synthesize", "payload": {"text": "hello"}, "priority": Priority.HIGH}
        stage.backend.submit_many([spec(**speech) for _ in range(40)])
        order = []
        for _ in range(FAIR_TURN * 2):
            stage.let_arrive()
            claim = stage.take()
            order.append(claim.id)
            stage.done(claim, "x")
        assert order[FAIR_TURN - 1] == normal
        assert order[FAIR_TURN * 2 - 1] == low

    def test_an_expired_job_never_runs(self, stage: Stage) -> None:
        job_id = stage.backend.submit(spec(deadline_ts=time.time() - 0.01))
        stage.takes_nothing()
        with pytest.raises(JobExpired):
            stage.backend.wait(job_id, 1).value()
        assert stage.kinds() == ["job.accepted", "job.expired"]

    def test_cancel_ends_waiting_jobs(self, stage: Stage) -> None:
        first, second = stage.backend.submit_many([spec(), spec()])
        assert stage.backend.cancel(first)
        assert [claim.id for claim in stage.take_all()] == [second]
        with pytest.raises(JobCancelled):
            stage.backend.get(first).value()
        assert not stage.backend.cancel(first)
        assert not stage.backend.cancel("nobody")

    def test_cancel_ends_a_running_job_and_discards_its_result(self, stage: Stage) -> None:
        stage.desk.hear_cancellations()
        job_id = stage.backend.submit(spec())
        claim = stage.take()
        assert stage.backend.cancel(job_id)
        assert stage.desk.next_cancelled(5) == job_id
        assert stage.desk.heartbeat([claim]) == [claim]
        assert not stage.done(claim, "late")
        assert stage.backend.wait(job_id, 1).state is JobState.CANCELLED
        assert not stage.connection.exists(keys.started_key("text"))
        assert stage.kinds() == ["job.accepted", "job.started", "job.cancelled"]
        assert not stage.connection.exists("rq:worker:w1"), "a worker that does not exist was written down"
        done = stage.backend.submit(spec())
        stage.done(stage.take(), "x")
        assert not stage.backend.cancel(done)
        assert stage.backend.get(done).state is JobState.DONE

    def test_the_wait_for_cancellations_can_be_ended(self, stage: Stage) -> None:
        stage.desk.hear_cancellations()
        timer = threading.Timer(0.1, stage.desk.wake)
        timer.start()
        before = time.monotonic()
        assert stage.desk.next_cancelled(8) is None
        assert time.monotonic() - before < 4
        timer.join()

    def test_the_newest_of_a_key_wins(self, stage: Stage) -> None:
        backend = stage.backend
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
        assert backend.stats()[2].waiting == 3
        assert stage.kinds().count("job.replaced") == 3
        assert backend.recent(10) == [], "replaced frames would push everything else out"
        running = stage.take()
        assert running.id == frames[2]
        backend.submit(spec(id="next", newest_key="cam-1"))
        assert stage.done(running, "x")
        assert [claim.id for claim in stage.take_all()] == [other, "soon", "next"]

    def test_an_older_job_is_not_tried_again_after_a_newer_one(self, stage: Stage) -> None:
        older = stage.backend.submit(spec(newest_key="cam-1"))
        claim = stage.take()
        newer = stage.backend.submit(spec(newest_key="cam-1"))
        stage.fail(claim)
        assert [claim.id for claim in stage.take_all()] == [newer]
        assert stage.backend.get(older).state is JobState.REPLACED

    def test_a_scheduled_job_starts_when_it_is_due_and_not_before(self, stage: Stage) -> None:
        due_ts = time.time() + 0.4
        later = stage.backend.submit(spec(due_ts=due_ts + 60))
        job_id = stage.backend.submit(spec(due_ts=due_ts))
        record = stage.backend.get(job_id)
        assert (record.state, record.due_ts) == (JobState.SCHEDULED, due_ts)
        assert stage.backend.stats()[2].scheduled == 2
        assert stage.take().id == job_id
        assert due_ts <= time.time() < due_ts + 2
        assert stage.backend.get(later).state is JobState.SCHEDULED

    def test_a_worker_that_waits_learns_of_a_nearer_time(self, stage: Stage) -> None:
        stage.backend.submit(spec(due_ts=time.time() + 60))
        stage.takes_nothing()
        stage.desk.wait_for_work(0.01)
        timer = threading.Timer(0.1, lambda: stage.backend.submit(spec(id="near", due_ts=time.time() + 0.1)))
        timer.start()
        before = time.monotonic()
        stage.desk.wait_for_work(8)
        assert stage.take().id == "near"
        assert time.monotonic() - before < 4
        timer.join()

    def test_a_scheduled_job_can_be_cancelled(self, stage: Stage) -> None:
        job_id = stage.backend.submit(spec(due_ts=time.time() + 60))
        assert stage.backend.cancel(job_id)
        assert stage.backend.get(job_id).state is JobState.CANCELLED
        assert stage.backend.stats()[2].scheduled == 0

    def test_wait_is_woken_and_gives_up(self, stage: Stage, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(ledger_backend, "WAIT_RECHECK_S", 60.0)
        job_id = stage.backend.submit(spec())
        with pytest.raises(WaitTimeout, match="is still waiting"):
            stage.backend.wait(job_id, 0.05)
        claim = stage.take()
        timer = threading.Timer(0.05, stage.done, [claim, "x"])
        timer.start()
        before = time.monotonic()
        assert stage.backend.wait(job_id, 8).state is JobState.DONE
        assert time.monotonic() - before < 4
        timer.join()

    def test_an_end_of_which_no_word_came_is_found(self, stage: Stage) -> None:
        job_id = stage.backend.submit(spec())
        ended = {"status": "finished", "ended_at": rq_time(time.time()), "result": "{}"}
        timer = threading.Timer(0.1, stage.connection.hset, [keys.job_key(job_id)], {"mapping": ended})
        timer.start()
        before = time.monotonic()
        assert stage.backend.wait(job_id, 8).state is JobState.DONE
        assert time.monotonic() - before < 4
        timer.join()

    def test_a_waiting_worker_is_woken(self, stage: Stage) -> None:
        stage.takes_nothing()
        timer = threading.Timer(0.1, stage.backend.submit, [spec()])
        timer.start()
        before = time.monotonic()
        stage.desk.wait_for_work(8)
        assert time.monotonic() - before < 4
        timer.join()
        assert stage.desk.take()

    def test_a_followed_job_tells_its_whole_story(self, stage: Stage) -> None:
        job_id = stage.backend.submit(spec(stream=True))
        stage.done(stage.take(), "x")
        events = EventBus(stage.connection, "test").follow(job_id, 5)
        assert [event.kind for event in events] == ["job.accepted", "job.started", "job.done"]

    def test_short_jobs_are_taken_together_and_urgent_ones_first(self, stage: Stage) -> None:
        normal = stage.backend.submit_many([spec() for _ in range(5)])
        high = stage.backend.submit(spec(priority=Priority.HIGH))
        stage.let_arrive()
        limits = {"text.generate": 3}
        first, second = (stage.take_together(limits=limits) for _ in range(2))
        rest = stage.take_all()
        assert [claim.id for claim in first] == [high]
        assert 1 <= len(second) <= 3
        assert sorted(claim.id for claim in [*second, *rest]) == sorted(normal)

    def test_what_was_not_begun_goes_back_without_an_attempt(self, stage: Stage) -> None:
        job_id = stage.backend.submit(spec())
        stage.give_back(stage.take())
        assert stage.backend.get(job_id).attempts == 0
        claim = stage.take()
        assert (claim.id, claim.attempt) == (job_id, 1)

    def test_figures_agree_with_what_happened(self, stage: Stage) -> None:
        backend = stage.backend
        backend.submit_many([spec(id=f"job-{n}") for n in range(4)])
        backend.cancel("job-3")
        first, second, third = stage.take_all()
        stage.done(first, "x")
        stage.fail(second)
        (again,) = stage.take_all()
        stage.fail(again, Outcome.HOPELESS)
        backend.cancel(third.id)
        stage.done(third, "late")
        backend.submit_many([spec(newest_key="k"), spec(newest_key="k", deadline_ts=time.time() - 1)])
        stage.takes_nothing()
        (figures,) = [one for one in backend.figures() if one.task == "text.generate"]
        counters = figures.model_dump(exclude={"waited", "ran", "took", "task"})
        assert counters == {
            "queue": TASKS["text.generate"].queue,
            "accepted": 6,
            "started": 4,
            "done": 1,
            "failed": 1,
            "expired": 1,
            "replaced": 1,
            "cancelled": 2,
            "retried": 1,
            "requeued": 0,
            "discarded": 1,
            "returned": 0,
            "withdrawn": 0,
        }
        assert (sum(figures.waited.counts), sum(figures.ran.counts), sum(figures.took.counts)) == (3, 3, 1)
        assert 0 < figures.took.sum_s < 20
        assert figures.took.quantile_s(0.5) in figures.took.bounds_s

    def test_stats_know_the_age_of_the_oldest(self, stage: Stage) -> None:
        assert [figures.oldest_s for figures in stage.backend.stats()] == [None, None, None]
        stage.backend.submit(spec())
        before = time.monotonic()
        stage.backend.submit(spec(priority=Priority.HIGH))
        age_s = stage.backend.stats()[2].oldest_s
        assert age_s is not None
        assert time.monotonic() - before <= age_s + 0.05 < 5
