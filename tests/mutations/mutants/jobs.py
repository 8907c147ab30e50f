"""The Python side of the job store, and RQ's lists."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = [
    Mutant(
        "functions that Redis has lost are not loaded again",
        "rider_core/jobs/ledger/functions.py",
        'if str(error) != "Function not found":',
        "if True:",
        ("tests/jobs/test_ledger_functions.py", "test_functions_that_redis_lost_are_loaded_again"),
    ),
    Mutant(
        "two versions on one Redis remove each other's functions",
        "rider_core/jobs/ledger/functions.py",
        "if len(others) > OTHERS_KEPT:",
        "if others:",
        ("tests/jobs/test_ledger_functions.py", "test_a_few_other_versions_may_be_at_work_and_many_are_removed"),
    ),
    Mutant(
        "functions of all versions stay for ever",
        "rider_core/jobs/ledger/functions.py",
        "if len(others) > OTHERS_KEPT:",
        "if False:",
        ("tests/jobs/test_ledger_functions.py", "test_a_few_other_versions_may_be_at_work_and_many_are_removed"),
    ),
    Mutant(
        "a full memory takes jobs until nothing can be stored",
        "rider_core/jobs/ledger/admission.py",
        "        if self._problem:\n",
        "        if False:\n",
        ("tests/jobs/test_rq_backend.py", "test_a_full_memory_refuses_new_jobs_and_ends_old_ones"),
    ),
    Mutant(
        "a result is given up when its word is lost",
        "rider_core/jobs/ledger/backend.py",
        "heard = wire.hear(min(left_s, self.timings.wait_recheck_s))",
        "heard = wire.hear(left_s)",
        ("tests/jobs/test_rq_backend.py", "test_an_end_of_which_no_word_came_is_found"),
    ),
    Mutant(
        "one broken connection leaves the others to break one by one",
        "rider_core/jobs/ledger/line.py",
        "            self.close()  # the others are as old as the one that broke\n",
        "",
        ("tests/jobs/test_ledger_functions.py", "test_all_idle_connections_are_given_up_when_one_broke"),
    ),
    Mutant(
        "a Redis that does not answer is waited for for ever",
        "rider_core/jobs/ledger/line.py",
        'plain = type(self._socket).__module__ == "socket"',
        "plain = True",
        ("tests/jobs/test_line.py", "test_where_eventlet_is_others_go_on_meanwhile"),
    ),
    Mutant(
        "a report of items counts from the wrong one",
        "rider_core/jobs/ledger/reports.py",
        "        start += after - first\n",
        "        start += 1\n",
        ("tests/jobs/test_reports.py", "test_ranges_gaps_and_problems"),
    ),
    Mutant(
        "a worker that ends keeps its hand out",
        "rider_core/jobs/rq_backend/desk.py",
        'not self._line.call("DEL", self._hand)',
        'not self._line.call("EXISTS", self._hand)',
        ("tests/jobs/test_hands.py", ""),
    ),
    Mutant(
        "a stranger's message is run",
        "rider_core/jobs/rq_backend/desk.py",
        "if execution != self._held_out:",
        "if False:",
        ("tests/jobs/test_hands.py", "test_what_nobody_expected_is_left_alone or test_what_is_lost"),
    ),
    Mutant(
        "a killed worker is counted until its heartbeats are missed",
        "rider_core/jobs/ledger/figures.py",
        "if worker and count and b",
        "if worker and b",
        ("tests/link/test_capacity_monitor.py", "test_a_killed_worker"),
    ),
    Mutant(
        "an odd record in Redis is an exception",
        "rider_core/jobs/ledger/codec.py",
        "except (ValueError, TypeError, KeyError, OverflowError, RecursionError) as error:",
        "except ZeroDivisionError as error:",
        ("tests/jobs/test_odd_records.py", "test_a_damaged_one"),
    ),
    Mutant(
        "whoever waits takes a stock worker's failure for the job's",
        "rider_core/jobs/ledger/codec.py",
        "if state is JobState.FAILED and not outcome and Told.of(_text(about)).task:",
        "if False:",
        ("tests/jobs/test_stock_rq.py", "test_what_a_stock_worker"),
    ),
    Mutant(
        "packed data fills a worker's memory",
        "rider_core/jobs/ledger/codec.py",
        "unpacker.decompress(data, MAX_JOB_BYTES)",
        "unpacker.decompress(data)",
        ("tests/jobs/test_stock_rq.py", "test_what_was_packed"),
    ),
]
