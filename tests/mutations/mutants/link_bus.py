"""The robot's bus."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = [
    Mutant(
        "large frames pile up",
        "rider_core/link/sockets.py",
        "FRAME_MARK, FRAME_BATCH_BYTES = 4, 1024 * 1024",
        "FRAME_MARK, FRAME_BATCH_BYTES = 1000, 1 << 50",
        ("tests/link/test_flood.py", "test_large_frames"),
    ),
    Mutant(
        "a broker that forwards nothing counts as up",
        "rider_core/link/bus.py",
        "        elif self._probe.is_lost():\n            self._probe.reset()",
        "        elif False:\n            self._probe.reset()",
        ("tests/link/test_loopback_probe.py", "test_a_broker_that_forwards_nothing"),
    ),
    Mutant(
        "messages queued while the bus was down are sent in a burst",
        "rider_core/link/bus.py",
        '        if not self._state.up:\n            LINK_DROPPED.labels("message").inc()\n            return False\n',
        "",
        ("tests/link/test_loopback_probe.py", "test_after_a_cut_no_old_message_arrives"),
    ),
    Mutant(
        "a message counts as sent before its probe has come back",
        "rider_core/link/loopback_probe.py",
        "        self._since_last[topic] += 1\n",
        "        LINK_SENT.labels(topic).inc()\n        self._since_last[topic] += 1\n",
        ("tests/link/test_loopback_probe.py", "test_only_messages_before_a_returned_probe_count_as_sent"),
    ),
    Mutant(
        "a thread that ended counts as alive",
        "rider_core/link/thread_watchdog.py",
        "if not self._thread.is_alive():",
        "if False:",
        ("tests/link/test_thread_watchdog.py", "test_a_thread_that_ended"),
    ),
    Mutant(
        "after a suspend the bus waits for libzmq's own timeouts",
        "rider_core/link/bus.py",
        "            if suspend.suspended_s():\n                return",
        "            if False:\n                return",
        ("tests/link/test_loopback_probe.py", "test_after_a_suspend"),
    ),
    Mutant(
        "a report that may not have arrived is not repeated",
        "rider_core/link/link.py",
        "            self._vision.monitor.bus_is_back()\n",
        "",
        ("tests/link/test_vision_monitor.py", "test_vision_lost_is_repeated_after_the_bus_was_down"),
    ),
    Mutant(
        "one picture that is too large ends them all",
        "rider_core/link/sockets.py",
        "elif time.monotonic() - self._frames_missed_since > RENEW_FRAMES_AFTER_S:",
        "elif False:",
        ("tests/link/test_flood.py", "test_one_picture_that_is_too_large"),
    ),
    Mutant(
        "a thread that waits for a job may hang for ever",
        "rider_core/link/link.py",
        "self._vision.monitor, *voice, self._executor\n",
        "self._vision.monitor\n",
        ("tests/link/test_thread_watchdog.py", "test_each_thread_of_the_link_is_watched"),
    ),
    Mutant(
        "a thread without work hangs",
        "rider_core/link/thread_watchdog.py",
        "item = waiting.get(timeout=FEED_EVERY_S)",
        "item = waiting.get()",
        ("tests/link/test_thread_watchdog.py", "test_a_thread_that_waits_for_items"),
    ),
    Mutant(
        "each frame that fails leaves a line",
        "rider_core/link/log_throttle.py",
        "        if self._logged is None:\n",
        "        if True:\n",
        ("tests/link/test_log_throttle.py", "test_an_hour"),
    ),
    Mutant(
        "the other direction is said to be down",
        "rider_core/link/bus.py",
        "up=False, to_robot=to_robot, from_robot=from_robot, problem",
        "up=False, to_robot=from_robot, from_robot=to_robot, problem",
        ("tests/link/test_loopback_probe.py", "test_the_direction_that_is_down_is_named"),
    ),
]
