"""The worker class. RQ starts it, names it and shows it; dequeuing, running and ending jobs is ours."""

from __future__ import annotations

import gc
import logging
import math
import os
import signal
import socket
import threading
import time
from contextlib import suppress
from types import FrameType
from typing import Any

import redis
from rq import worker_registration
from rq.serializers import JSONSerializer
from rq.worker import BaseWorker, WorkerStatus

from rider_core.api.tasks import QUEUES
from rider_core.config import load_settings
from rider_core.errors import BackendUnavailable, ConfigError
from rider_core.jobs import AttemptResult, LeasedJob, Outcome, lanes_of, remove_old_keys
from rider_core.runtime.process import StatusReporter
from rider_core.runtime.redis_connection import connect_like
from rider_core.runtime.services import Services
from rider_core.timing import Stopwatch, backoff_delays
from rider_core.worker.answer_cache import AnswerCache
from rider_core.worker.batch_sizer import BatchSizer
from rider_core.worker.breakers import Breakers
from rider_core.worker.cached_generator import CachedGenerator
from rider_core.worker.engine_calls import EngineCalls
from rider_core.worker.heartbeat import HeartbeatThread
from rider_core.worker.job_runner import JobRunner
from rider_core.worker.memory import MemoryLimit
from rider_core.worker.prefetcher import Prefetcher
from rider_core.worker.provider_pool import ProviderPool
from rider_core.worker.result_writer import ResultWriter

log = logging.getLogger(__name__)

#: Maximum wait for a job, in seconds; a wake-up message ends it early. A stop signal, and a job that RQ's own tools
#: enqueued without a wake-up message, are noticed within this time.
WAIT_S = 1.0
#: Maximum wait for the engines at the start of a worker, in seconds; slower ones open while jobs of others run.
START_WAIT_S = 5.0
#: Time in seconds without a heartbeat after which RQ's record of a worker expires (RQ adds 60 s of its own).
RECORD_TTL_S = 30
#: Number of new objects after which the garbage collector looks for cycles. A dozen jobs reach Python's default of 700,
#: and collections would take a twelfth of the worker's time.
GARBAGE_THRESHOLD = 10_000


class ProviderWorker(BaseWorker):
    """Dequeues jobs of the given queues, every priority of each, and runs them in this process, one after another.

    Several jobs are dequeued together where they are short, or where their engine runs them faster together.
    """

    log_result_lifespan = False

    def __init__(self, queues: Any, *args: Any, services: Services | None = None, **options: Any) -> None:
        """
        Args:
            queues: Names out of `rider_core.api.QUEUES`, or RQ's queue objects of these names.
            services: None: opened with the settings, on RQ's connection.
        """
        names = queues if isinstance(queues, list | tuple) else [queues]
        self._our_queues = list(dict.fromkeys(str(getattr(queue, "name", queue)) for queue in names))
        options.update(serializer=JSONSerializer, log_job_description=False, worker_ttl=RECORD_TTL_S)
        options.pop("default_worker_ttl", None)
        expanded = [rq_name for name in self._our_queues for rq_name in lanes_of(name)]
        options["name"] = options.get("name") or f"{socket.gethostname()}-{os.getpid()}"
        super().__init__(expanded, *args, **options)
        self._given_services = services
        self._busy = False
        self._next: list[LeasedJob] = []
        #: The present jobs were leased in the round trip that ended the ones before them.
        self._in_a_row = False
        self._found_nothing = False
        self._announcing = threading.Lock()  # an older state must not be written last

    # RQ's own maintenance works on keys that we do not use; reaping is the heartbeat thread's.
    def run_maintenance_tasks(self) -> None:
        pass

    @property
    def should_run_maintenance_tasks(self) -> bool:
        return False

    # RQ's remote commands would kill a work horse, and there is none.
    def subscribe(self) -> None:
        pass

    def unsubscribe(self) -> None:
        pass

    def work(self, *args: Any, **options: Any) -> bool:
        unknown = [name for name in self._our_queues if name not in QUEUES]
        if unknown:
            raise ConfigError(f"there is no queue {unknown[0]!r}", remedy=f"use {' '.join(QUEUES)}")
        connection = connect_like(self.connection)
        services = self._given_services or Services.open(load_settings(), self.name, connection)
        settings = services.settings
        if message := remove_old_keys(connection):
            log.warning("%s", message)
        self._breakers = Breakers(connection, settings.breaker_failures, settings.breaker_rest_s)
        self._pool = ProviderPool(services, self._our_queues, self._breakers)
        self._consumer = services.backend.consumer(self.name, self._our_queues)
        self._batch_sizer = BatchSizer()
        self._memory = MemoryLimit(settings.worker_memory_mb)
        self._results = ResultWriter(self._consumer)
        self._prefetcher = Prefetcher(self._consumer, self._results)
        self._cache = AnswerCache(connection, settings.answer_cache_bytes, settings.answer_cache_age_s)
        engine_calls = EngineCalls(self._breakers, CachedGenerator(services.prompts, self._cache))
        self._runner = JobRunner(self._consumer, self._pool, engine_calls, services.bus, self._batch_sizer)
        self._heartbeat = HeartbeatThread(
            self._consumer, self._renew_record, self._engine_hangs, services.backend.timings.engine_limit_s
        )
        reporter = StatusReporter(services.bus, self._describe)
        try:
            in_burst = options.get("burst", args[:1] == (True,))
            self._pool.warm_up(math.inf if in_burst else START_WAIT_S)
            self._memory.start()
            services.plugins.notify("on_startup", services=services)
            reporter.start()
            self._results.start()
            # What is loaded now stays, and short jobs leave few cycles.
            gc.freeze()
            gc.set_threshold(GARBAGE_THRESHOLD)
            return bool(super().work(*args, **options))
        finally:
            self._release_unstarted()
            reporter.stop()
            self._heartbeat.stop()
            self._prefetcher.stop()
            self._results.stop()
            self._consumer.close()
            services.plugins.notify("on_shutdown", services=services)
            self._pool.close()
            services.close()

    # RQ would name the process after each of its jobs.
    def procline(self, message: str) -> None:
        pass

    def bootstrap(self, *args: Any, **options: Any) -> None:
        # Before the worker is registered and may be sent a signal; RQ installs its handlers after that.
        self._install_signal_handlers()
        super().bootstrap(*args, **options)
        self.set_state(WorkerStatus.IDLE)
        self._heartbeat.start()
        # Last: the announced tasks mean that the worker has started. A lost connection to Redis no longer ends it here.
        self._pool.on_change = self._announce
        self._announce()

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """For both stop signals, however often: the worker ends after the running job. Nothing is raised here: it could
        hit between the dequeue of a job and its start."""
        self._stop_requested = True

    request_force_stop = request_stop

    def _install_signal_handlers(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.request_stop)

    # In RQ each of these is a round trip for every job. Here `dequeue` checks the suspension and writes the worker's
    # state, and the heartbeat thread renews its record.
    def check_for_suspension(self, burst: bool) -> None:
        pass

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        pass

    def dequeue_job_and_maintain_ttl(self, timeout: int | None, max_idle_time: int | None = None) -> Any:
        """The next leased jobs. None: no job waits (in burst mode), or the worker should stop."""
        idle = Stopwatch.start()
        delays = backoff_delays(0.2, 5.0)
        while not self._stop_requested:
            try:
                self._pool.follow_choices()
                leased_jobs, self._next = self._next, []
                self._in_a_row = bool(leased_jobs)
                if not leased_jobs and self._pool.is_cold:
                    self._pool.warm_up()
                if not leased_jobs and not self._found_nothing:
                    leased_jobs = self._consumer.dequeue(self._limits())
                if leased_jobs:
                    return leased_jobs, None
                self._found_nothing = False
                if timeout is None:
                    if self._consumer.is_drained():
                        return None
                    continue
                if max_idle_time is not None and idle.elapsed_s >= max_idle_time:
                    return None
                self._consumer.wait_for_work(WAIT_S)
                delays = backoff_delays(0.2, 5.0)
            except (redis.RedisError, BackendUnavailable) as error:
                delay_s = next(delays)
                log.warning("no jobs can be taken: %s; next try in %.1f s", error, delay_s)
                time.sleep(delay_s)
        return None

    def execute_job(self, job: Any, queue: Any) -> None:
        """Run the jobs that were leased together; lease the next ones in the round trip that stores the results."""
        leased_jobs: list[LeasedJob] = job
        self._busy = True
        try:
            leased_jobs = self._mark_started(leased_jobs)
            self._gather(leased_jobs)
            self._run(leased_jobs)
            linger_s = self._batch_sizer.linger_s(leased_jobs[0].task, len(leased_jobs))
            if linger_s:  # to sleep for no time takes 75 µs
                time.sleep(linger_s)
            self._next = self._prefetcher.prefetched()
            if not self._next or self._stop_requested:
                self._next += self._results.commit_and_dequeue(None if self._stop_requested else self._limits())
            self._found_nothing = not self._next
        except (redis.RedisError, BackendUnavailable) as error:
            # Where Redis is away at the end, the leases run out, and the jobs are run again.
            names = ", ".join(leased.id for leased in leased_jobs[:5])
            log.error("%d job(s) (%s): their results could not be stored: %s", len(leased_jobs), names, error)
            self._consumer.nack(leased_jobs)
            self._next = self._prefetcher.prefetched()
        finally:
            self._heartbeat.hold([])
            self._busy = False

    def _mark_started(self, leased_jobs: list[LeasedJob]) -> list[LeasedJob]:
        """Mark prefetched jobs as started, and prefetch the next ones where short jobs follow each other."""
        now, task = time.time(), leased_jobs[0].task
        started = [leased._replace(started_ts=now, prefetched=False) for leased in leased_jobs if leased.prefetched]
        short = self._batch_sizer.should_prefetch(task) and self._pool.max_batch(task) == 1
        limits = self._limits() if short and self._in_a_row and not self._stop_requested else None
        if started or (limits and self._consumer.can_prefetch):
            self._prefetcher.prefetch(started, limits)
        return started or leased_jobs

    def _gather(self, leased_jobs: list[LeasedJob]) -> None:
        """Wait up to the engine's `max_wait_ms` for more jobs of the task, until its `max_batch` is reached."""
        first = leased_jobs[0]
        room, wait_s = self._pool.max_batch(first.task) - len(leased_jobs), self._pool.max_wait_s(first.task)
        if room > 0:
            self._prefetcher.wait_until_sent()  # one thread at a time may dequeue
        watch = Stopwatch.start()
        while room > 0 and first.batchable and (left_s := wait_s - watch.elapsed_s) > 0:
            more = self._consumer.dequeue_more(first.lane, first.task, room)
            leased_jobs += more
            room -= len(more)
            if not more:
                self._consumer.wait_for_more(left_s)

    def _run(self, leased_jobs: list[LeasedJob]) -> None:
        active_jobs = self._heartbeat.hold(leased_jobs)
        left = len(active_jobs)
        for completed in self._runner.run(active_jobs, self._prefetcher.wait_until_sent):
            left -= 1
            self._results.put(completed, last=left == 0)
        self._consumer.ack([job.leased for job in active_jobs if job.cancelled])

    def _limits(self) -> dict[str, int]:
        """Task to the largest number of its jobs that are leased together: by run time, or the engine's `max_batch`."""
        names = self._pool.task_names
        return {name: max(self._batch_sizer.batch_size(name), self._pool.max_batch(name)) for name in names}

    def _release_unstarted(self) -> None:
        """At the end of the worker: store the last results, and requeue jobs that were not started."""
        with suppress(redis.RedisError, BackendUnavailable):
            left = [
                *self._next,
                *self._prefetcher.prefetched(),
                *self._results.commit_and_dequeue(None),
                *self._consumer.stop_accepting(),
            ]
            if left:
                self._consumer.commit([AttemptResult(leased, Outcome.RELEASED) for leased in left])

    def register_death(self) -> None:
        self._pool.on_change = lambda: None
        # Stopped first: its next heartbeat would register the dead worker again.
        self._heartbeat.stop()
        try:
            super().register_death()  # type: ignore[no-untyped-call]
        except redis.RedisError as error:
            log.warning("Redis cannot be reached: %s", error)

    def _engine_hangs(self) -> None:
        if self._runner.provider_name is not None:
            self._breakers.count_hang(self._runner.provider_name)

    def _renew_record(self) -> None:
        """Write the whole record again: it may have expired while Redis was away."""
        super().heartbeat(RECORD_TTL_S + int(self._consumer.timings.lease_s))
        with self.connection.pipeline() as pipeline:
            pipeline.hset(self.key, mapping=self.serialize())
            pipeline.hsetnx(self.key, "state", WorkerStatus.IDLE.value)
            worker_registration.register(self, pipeline)
            pipeline.execute()
        self._announce()
        self._prefetcher.return_prefetched()
        self._cache.measure()
        self._breakers.measure()
        if self._memory.is_exceeded():
            self._stop_requested = True

    def _announce(self) -> None:
        """Publish the tasks that this worker can do. From any thread. If Redis is away, the next heartbeat retries."""
        with self._announcing, suppress(redis.RedisError):
            self._consumer.announce(self._pool.tasks(), self._pool.engines())

    def _describe(self) -> dict[str, Any]:
        return {
            "role": "worker",
            "name": self.name,
            "queues": self._our_queues,
            "state": "busy" if self._busy else "idle",
            "providers": self._pool.providers(),
            "problems": [f"{task}: {problem}" for task, problem in self._pool.problems().items()],
        }
