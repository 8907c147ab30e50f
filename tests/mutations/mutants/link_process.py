"""The process of the link, and what the robot asks of it over HTTP."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = [
    Mutant(
        "a link that hangs is not ended",
        "rider_core/link_process/process.py",
        "            os._exit(STUCK_STATUS)",
        "            pass",
        ("tests/link/test_thread_watchdog.py", "test_the_links_process_ends"),
    ),
    Mutant(
        "a new address of the PC is never reported",
        "rider_core/link_process/process.py",
        "        if address_monitor.new_address:\n",
        "        if False:\n",
        ("tests/link/test_thread_watchdog.py", "test_a_new_address"),
    ),
    Mutant(
        "a link that was stopped for a minute ends itself",
        "rider_core/link_process/process.py",
        "grace_until = time.monotonic() + SUSPEND_GRACE_S",
        "pass",
        ("tests/link/test_thread_watchdog.py", "test_after_a_suspend_no_thread_counts_as_hung"),
    ),
    Mutant(
        "an address that disappears again ends the link",
        "rider_core/link_process/process.py",
        "            if not has_served:\n                raise\n",
        "            raise\n",
        ("tests/link/test_thread_watchdog.py", "test_a_lost_address_is_waited_for"),
    ),
    Mutant(
        "the probe waits for Redis",
        "rider_core/link_process/app.py",
        "        snapshot = capacity.snapshot\n",
        "        capacity.poll()\n        snapshot = capacity.snapshot\n",
        ("tests/link_process/test_robot_server.py", "test_the_probe_is_answered_while_redis_hangs"),
    ),
    Mutant(
        "any number of texts is written at once",
        "rider_core/link_process/text_endpoint.py",
        "if not self._slots.acquire(blocking=False):",
        "if False:",
        ("tests/link_process/test_robot_server.py", "test_the_probe_is_answered_while_texts_hang"),
    ),
    Mutant(
        "half-sent requests take all connections",
        "rider_core/link_process/server.py",
        "connection_limit=MAX_CONNECTIONS,",
        "connection_limit=100,",
        ("tests/link_process/test_robot_server.py", "test_the_probe_is_answered_while_requests"),
    ),
    Mutant(
        "a text goes on although its client hung up",
        "rider_core/link_process/text_endpoint.py",
        "is_abandoned = has_hung_up()",
        "is_abandoned = False",
        ("tests/link_process/test_robot_server.py", "test_a_text_whose_client_hung_up_is_cancelled"),
    ),
    Mutant(
        "a text goes on although its time is up",
        "rider_core/link_process/text_endpoint.py",
        "                    self._backend.cancel(job_id)\n",
        "                    pass\n",
        ("tests/link_process/test_robot_server.py", "test_a_text_whose_time"),
    ),
    Mutant(
        "a web page may ask the robot's side",
        "rider_core/link_process/app.py",
        'if "Origin" in request.headers:',
        "if False:",
        ("tests/link_process/test_robot_app.py", "test_a_web_page"),
    ),
    Mutant(
        "the robot's side answers to any name",
        "rider_core/link_process/app.py",
        "if not _is_address(host) and host not in names:",
        "if False:",
        ("tests/link_process/test_robot_app.py", "test_a_web_page"),
    ),
    Mutant(
        "a page's plain text starts a job",
        "rider_core/link_process/app.py",
        'if request.method == "POST" and not request.is_json:',
        "if False:",
        ("tests/link_process/test_robot_app.py", "test_only_json"),
    ),
]
