"""The worker class. RQ starts it, names it and shows it; taking, running and ending jobs is ours."""

from __future__ import annotations

import gc
import logging
import math
import os
import signal
import socket
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
from rider_core.worker.heartbeat import HeartbeatThread
from rider_core.worker.job_runner import JobRunner
from rider_core.worker.memory import MemoryLimit
from rider_core.worker.prefetcher import Prefetcher
from rider_core.worker.provider_pool import ProviderPool
from rider_core.worker.result_writer import ResultWriter

log = logging.getLogger(__name__)

#: One wait for work, in seconds: the doorbell ends it early. It is also how soon a stop signal is heeded, and how soon
#: a job is found that RQ's own tools put into a queue, who ring no bell.
WAIT_S = 1.0
#: How long a worker that starts waits for its engines, in seconds; what takes longer is opened beside the work.
START_PATIENCE_S = 5.0
#: How long RQ believes in a worker that says nothing (it adds 60 s of its own).
RECORD_TTL_S = 30
#: Objects that come to be before the garbage collector looks for cycles. Python's own 700 is what a dozen jobs taken
#: together have; it would look through all of them again and again, for a twelfth of the worker's time.
GARBAGE_THRESHOLD = 10_000


class ProviderWorker(BaseWorker):
    """Takes jobs of the given queues, every priority of each, and runs them in this process, one after another.

    Short ones are taken several at a time, and so are those that their engine does faster together.
    """

    log_result_lifespan = False

    def __init__(self, queues: Any, *args: Any, services: Services | None = None, **options: Any) -> None:
        """
        Args:
            queues: Names out of `rider_core.api.QUEUES`, or RQ's queue objects of these names.
            services: None: opened after the settings, on the connection that RQ was given.
        """
        given = queues if isinstance(queues, list | tuple) else [queues]
        self._our_queues = list(dict.fromkeys(str(getattr(queue, "name", queue)) for queue in given))
        options.update(serializer=JSONSerializer, log_job_description=False, worker_ttl=RECORD_TTL_S)
        options.pop("default_worker_ttl", None)
        expanded = [rq_name for name in self._our_queues for rq_name in lanes_of(name)]
        options["name"] = options.get("name") or f"{socket.gethostname()}-{os.getpid()}"
        super().__init__(expanded, *args, **options)
        self._given_services = services
        self._busy = False
        self._next: list[LeasedJob] = []
        #: What runs now was there when the job before it ended.
        self._in_a_row = False
        self._found_nothing = False
        #: Number of open engines at the last announcement.
        self._announced = 0

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
        if told := remove_old_keys(connection):
            log.warning("%s", told)
        self._breakers = Breakers(connection, settings.breaker_failures, settings.breaker_rest_s)
        self._pool = ProviderPool(services, self._our_queues, self._breakers)
        self._consumer = services.backend.consumer(self.name, self._our_queues)
        self._batch_sizer = BatchSizer()
        self._memory = MemoryLimit(settings.worker_memory_mb)
        self._results = ResultWriter(self._consumer)
        self._prefetcher = Prefetcher(self._consumer, self._results)
        cache = AnswerCache(connection, settings.answer_cache_bytes, settings.answer_cache_age_s)
        generator = CachedGenerator(services.prompts, cache)
        self._runner = JobRunner(self._consumer, self._pool, self._breakers, generator, services.bus, self._batch_sizer)
        self._heartbeat = HeartbeatThread(
            self._consumer, self._renew_record, self._engine_hangs, services.backend.timings.engine_limit_s
        )
        reporter = StatusReporter(services.bus, self._describe)
        try:
            in_burst = options.get("burst", args[:1] == (True,))
            self._pool.warm_up(math.inf if in_burst else START_PATIENCE_S)
            self._memory.start()
            services.plugins.notify("on_startup", services=services)
            reporter.start()
            self._results.start()
            # What is loaded now stays, and what short jobs leave behind needs no search for cycles.
            gc.freeze()
            gc.set_threshold(GARBAGE_THRESHOLD)
            return bool(super().work(*args, **options))
        finally:
            self._give_back()
            reporter.stop()
            self._heartbeat.stop()
            self._prefetcher.stop()
            self._results.stop()
            self._consumer.close()
            services.plugins.notify("on_shutdown", services=services)
            self._pool.close()
            services.close()

    def bootstrap(self, *args: Any, **options: Any) -> None:
        # Before anybody learns of this worker and may end it; RQ installs them after that.
        self._install_signal_handlers()
        super().bootstrap(*args, **options)
        self.set_state(WorkerStatus.IDLE)
        self._heartbeat.start()
        self._pool.on_change = self._announce

    def request_stop(self, signum: int, frame: FrameType | None) -> None:
        """Both stop signals, however often: the running job ends, then the worker does. Nothing is raised from here,
        where it could hit between a job's being popped and its being run."""
        self._stop_requested = True

    request_force_stop = request_stop

    def _install_signal_handlers(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, self.request_stop)

    # Each of these is a round trip for every job. Taking a job looks whether workers are suspended; taking and ending
    # one writes into the worker's record what it is doing; the heartbeat thread keeps that record alive.
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
            leased_jobs = self._begin(leased_jobs)
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
            log.error("%d job(s) (%s): what came of them could not be stored: %s", len(leased_jobs), names, error)
            self._consumer.nack(leased_jobs)
            self._next = self._prefetcher.prefetched()
        finally:
            self._heartbeat.hold([])
            self._busy = False

    def _begin(self, leased_jobs: list[LeasedJob]) -> list[LeasedJob]:
        """Take the next ones meanwhile, where short jobs follow each other; and say of these if they were taken so."""
        now, task = time.time(), leased_jobs[0].task
        begun = [leased._replace(started_ts=now, prefetched=False) for leased in leased_jobs if leased.prefetched]
        short = self._batch_sizer.should_prefetch(task) and self._pool.max_batch(task) == 1
        limits = self._limits() if short and self._in_a_row and not self._stop_requested else None
        if begun or (limits and self._consumer.can_prefetch):
            self._prefetcher.prefetch(begun, limits)
        return begun or leased_jobs

    def _gather(self, leased_jobs: list[LeasedJob]) -> None:
        """Wait a little for others of the same kind, where the engine likes several at a time and says so."""
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
        held = self._heartbeat.hold(leased_jobs)
        left = len(held)
        for done in self._runner.run(held, self._ready):
            left -= 1
            self._results.put(done, last=left == 0)
        self._consumer.ack([one.leased for one in held if one.unwanted])

    def _ready(self) -> None:
        """Before an engine is called, which may end the process: its name is in Redis by then."""
        self._prefetcher.wait_until_sent()
        if self._announced != self._pool.open_count:
            self._announce()

    def _limits(self) -> dict[str, int]:
        """How many jobs of each task are taken together: as many as its engine likes, or as are done in a moment."""
        names = self._pool.task_names
        return {name: max(self._batch_sizer.together(name), self._pool.max_batch(name)) for name in names}

    def _give_back(self) -> None:
        """Store what is left; and what was taken and not begun, because the worker ends, others may have at once."""
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
        # Before, not after: its next round would write the record of a living worker over that of the dead one.
        self._heartbeat.stop()
        try:
            super().register_death()  # type: ignore[no-untyped-call]
        except redis.RedisError as error:
            log.warning("Redis cannot be reached: %s", error)

    def _engine_hangs(self) -> None:
        if self._runner.provider_name is not None:
            self._breakers.hangs(self._runner.provider_name)

    def _renew_record(self) -> None:
        """Write the whole record again: it may have run out while Redis was away."""
        super().heartbeat(RECORD_TTL_S + int(self._consumer.timings.lease_s))
        with self.connection.pipeline() as pipeline:
            pipeline.hset(self.key, mapping=self.serialize())
            pipeline.hsetnx(self.key, "state", WorkerStatus.IDLE.value)
            worker_registration.register(self, pipeline)
            pipeline.execute()
        self._announce()
        self._prefetcher.give_back()
        if self._memory.is_exceeded():
            self._stop_requested = True

    def _announce(self) -> None:
        """Which tasks can be done here. From any thread; where Redis is away, the next heartbeat says it."""
        count = self._pool.open_count
        with suppress(redis.RedisError):
            self._consumer.announce(self._pool.tasks(), self._pool.engines())
            self._announced = count

    def _describe(self) -> dict[str, Any]:
        return {
            "role": "worker",
            "name": self.name,
            "queues": self._our_queues,
            "state": "busy" if self._busy else "idle",
            "providers": self._pool.providers(),
            "problems": [f"{task}: {problem}" for task, problem in self._pool.problems().items()],
        }
