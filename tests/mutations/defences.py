"""The defences of the job engine and of the robot's eyes: what takes each one out, and the test that notices.

`make mutations` takes out one after the other, in a copy of the tree, and wants its test red. Whoever builds a defence
adds it here.
"""

from __future__ import annotations

from typing import NamedTuple


class Defence(NamedTuple):
    """One line of defence.

    Attributes:
        name: What happens where it is missing.
        file: Where it stands, from the top of the repository.
        old: Its text, which is there once.
        new: What stands there without it.
        test: The file of its test, and words for pytest's -k.
    """

    name: str
    file: str
    old: str
    new: str
    test: tuple[str, str]


_LUA = "rider_core/jobs/ledger/lua/"
_LEDGER = "rider_core/jobs/ledger/"
_RQ = "tests/jobs/test_rq_backend.py"
_HANDS = "tests/jobs/test_hands.py"
_PREFETCH = "tests/jobs/test_prefetch.py"
_AHEAD = "tests/worker/test_taking_ahead.py"
_FUNCTIONS = "tests/jobs/test_ledger_functions.py"
_RABBIT = "plugins/rider-queue-rabbitmq/rider_queue_rabbitmq/"
_RABBIT_TESTS = "plugins/rider-queue-rabbitmq/tests/"
_TICKETS = "tests/jobs/test_claims_of_tickets.py"
_DESK = "rider_core/jobs/broker_backend/desk.py"
_LINK, _LINK_TESTS = "rider_core/link/", "tests/link/"
_TRACKING = "plugins/rider-vision-tracking/rider_vision_tracking/"
_TRACKING_TESTS = "plugins/rider-vision-tracking/tests/test_tracking.py"

#: Records, leases, results: the same for both carriers.
LEDGER = [
    Defence(
        "an id submitted twice is two jobs",
        _LUA + "submit.lua",
        "if job.known or seen[job.id] then",
        "if false then",
        (_RQ, "test_the_same_id_is_accepted_once"),
    ),
    Defence(
        "a queue takes any number of jobs",
        _LUA + "submit.lua",
        "if waiting + number > MAX_WAITING then return job.lane end",
        "",
        (_RQ, "test_a_full_queue_refuses_all_or_none"),
    ),
    Defence(
        "a full queue refuses the newest of a key, which takes another's place",
        _LUA + "submit.lua",
        "if not job.known and not makes_room then",
        "if not job.known then",
        (_RQ, "test_a_full_queue_still_takes_the_newest"),
    ),
    Defence(
        "an older job of a key stays",
        _LUA + "submit.lua",
        "if replaced and leave(replaced) then drop(replaced, 'replaced', now, iso) end",
        "",
        (_RQ, "test_the_newest_of_a_key_wins"),
    ),
    Defence(
        "of two jobs of a key in one call both stay",
        _LUA + "submit.lua",
        "          call_each(ENQUEUE, queued)\n          queued = {}\n",
        "",
        (_RQ, "test_the_newest_of_a_key_wins"),
    ),
    Defence(
        "an older job is tried again beside a newer one of its key",
        _LUA + "take.lua",
        "elseif job.status == QUEUED and outdated(job) then",
        "elseif false then",
        (_RQ, "test_an_older_job_is_not_tried_again_after_a_newer_one"),
    ),
    Defence(
        "a job runs after its deadline",
        _LUA + "take.lua",
        "if job.status == QUEUED and job.deadline and times.number >= job.deadline then",
        "if false then",
        (_RQ, "test_an_expired_job_never_runs"),
    ),
    Defence(
        "a job starts before it is due",
        _LUA + "submit.lua",
        "      if job.due > now then\n",
        "      if false then\n",
        (_RQ, "test_a_scheduled_job_starts_when_it_is_due_and_not_before"),
    ),
    Defence(
        "a worker that waits sleeps past a due time",
        _LUA + "lanes.lua",
        "  if not BROKER then ring(job.queue) end\nend\n\n-- Move jobs",
        "end\n\n-- Move jobs",
        (_RQ, "test_a_worker_that_waits_learns_of_a_nearer_time"),
    ),
    Defence(
        "low priorities starve",
        _LUA + "take.lua",
        "if oldest then table.insert(lanes, 1, table.remove(lanes, oldest)) end",
        "",
        (_RQ, "test_nothing_starves"),
    ),
    Defence(
        "one that was lost is run together with others",
        _LUA + "leases.lua",
        "return job.attempts == 0 and job.max_attempts > 1",
        "return job.max_attempts > 1",
        (_RQ, "test_one_that_failed_is_taken_alone"),
    ),
    Defence(
        "one with a single attempt is run together with others",
        _LUA + "leases.lua",
        "return job.attempts == 0 and job.max_attempts > 1",
        "return job.attempts == 0",
        (_RQ, "test_one_with_a_single_attempt_is_taken_alone"),
    ),
    Defence(
        "a result without a lease is stored",
        _LUA + "finish.lua",
        "else mine[at] = released == 1 end",
        "else mine[at] = true end",
        (_RQ, "test_a_lost_lease_is_reaped_and_its_late_result_discarded"),
    ),
    Defence(
        "of several results those without a lease are stored",
        _LUA + "finish.lua",
        "mine[at] = lease_ends[number] and true",
        "mine[at] = true",
        (_FUNCTIONS, "without_a_lease_are_discarded"),
    ),
    Defence(
        "a batch's items are stored without a lease",
        _LUA + "progress.lua",
        "if not redis.call('ZSCORE', wip_key(job.lane or ''), id .. ':' .. execution) then return 0 end",
        "",
        (_RQ, "test_a_lost_lease_keeps_no_items"),
    ),
    Defence(
        "a lease that ran out is not taken back",
        _LUA + "heartbeat.lua",
        "if held then",
        "if true then",
        (_RQ, "test_a_lost_lease_is_reaped_and_its_late_result_discarded or discards_its_result"),
    ),
    Defence(
        "a job that kills its workers is tried for ever",
        _LUA + "endings.lua",
        "if job.attempts >= job.max_attempts then return false end",
        "",
        (_RQ, "test_a_job_that_kills_its_workers_becomes_a_dead_letter or until_the_policy_ends"),
    ),
    Defence(
        "a job rests beyond its deadline",
        _LUA + "endings.lua",
        "if job.deadline and now + delay >= job.deadline then return false end",
        "",
        (_RQ, "test_no_job_rests_beyond_its_deadline"),
    ),
    Defence(
        "dead letters fill the memory",
        _LUA + "endings.lua",
        "while redis.call('ZCARD', registry) > DEAD_LETTERS_KEPT do",
        "while false do",
        (_RQ, "test_dead_letters_are_bounded"),
    ),
    Defence(
        "what failed hopelessly is tried again",
        _LUA + "finish.lua",
        "if outcome == 'failed' and try_again",
        "if try_again",
        (_RQ, "test_a_hopeless_failure_is_not_tried_again"),
    ),
    Defence(
        "what was not begun loses an attempt",
        _LUA + "endings.lua",
        "job.started and job.attempts - 1 or job.attempts",
        "job.attempts",
        (_RQ, "test_what_was_not_begun_goes_back_without_an_attempt"),
    ),
    Defence(
        "pictures stay in the memory that were looked at long ago",
        _LUA + "finish.lua",
        "if mark(marks, 'l') then forget_data(id) end",
        "",
        (_RQ, "test_what_was_asked_for_is_forgotten_where_it_is_long"),
    ),
    Defence(
        "pictures stay in the memory that nobody looked at",
        _LUA + "endings.lua",
        "if redis.call('HSTRLEN', job_key(job.id), 'data') > LONG_DATA_BYTES then forget_data(job.id) end",
        "",
        (_RQ, "test_what_was_asked_for_is_forgotten_where_it_is_long"),
    ),
    Defence(
        "a cancelled job's result counts",
        _LUA + "cancel.lua",
        "if not release(job.lane, job.id, job.execution) then return 0 end",
        "",
        (_RQ, "test_cancel_ends_a_running_job_and_discards_its_result"),
    ),
    Defence(
        "nobody tells the worker of a cancellation",
        _LUA + "cancel.lua",
        "redis.call('PUBLISH', 'rider:cancel:' .. job.worker, job.id)",
        "",
        (_RQ, "test_cancel_ends_a_running_job_and_discards_its_result"),
    ),
    Defence(
        "a requeued dead letter has no attempt",
        _LUA + "requeue.lua",
        "'attempts_more', before + job.attempts + allowed - job.max_attempts)",
        "'attempts_more', before)",
        (_RQ, "test_a_requeued_job_has_all_its_attempts_again"),
    ),
    Defence(
        "a requeued dead letter expires at once",
        _LUA + "records.lua",
        "deadline = not more and deadline and",
        "deadline = deadline and",
        (_RQ, "test_a_requeued_job_runs_though_its_deadline_has_passed"),
    ),
    Defence(
        "a requeued dead letter is forgotten while it waits",
        _LUA + "requeue.lua",
        "  redis.call('PERSIST', job_key(id))\n",
        "",
        (_RQ, "requeue"),
    ),
    Defence(
        "the list of recent jobs grows",
        _LUA + "figures.lua",
        "if kept > RECENT_TRIMMED_FROM then",
        "if false then",
        (_FUNCTIONS, "test_only_the_last_jobs_are_kept_in_mind"),
    ),
    Defence(
        "a worker that does not exist is written down",
        _LUA + "leases.lua",
        "return redis.call('EXISTS', key) == 1 and key or nil",
        "return key",
        (_RQ, "test_cancel_ends_a_running_job_and_discards_its_result"),
    ),
    Defence(
        "who waits is not woken",
        _LUA + "endings.lua",
        "redis.call('PUBLISH', channels[number], bytes <= MAX_TOLD_BYTES and cjson.encode(fields) or '')",
        "",
        (_RQ, "test_wait_is_woken_and_gives_up"),
    ),
    Defence(
        "a long record is sent to whoever waits",
        _LUA + "endings.lua",
        "bytes <= MAX_TOLD_BYTES and",
        "",
        (_FUNCTIONS, "test_the_word_of_an_end_brings_the_record_unless_it_is_long"),
    ),
    Defence(
        "functions that Redis has lost are not loaded again",
        _LEDGER + "functions.py",
        'if str(error) != "Function not found":',
        "if True:",
        (_FUNCTIONS, "test_functions_that_redis_lost_are_loaded_again"),
    ),
    Defence(
        "two versions on one Redis remove each other's functions",
        _LEDGER + "functions.py",
        "if len(others) > OTHERS_KEPT:",
        "if others:",
        (_FUNCTIONS, "test_a_few_other_versions_may_be_at_work_and_many_are_removed"),
    ),
    Defence(
        "functions of all versions stay for ever",
        _LEDGER + "functions.py",
        "if len(others) > OTHERS_KEPT:",
        "if False:",
        (_FUNCTIONS, "test_a_few_other_versions_may_be_at_work_and_many_are_removed"),
    ),
    Defence(
        "a full memory takes jobs until nothing can be stored",
        _LEDGER + "admission.py",
        "        if self._problem:\n",
        "        if False:\n",
        (_RQ, "test_a_full_memory_refuses_new_jobs_and_ends_old_ones"),
    ),
    Defence(
        "a result is given up when its word is lost",
        _LEDGER + "backend.py",
        "heard = wire.hear(min(left_s, WAIT_RECHECK_S))",
        "heard = wire.hear(left_s)",
        (_RQ, "test_an_end_of_which_no_word_came_is_found"),
    ),
    Defence(
        "one broken connection leaves the others to break one by one",
        _LEDGER + "line.py",
        "            self.close()  # the others are as old as the one that broke\n",
        "",
        (_FUNCTIONS, "test_all_idle_connections_are_given_up_when_one_broke"),
    ),
    Defence(
        "a Redis that does not answer is waited for for ever",
        _LEDGER + "line.py",
        'plain = type(self._socket).__module__ == "socket"',
        "plain = True",
        ("tests/jobs/test_line.py", "test_where_eventlet_is_others_go_on_meanwhile"),
    ),
    Defence(
        "a Redis that is killed has forgotten what it confirmed",
        "rider_core/runtime/redis_server.py",
        '"appendfsync": "no"',
        '"appendfsync": "everysec"',
        ("tests/runtime/test_redis_server.py", "test_what_it_confirmed_is_there"),
    ),
    Defence(
        "a report of items counts from the wrong one",
        _LEDGER + "reports.py",
        "        start += after - first\n",
        "        start += 1\n",
        ("tests/jobs/test_reports.py", "test_ranges_gaps_and_problems"),
    ),
    Defence(
        "of events that were said together only the first is heard",
        "rider_core/eventbus/codec.py",
        '.split(b"\\n"):',
        '.split(b"\\n")[:1]:',
        ("tests/jobs/test_event_bus.py", "test_what_is_said_together_is_heard_one_by_one"),
    ),
]

#: Workers that are handed a job in the step that accepts it.
HANDS = [
    Defence(
        "a dead worker is handed a job",
        _LUA + "hands.lua",
        ".. job.data) > 0 then",
        ".. job.data) >= 0 then",
        (_HANDS, "test_a_worker_that_died_is_passed_over"),
    ),
    Defence(
        "a worker that was handed a job takes others",
        _LUA + "take.lua",
        "if hand == 'held' and redis.call('EXISTS', hand_key(worker)) == 0 then return 1 end",
        "",
        (_HANDS, "test_what_comes_while_it_looks_is_not_overlooked"),
    ),
    Defence(
        "a suspended worker is handed a job",
        _LUA + "hands.lua",
        " or redis.call('EXISTS', 'rq:suspended') == 1",
        "",
        (_HANDS, "test_suspended_workers_are_handed_nothing"),
    ),
    Defence(
        "a long job is handed over",
        _LUA + "submit.lua",
        "if BROKER or #data > MAX_TOLD_BYTES then",
        "if BROKER then",
        (_HANDS, "test_what_is_not_handed_over"),
    ),
    Defence(
        "a job is handed over after its deadline",
        _LUA + "submit.lua",
        "if whole.deadline and now >= whole.deadline then return false end",
        "",
        (_HANDS, "test_what_is_not_handed_over"),
    ),
    Defence(
        "several jobs go to several workers that would do them together",
        _LUA + "submit.lua",
        "elseif not (alone and empty",
        "elseif not (empty",
        (_HANDS, "test_several_together_are_left_for_workers_to_take_together"),
    ),
    Defence(
        "a worker that ends keeps its hand out",
        "rider_core/jobs/rq_backend/desk.py",
        'not self._line.call("DEL", self._hand)',
        'not self._line.call("EXISTS", self._hand)',
        (_HANDS, ""),
    ),
    Defence(
        "a worker that took a job keeps its hand out",
        _LUA + "take.lua",
        "if hand == 'held' then redis.call('DEL', hand_key(worker)) end",
        "",
        (_HANDS, ""),
    ),
    Defence(
        "a hand that nobody could reach is forgotten",
        _LUA + "take.lua",
        "if hand == 'held' then keep_out(worker, queues_of_worker) end",
        "",
        (_HANDS, ""),
    ),
    Defence(
        "a worker is handed a second job",
        _LUA + "hands.lua",
        "        redis.call('DEL', hand_key(worker))\n",
        "",
        (_HANDS, ""),
    ),
    Defence(
        "a stranger's message is run",
        "rider_core/jobs/rq_backend/desk.py",
        "if execution != self._held_out:",
        "if False:",
        (_HANDS, "test_what_nobody_expected_is_left_alone or test_what_is_lost"),
    ),
    Defence(
        "hands of workers that are gone stay for ever",
        _LUA + "hands.lua",
        "    redis.call('EXPIRE', hands_key(queue), HAND_TTL_S)\n  end\nend\n\n-- The hand",
        "  end\nend\n\n-- The hand",
        (_HANDS, "test_hands_are_forgotten_with_their_workers"),
    ),
    Defence(
        "a worker that opens engines is handed a job",
        "rider_core/worker/worker.py",
        "claims = self._desk.step_back()\n",
        "claims: list[Claim] = []\n",
        ("tests/worker/test_worker.py", "test_a_worker_that_opens_engines_is_handed_nothing"),
    ),
]

#: Workers that take jobs ahead, while they are at work.
AHEAD = [
    Defence(
        "an attempt is counted that was not begun",
        _LUA + "reap.lua",
        "if not job.started then",
        "if false then",
        (_PREFETCH, "test_a_worker_that_dies_before_costs_no_attempt"),
    ),
    Defence(
        "what is given back before its begin loses an attempt that it had",
        _LUA + "endings.lua",
        "job.started and job.attempts - 1 or job.attempts",
        "job.attempts - 1",
        (_PREFETCH, "test_earlier_attempts_stay_counted"),
    ),
    Defence(
        "an earlier attempt's start counts as this one's",
        _LUA + "leases.lua",
        "STARTED, 'started_ts', '', 'worker_name'",
        "STARTED, 'worker_name'",
        (_PREFETCH, "test_earlier_attempts_stay_counted"),
    ),
    Defence(
        "a job is begun that was cancelled meanwhile",
        _LUA + "begin.lua",
        "job.status == STARTED and job.execution == execution",
        "true",
        (_PREFETCH, "test_one_that_was_cancelled_meanwhile_is_not_started"),
    ),
    Defence(
        "a job that kills its worker may do so for ever",
        "rider_core/worker/worker.py",
        "self._outbox.prefetch(begun, limits)",
        "self._outbox.prefetch([], limits)",
        (_AHEAD, "test_one_that_kills_the_worker_takes_only_itself_along"),
    ),
    Defence(
        "a job that kills its worker takes the result before it along",
        "rider_core/worker/attempts.py",
        "        ready()\n",
        "",
        (_AHEAD, "test_one_that_kills_the_worker_takes_only_itself_along"),
    ),
    Defence(
        "what was taken ahead waits for a job that hangs",
        "rider_core/worker/worker.py",
        "        self._outbox.give_back()\n",
        "",
        (_AHEAD, "test_it_does_not_wait_for_a_job_that_is_not_short_after_all"),
    ),
    Defence(
        "a worker that ends keeps what it took ahead",
        "rider_core/worker/worker.py",
        "[*self._next, *self._outbox.prefetched(), *self._outbox.exchange(None), *self._desk.step_back()]",
        "[*self._outbox.exchange(None), *self._desk.step_back()]",
        (_AHEAD, "test_a_worker_that_stops_leaves_nothing_behind"),
    ),
]

#: The worker.
WORKER = [
    Defence(
        "a cancellation is lost that comes before the worker listens",
        "rider_core/worker/caretaker.py",
        "        self._desk.hear_cancellations()\n",
        "",
        ("tests/worker/test_caretaker.py", ""),
    ),
    Defence(
        "a stream goes on after it was cancelled",
        "rider_core/worker/attempts.py",
        "            if work.held.unwanted:\n                raise Unwanted\n            if order.stream",
        "            if order.stream",
        ("tests/worker/test_worker.py", "test_a_cancelled_stream_is_stopped_and_the_next_job_runs"),
    ),
    Defence(
        "an engine has more at a time than one call may have",
        "rider_core/worker/bench.py",
        "return min(MAX_TOGETHER, max(",
        "return max(1, max(",
        ("tests/worker/test_bench.py", ""),
    ),
    Defence(
        "one request that spoils it fails its neighbours",
        "rider_core/worker/attempts.py",
        '                log.warning("%d jobs together failed, they are tried one by one: %s", len(wanted), error)',
        "                raise",
        ("tests/worker/test_together.py", "test_the_one_that_spoils_it_fails_alone"),
    ),
    Defence(
        "a short job's result waits for a long job behind it",
        "rider_core/worker/outbox.py",
        "            if not last and not self._filled.is_set():\n                self._filled.set()\n",
        "",
        ("tests/worker/test_together.py", "test_a_result_does_not_wait_for_a_longer_job_behind_it"),
    ),
    Defence(
        "a result that its provider signed as another's is believed",
        "rider_core/worker/tasks.py",
        "if text.count(_UNSIGNED) == len(results):",
        "if True:",
        ("tests/worker/test_signing.py", ""),
    ),
    Defence(
        "a long job is taken together with others",
        "rider_core/worker/pace.py",
        "max(seconds, smoothed) if seconds >= TOGETHER_S else smoothed",
        "smoothed",
        ("tests/worker/test_pace.py", ""),
    ),
    Defence(
        "one that comes alone is kept waiting",
        "rider_core/worker/pace.py",
        "if 1 < taken < LINGER_BELOW",
        "if 0 < taken < LINGER_BELOW",
        ("tests/worker/test_pace.py", ""),
    ),
    Defence(
        "a failed result does not open the breaker",
        "rider_core/worker/breakers.py",
        "            return self._breaker(provider).call(_raises(error))",
        "            raise error",
        ("tests/worker/test_breakers.py", "test_failures_of_all_workers_open_it_for_all"),
    ),
    Defence(
        "bad input opens the breaker",
        "rider_core/worker/breakers.py",
        "NOT_COUNTED = (InvalidInput, JobRefused, BackendUnavailable, Unwanted)",
        "NOT_COUNTED = (JobRefused, BackendUnavailable, Unwanted)",
        ("tests/worker/test_breakers.py", "bad_input_does_not_count"),
    ),
    Defence(
        "a call that hangs does not count",
        "rider_core/worker/breakers.py",
        "        state.increment_counter()\n        if state.counter",
        "        if state.counter",
        ("tests/worker/test_breakers.py", "test_a_call_that_hangs_counts"),
    ),
    Defence(
        "a provider that rests is asked",
        "rider_core/worker/bench.py",
        "        if rests_s > 0:\n            raise",
        "        if False:\n            raise",
        ("tests/worker/test_breakers.py", "the_next_provider_steps_in"),
    ),
    Defence(
        "an earlier attempt's failures are forgotten",
        "rider_core/worker/batches.py",
        "len(self._failed_before | self._failed.keys())",
        "len(self._failed)",
        ("tests/worker/test_together.py", "test_what_failed_before_counts_as_failed"),
    ),
    Defence(
        "a batch that failed in part is run again whole",
        "rider_core/worker/batches.py",
        "            self._done, self._failed_before = self._desk.items_known(claim)",
        "            pass",
        ("tests/worker/test_together.py", "only_that_part_is_run_again"),
    ),
]

#: Schedules.
_SCHEDULES = "tests/jobs/test_schedules.py"
SCHEDULES = [
    Defence(
        "every scheduler makes the job of a due time",
        "rider_core/jobs/schedules/scheduler.py",
        "        if begun is Begun.GONE:\n            return\n",
        "",
        (_SCHEDULES, "two_are_busy or what_was_changed or killed or repeat"),
    ),
    Defence(
        "a job is made that was perhaps made already",
        "rider_core/jobs/schedules/scheduler.py",
        "if begun is Begun.DOUBTFUL:",
        "if False:",
        (_SCHEDULES, "test_nothing_is_repeated_that_the_backend_may_have_forgotten or does_not_repeat_it"),
    ),
    Defence(
        "every due time that was missed makes a job",
        "rider_core/jobs/schedules/plan.py",
        "if late_s > MISSED_AFTER_S and (latest",
        "if False and (latest",
        (_SCHEDULES, "test_what_was_missed_for_long_is_one_job"),
    ),
    Defence(
        "a schedule that skips what was missed makes up for it",
        "rider_core/jobs/schedules/plan.py",
        "too_late = late_s > MISSED_AFTER_S and schedule.missed is Missed.SKIP",
        "too_late = False",
        (_SCHEDULES, "test_a_schedule_says_whether_it_catches_up"),
    ),
    Defence(
        "a job is made that expires at once",
        "rider_core/jobs/schedules/plan.py",
        "expired = schedule.deadline_s is not None and late_s >= schedule.deadline_s",
        "expired = False",
        (_SCHEDULES, "test_no_job_is_made_that_would_expire_at_once"),
    ),
    Defence(
        "a backend that refuses is asked without a rest",
        "rider_core/jobs/schedules/rests.py",
        "return [key for key in due if key not in self._rests or self._rests[key].until <= now]",
        "return list(due)",
        (_SCHEDULES, "test_a_backend_that_refuses_is_asked_again_and_others_go_on"),
    ),
    Defence(
        "a due time is lost while the queue is full",
        "rider_core/jobs/schedules/scheduler.py",
        "            if begun is Begun.FIRST:\n                self._agenda.refused(job)\n",
        "",
        (_SCHEDULES, "test_a_due_time_is_kept_while_the_queue_is_full_for_long"),
    ),
    Defence(
        "a broken schedule stops the others",
        "rider_core/jobs/schedules/scheduler.py",
        "            if not self._agenda.disable(job, str(error)):\n",
        "            if True:\n",
        (_SCHEDULES, "test_a_broken_schedule_is_disabled_with_its_reason"),
    ),
    Defence(
        "there may be any number of schedules",
        "rider_core/jobs/schedules/book.py",
        "        if stored < 0:\n",
        "        if False:\n",
        (_SCHEDULES, "test_too_much_is_refused"),
    ),
    Defence(
        "a schedule may be of any size",
        "rider_core/jobs/schedules/book.py",
        "if len(data) > MAX_SCHEDULE_BYTES:",
        "if False:",
        (_SCHEDULES, "test_too_much_is_refused"),
    ),
]

#: RabbitMQ as the carrier.
RABBITMQ = [
    Defence(
        "a job stays whose submission was refused",
        "rider_core/jobs/broker_backend/backend.py",
        "                self._functions.withdraw([order.id for order, _ in new])",
        "                pass",
        (_RABBIT_TESTS + "test_rabbitmq_jobs.py", "test_a_refused_submission_leaves_nothing_behind"),
    ),
    Defence(
        "what the broker lost waits for ever",
        _DESK,
        "        if self._idle.elapsed_s > IDLE_S:\n",
        "        if False:\n",
        (_RABBIT_TESTS + "test_rabbitmq_jobs.py", "test_what_the_broker_lost_is_published_again"),
    ),
    Defence(
        "two tickets are two jobs",
        _LUA + "claim.lua",
        "    if not was_leased_for(job, ticket) then return 0 end\n",
        "",
        (_TICKETS, "test_two_tickets_for_one_job_lease_it_once"),
    ),
    Defence(
        "two tickets in one hand are two leases",
        _LUA + "claim.lua",
        "local job = not leased[id] and read(id)",
        "local job = read(id)",
        (_TICKETS, "test_two_tickets_for_one_job_lease_it_once"),
    ),
    Defence(
        "a job of a worker that lost the broker waits for its lease to end",
        _LUA + "claim.lua",
        "return ticket.redelivered and",
        "return not ticket.redelivered and",
        (_RABBIT_TESTS + "test_rabbitmq_jobs.py", "test_a_lost_worker_is_known_at_once"),
    ),
    Defence(
        "a copy that somebody held ends a running job",
        _LUA + "claim.lua",
        "return ticket.redelivered and ticket.nonce == job.nonce",
        "return ticket.redelivered",
        (_TICKETS, "test_a_copy_that_somebody_held"),
    ),
    Defence(
        "nobody knows which ticket a job was leased for",
        _LUA + "claim.lua",
        "      redis.call('HSET', job_key(id), 'nonce', ticket.nonce)\n",
        "",
        (_TICKETS, "test_the_ticket_of_a_running_job"),
    ),
    Defence(
        "an old ticket of a job that rests is put off as it is",
        _DESK,
        "self._put_off(ticket.renewed(attempt=int(attempts)), float(due_ts))",
        "self._put_off(ticket, float(due_ts))",
        (_RABBIT_TESTS + "test_rabbitmq_jobs.py", "test_a_job_rests_though_the_broker"),
    ),
    Defence(
        "a long job counts as idleness",
        _DESK,
        "self._last_long = self._idle = Stopwatch",
        "self._last_long = Stopwatch",
        (_RABBIT_TESTS + "test_rabbitmq_jobs.py", "test_a_long_job_is_no_idleness"),
    ),
    Defence(
        "what has not arrived yet is an empty queue",
        _DESK,
        "        return self._suspended() or not self.wait_for_more(DRAINED_S)\n",
        "        return True\n",
        (_RABBIT_TESTS + "test_rabbitmq_job_faults.py", "test_a_worker_that_ends_when_nothing"),
    ),
    Defence(
        "one with a single attempt waits for company",
        "rider_core/worker/worker.py",
        "room > 0 and first.sociable and",
        "room > 0 and",
        ("tests/worker/test_together.py", "test_one_with_a_single_attempt"),
    ),
    Defence(
        "a lost job is run together with others",
        _LUA + "claim.lua",
        "  if claimant.together and not sociable(job) then return ALONE end\n",
        "",
        (_RABBIT_TESTS + "test_rabbitmq_jobs.py", "test_a_lost_workers_jobs_are_taken_alone"),
    ),
    Defence(
        "a message counts as taken before RabbitMQ has it on disk",
        _RABBIT + "publisher.py",
        "if not batch.done.wait(self._confirm_limit_s):",
        "if False:",
        (_RABBIT_TESTS + "test_rabbitmq_faults.py", "test_refused or test_unroutable or swallows"),
    ),
    Defence(
        "a confirm that never comes is waited for for ever",
        _RABBIT + "publisher.py",
        "            self._drop(session, fault)\n",
        "",
        (_RABBIT_TESTS + "test_rabbitmq_faults.py", "test_a_connection_that_swallows"),
    ),
    Defence(
        "messages are not persistent",
        _RABBIT + "tickets.py",
        "_PERSISTENT = 2",
        "_PERSISTENT = 1",
        (_RABBIT_TESTS + "test_rabbitmq_parts.py", "test_a_ticket_survives_its_message"),
    ),
    Defence(
        "a message that no queue takes counts as taken",
        _RABBIT + "publish_session.py",
        "            if ticket.job_id == properties.message_id:\n",
        "            if False:\n",
        (_RABBIT_TESTS + "test_rabbitmq_faults.py", "test_unroutable"),
    ),
    Defence(
        "what RabbitMQ refuses counts as taken",
        _RABBIT + "publish_session.py",
        "            if accepted:\n",
        "            if True:\n",
        (_RABBIT_TESTS + "test_rabbitmq_faults.py", "test_refused"),
    ),
    Defence(
        "unconfirmed messages have no limit",
        _RABBIT + "publish_session.py",
        "return len(self._unconfirmed) < _WINDOW and",
        "return",
        (_RABBIT_TESTS + "test_rabbitmq_transport.py", "test_the_window_is_limited_in_messages"),
    ),
    Defence(
        "each message waits until the one before is on RabbitMQ's disk",
        _RABBIT + "publish_session.py",
        "return len(self._unconfirmed) < _WINDOW and",
        "return not self._unconfirmed and",
        (_RABBIT_TESTS + "test_rabbitmq_transport.py", "test_many_threads_share_the_writes"),
    ),
    Defence(
        "unconfirmed bytes have no limit",
        _RABBIT + "publish_session.py",
        " and self._unconfirmed_bytes < _WINDOW_BYTES",
        "",
        (_RABBIT_TESTS + "test_rabbitmq_transport.py", "test_many_bytes_do_not_fill_the_memory"),
    ),
    Defence(
        "a broker under an alarm makes its callers wait",
        _RABBIT + "publish_session.py",
        "            self._blocked = fault\n",
        "            pass\n",
        (_RABBIT_TESTS + "test_rabbitmq_faults.py", "test_a_broker_under_an_alarm"),
    ),
    Defence(
        "a stranger's message ends the connection of every worker",
        _RABBIT + "connection.py",
        "            if kind != spec.FRAME_HEADER:\n",
        "            if True:\n",
        (_RABBIT_TESTS + "test_rabbitmq_strangers.py", "test_a_strangers_message_is_put_aside"),
    ),
    Defence(
        "a stranger's header is taken for a ticket's",
        _RABBIT + "tickets.py",
        "form = _HEADER_FORM.fullmatch(header) if isinstance(header, str) else None",
        "form = _HEADER_FORM.match(header) if isinstance(header, str) else None",
        (_RABBIT_TESTS + "test_rabbitmq_parts.py", "test_other_messages_are_no_tickets"),
    ),
    Defence(
        "a message of any size is taken for a ticket",
        _RABBIT + "tickets.py",
        "    if len(body) > MAX_BODY_BYTES:\n",
        "    if False:\n",
        (_RABBIT_TESTS + "test_rabbitmq_parts.py", "test_size_is_limited_both_ways"),
    ),
    Defence(
        "a ticket that is too large closes the channel of all",
        _RABBIT + "tickets.py",
        "    if len(ticket.body) > MAX_BODY_BYTES:\n",
        "    if False:\n",
        (_RABBIT_TESTS + "test_rabbitmq_parts.py", "test_size_is_limited_both_ways"),
    ),
    Defence(
        "a flood of strangers floods the log",
        _RABBIT + "lane_channel.py",
        "if self._strangers & (self._strangers - 1) == 0:",
        "if True:",
        (_RABBIT_TESTS + "test_rabbitmq_strangers.py", "test_a_flood_of_them_does_not_flood_the_log"),
    ),
    Defence(
        "an acknowledgement covers a job that still runs",
        _RABBIT + "open_deliveries.py",
        "below = [tag for tag in taken if tag < lowest_open]",
        "below = taken",
        (_RABBIT_TESTS + "test_rabbitmq_parts.py", "none_covers_an_open_delivery"),
    ),
    Defence(
        "what a lost connection brought is taken",
        _DESK,
        "            self._held_from = self._consumer.connection\n            self._empty_hands()\n",
        "            self._held_from = self._consumer.connection\n",
        (_RABBIT_TESTS + "test_rabbitmq_jobs.py", "test_what_a_lost_connection_brought"),
    ),
    Defence(
        "a deleted queue is missed for ever",
        _RABBIT + "subscription.py",
        "        connection.ioloop.call_later(MISSING_QUEUE_S, lambda: self._declare_anew(connection, channel.lane))\n",
        "",
        (_RABBIT_TESTS + "test_rabbitmq_faults.py", "test_a_deleted_queue_is_made_anew"),
    ),
    Defence(
        "a message that nobody answers comes for ever",
        _RABBIT + "topology.py",
        '"x-delivery-limit": _DELIVERY_LIMIT}',
        '"x-delivery-limit": 10**9}',
        (_RABBIT_TESTS + "test_rabbitmq_strangers.py", "test_a_poison_that_nobody_answers_ends_in_the_dead_queue"),
    ),
    Defence(
        "a delay is cut short",
        _RABBIT + "delays.py",
        "LADDER_MS[bisect_left(LADDER_MS, delay_s * 1000)]",
        "LADDER_MS[max(0, bisect_left(LADDER_MS, delay_s * 1000) - 1)]",
        (_RABBIT_TESTS + "test_rabbitmq_parts.py", "test_a_delay_is_never_shortened"),
    ),
    Defence(
        "all workers come back at the same time",
        _RABBIT + "backoff.py",
        "random.uniform(0.5, 1.0)",
        "1.0",
        (_RABBIT_TESTS + "test_rabbitmq_parts.py", "test_attempts_at_connecting_spread_out"),
    ),
    Defence(
        "a child uses its parent's connection",
        _RABBIT + "transport.py",
        "        if self._pid != os.getpid():\n",
        "        if False:\n",
        (_RABBIT_TESTS + "test_rabbitmq_deaths.py", "test_fork"),
    ),
    Defence(
        "a busy worker keeps what it holds",
        _DESK,
        "        return self._empty_hands()\n",
        "        return []\n",
        (_RABBIT_TESTS + "test_rabbitmq_jobs.py", "test_what_a_busy_worker_holds"),
    ),
    Defence(
        "a busy worker is handed more",
        _RABBIT + "subscription.py",
        "            channel.pause()\n",
        "            pass\n",
        (_RABBIT_TESTS + "test_rabbitmq_jobs.py", "test_what_comes_while_a_worker_is_busy"),
    ),
    Defence(
        "a channel that is gone is waited for",
        _RABBIT + "subscription.py",
        "            del self._channels[channel.lane]",
        "            pass",
        (_RABBIT_TESTS + "test_rabbitmq_long_jobs.py", "test_a_queue_deleted_while_long_jobs_run"),
    ),
    Defence(
        "a lane that says nothing silences all",
        _RABBIT + "consumer.py",
        "(self._heard or time.monotonic() >= self._hearing_ends)",
        "self._heard",
        (_RABBIT_TESTS + "test_rabbitmq_long_jobs.py", "test_a_lane_that_never_says"),
    ),
    Defence(
        "what is resumed twice consumes twice",
        _RABBIT + "lane_channel.py",
        "            self._stop_consuming()  # it may not have been paused\n",
        "",
        (_RABBIT_TESTS + "test_rabbitmq_long_jobs.py", "test_what_is_resumed_twice"),
    ),
    Defence(
        "after a long job the first that comes is taken",
        _RABBIT + "consumer.py",
        "            self._aside = self._heard = False\n            self._hearing_ends",
        "            self._aside = False\n            self._hearing_ends",
        (_RABBIT_TESTS + "test_rabbitmq_long_jobs.py", "test_after_a_long_job_every_lane"),
    ),
]

#: The robot's eyes: tracking, and never calling a way clear that nobody looks at.
EYES = [
    Defence(
        "a late frame is looked at",
        _LINK + "frames.py",
        "if self._ts - CLOCK_SET_S <= told.ts <= self._ts:",
        "if False:",
        (_LINK_TESTS + "test_tracks.py", "test_late"),
    ),
    Defence(
        "a robot that was started again is late for ever",
        _LINK + "frames.py",
        "if self._ts - CLOCK_SET_S <= told.ts <= self._ts:",
        "if told.ts <= self._ts:",
        (_LINK_TESTS + "test_tracks.py", "test_a_clock_that_was_set_back"),
    ),
    Defence(
        "a frozen camera's picture is looked at again and again",
        _LINK + "frames.py",
        "if told.frame_jpeg == self._image:",
        "if False:",
        (_LINK_TESTS + "test_seeing.py", "test_the_camera_freezes"),
    ),
    Defence(
        "what is no picture is looked at",
        _LINK + "frames.py",
        ".startswith(_JPEG):",
        " is None:",
        (_LINK_TESTS + "test_seeing.py", "test_every_malformed_one"),
    ),
    Defence(
        "a frozen camera sees",
        _LINK + "seeing.py",
        "elif arrived > since and same_s >= STALE_AFTER_S:",
        "elif False:",
        (_LINK_TESTS + "test_seeing.py", "test_the_camera_freezes"),
    ),
    Defence(
        "a camera that sends nothing sees",
        _LINK + "seeing.py",
        "if now - max(arrived, since) > NO_FRAME_S:",
        "if False:",
        (_LINK_TESTS + "test_seeing.py", "test_no_picture_comes"),
    ),
    Defence(
        "a detector that fails for ever is waited for",
        _LINK + "seeing.py",
        "elif self._unanswered_since is not None and now - self._unanswered_since >= BLIND_AFTER_S:",
        "elif False:",
        (_LINK_TESTS + "test_seeing.py", "test_the_detector_fails"),
    ),
    Defence(
        "a tracker that raises is a clear way",
        _LINK + "seeing.py",
        "        if self._unanswered_since is None:\n            self._unanswered_since = time.monotonic()\n\n",
        "",
        (_LINK_TESTS + "test_seeing.py", "tracker"),
    ),
    Defence(
        "vision is handed back and the way stays clear",
        _LINK + "seeing.py",
        "            self._say_blind(reason)\n            self._forget()\n        if now",
        "            self._forget()\n        if now",
        (_LINK_TESTS + "test_seeing.py", "test_the_robot_cannot_be_told"),
    ),
    Defence(
        "the link ends and the way stays clear",
        _LINK + "seeing.py",
        """        if self._last_word == "clear":
            self._say_blind(reason)
""",
        "",
        (_LINK_TESTS + "test_seeing.py", "test_the_link_ends"),
    ),
    Defence(
        "the first frame already says that the way is clear",
        _LINK + "seeing.py",
        "if ahead.present or self._tracks.settled:",
        "if True:",
        (_LINK_TESTS + "test_seeing.py", "test_the_first_frames_of_a_stream"),
    ),
    Defence(
        "what is not confirmed yet is a clear way",
        _LINK + "seeing.py",
        "if unsure.present:",
        "if False:",
        (_LINK_TESTS + "test_seeing.py", "test_what_is_not_confirmed"),
    ),
    Defence(
        "what is never confirmed keeps the last word for ever",
        _LINK + "seeing.py",
        "if frame.arrived - self._unsure_since < UNSURE_S:",
        "if True:",
        (_LINK_TESTS + "test_seeing.py", "test_what_is_never_confirmed"),
    ),
    Defence(
        "a camera that stays frozen takes vision again and again",
        _LINK + "custody.py",
        "min(2 * domain.wait_s, LONGEST_WAIT_S) if again else HEALTHY_FOR_S",
        "HEALTHY_FOR_S",
        (_LINK_TESTS + "test_custody.py", "left_alone_longer"),
    ),
    Defence(
        "any number of things is known",
        _LINK + "tracks.py",
        "if len(self._known) < MAX_THINGS:",
        "if True:",
        (_LINK_TESTS + "test_tracks.py", "test_there_is_an_end"),
    ),
    Defence(
        "one frame is enough to enter",
        _LINK + "tracks.py",
        "if not known.entered and known.frames >= self._confirm_frames:",
        "if not known.entered:",
        (_LINK_TESTS + "test_tracks.py", "test_a_thing_counts_when"),
    ),
    Defence(
        "every thing is told of in every frame",
        _LINK + "tracks.py",
        "        due = [it for it in due if self._now_s - it.told_s >= UPDATE_EVERY_S]\n",
        "",
        (_LINK_TESTS + "test_tracks.py", "test_updates_of_a_thing"),
    ),
    Defence(
        "a box outside the picture breaks the arithmetic",
        _LINK + "obstacle.py",
        "        box = within(thing.box, view)\n",
        "        box = thing.box\n",
        (_LINK_TESTS + "test_obstacle.py", "test_whatever_boxes"),
    ),
    Defence(
        "a person without feet is taken for a small one far away",
        _LINK + "obstacle.py",
        "min(by_height_m, by_width_m) if cut else by_height_m",
        "by_height_m",
        (_LINK_TESTS + "test_obstacle.py", "test_what_is_cut_off"),
    ),
    Defence(
        "the robot turns to whoever is there while the followed one is hidden",
        _LINK + "following.py",
        "if self._id is None or not people[self._id].seen:",
        "if self._id is None:",
        (_LINK_TESTS + "test_obstacle.py", "test_the_largest_first"),
    ),
    Defence(
        "a person becomes the chair behind",
        _TRACKING + "byte_track.py",
        "places.setdefault(found.label, []).append(place)",
        'places.setdefault("", []).append(place)',
        (_TRACKING_TESTS, "test_a_person_never"),
    ),
    Defence(
        "who is covered gets the box of the one in front",
        _TRACKING + "byte_track.py",
        "numbers[place] = self._number(renamed.get(theirs, theirs))",
        "numbers[place] = self._number(theirs)",
        (_TRACKING_TESTS, "test_two_that_cross_keep"),
    ),
    Defence(
        "the library's numbers begin again with each class",
        _TRACKING + "byte_track.py",
        "self._ours[theirs] = next(self._numbers)",
        "self._ours[theirs] = theirs + 1",
        (_TRACKING_TESTS, "test_numbers_are_never"),
    ),
    Defence(
        "an empty class is kept",
        _TRACKING + "byte_track.py",
        "            if one.is_empty:\n                del self._classes[label]\n",
        "",
        (_TRACKING_TESTS, "test_nothing_is_kept"),
    ),
    Defence(
        "any number of classes is followed",
        _TRACKING + "byte_track.py",
        "if found.label in places or len(places) < MAX_CLASSES:",
        "if True:",
        (_TRACKING_TESTS, "test_more_classes"),
    ),
    Defence(
        "a clock that stands still makes the library complain",
        _TRACKING + "byte_track.py",
        "max(_LEAST_STEP_S, elapsed_s)",
        "max(0.0, elapsed_s)",
        (_TRACKING_TESTS, "test_a_clock_that_stands"),
    ),
    Defence(
        "a box beyond all measure ends the tracker",
        _TRACKING + "byte_track.py",
        "(min(max(side, -_FAR_PX), _FAR_PX) for side in box)",
        "box",
        (_TRACKING_TESTS, "test_boxes_that_are_none"),
    ),
]

DEFENCES = [*LEDGER, *HANDS, *AHEAD, *WORKER, *SCHEDULES, *RABBITMQ, *EYES]
