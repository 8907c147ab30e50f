"""The Python side of the job store, and RQ's lists."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = [
    Mutant(
        "functions that Redis has lost are not loaded again",
        "rider_core/redis_functions/library.py",
        'if str(error) != "Function not found":',
        "if True:",
        ("tests/jobs/test_store_functions.py", "test_functions_that_redis_lost_are_loaded_again"),
    ),
    Mutant(
        "two versions on one Redis remove each other's functions",
        "rider_core/redis_functions/library.py",
        "if len(others) > OLD_LIBRARIES_KEPT:",
        "if others:",
        ("tests/jobs/test_store_functions.py", "test_a_few_other_versions_may_be_at_work_and_many_are_removed"),
    ),
    Mutant(
        "functions of all versions stay for ever",
        "rider_core/redis_functions/library.py",
        "if len(others) > OLD_LIBRARIES_KEPT:",
        "if False:",
        ("tests/jobs/test_store_functions.py", "test_a_few_other_versions_may_be_at_work_and_many_are_removed"),
    ),
    Mutant(
        "a full memory takes jobs until nothing can be stored",
        "rider_core/jobs/store/admission.py",
        "        if self._problem:\n",
        "        if False:\n",
        ("tests/jobs/test_rq_lists.py", "test_a_full_memory_refuses_new_jobs_and_ends_old_ones"),
    ),
    Mutant(
        "a result is lost with the message that announces it",
        "rider_core/jobs/backend.py",
        "messages = connection.receive(min(left_s, self.timings.wait_recheck_s))",
        "messages = connection.receive(left_s)",
        ("tests/jobs/test_rq_lists.py", "test_an_end_whose_message_was_lost_is_found"),
    ),
    Mutant(
        "one broken connection leaves the others to break one by one",
        "rider_core/redis_functions/connections.py",
        "            self.close()  # the idle ones are as old as the one that broke\n",
        "",
        ("tests/jobs/test_store_functions.py", "test_all_idle_connections_are_given_up_when_one_broke"),
    ),
    Mutant(
        "a Redis that does not answer is waited for for ever",
        "rider_core/redis_functions/connections.py",
        'plain = type(self._socket).__module__ == "socket"',
        "plain = True",
        ("tests/jobs/test_redis_connections.py", "test_where_eventlet_is_others_go_on_meanwhile"),
    ),
    Mutant(
        "a batch chunk is read from the wrong item",
        "rider_core/jobs/store/batch_chunks.py",
        "        start += after - first\n",
        "        start += 1\n",
        ("tests/jobs/test_batch_chunks.py", "test_ranges_gaps_and_problems"),
    ),
    Mutant(
        "a worker that ends does not withdraw its dispatch offer",
        "rider_core/jobs/rq_lists/source.py",
        'not self._session.pool.call("DEL", self._dispatch_channel)',
        'not self._session.pool.call("EXISTS", self._dispatch_channel)',
        ("tests/jobs/test_direct_dispatch.py", ""),
    ),
    Mutant(
        "a stranger's message is run",
        "rider_core/jobs/rq_lists/source.py",
        "if row.execution != self._offered:",
        "if False:",
        ("tests/jobs/test_direct_dispatch.py", "test_what_nobody_expected_is_left_alone or test_what_is_lost"),
    ),
    Mutant(
        "a killed worker is counted until its heartbeats are missed",
        "rider_core/jobs/store/metrics.py",
        "if worker and count and b",
        "if worker and b",
        ("tests/link/test_capacity_monitor.py", "test_a_killed_worker"),
    ),
    Mutant(
        "an odd record in Redis is an exception",
        "rider_core/jobs/store/records.py",
        "except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:",
        "except ZeroDivisionError as error:",
        ("tests/jobs/test_odd_records.py", "test_a_damaged_one"),
    ),
    Mutant(
        "a waiting caller takes a stock worker's failure for the job's",
        "rider_core/jobs/store/records.py",
        "if state is JobState.FAILED and not outcome and JobMetadata.unpack(_text(packed)).task:",
        "if False:",
        ("tests/jobs/test_stock_rq.py", "test_what_a_stock_worker"),
    ),
    Mutant(
        "packed data fills a worker's memory",
        "rider_core/jobs/store/spec_codec.py",
        "decompressor.decompress(data, MAX_JOB_BYTES)",
        "decompressor.decompress(data)",
        ("tests/jobs/test_stock_rq.py", "test_what_was_packed"),
    ),
]
