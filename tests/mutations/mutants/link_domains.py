"""Who serves each of the robot's domains."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = [
    Mutant(
        "a robot that drips holds a call for ever",
        "rider_core/link/robot_api.py",
        "asyncio.wait_for(self._request(method, path, body), CALL_LIMIT_S)",
        "asyncio.wait_for(self._request(method, path, body), 60)",
        ("tests/link/test_robot_api.py", "test_a_call_is_over_in_time"),
    ),
    Mutant(
        "a packed answer is unpacked",
        "rider_core/link/robot_api.py",
        'if encoding != "identity":',
        "if False:",
        ("tests/link/test_robot_api.py", "test_nonsense"),
    ),
    Mutant(
        "a robot's state is not validated",
        "rider_core/link/robot_api.py",
        'return parse_message(DomainState, {**state, "domain": name})',
        'return DomainState.model_construct(**{**state, "domain": name})',
        ("tests/link/test_robot_api.py", "test_nonsense"),
    ),
    Mutant(
        "a camera that stays frozen takes vision again and again",
        "rider_core/link/domain_failover.py",
        "min(2 * domain.takeover_wait_s, LONGEST_WAIT_S) if soon else self._first_wait_s()",
        "self._first_wait_s()",
        ("tests/link/test_domain_failover.py", "lengthen_the_wait"),
    ),
    Mutant(
        "a new address of the PC fails all domains over",
        "rider_core/link/domain_failover.py",
        'if fail_over and domain.mode == "pc":',
        'if domain.mode == "pc":',
        ("tests/link/test_thread_watchdog.py", "test_a_stop_without_failover_switches_nothing"),
    ),
    Mutant(
        "a robot process that gave the PC up without its interface is not detected",
        "rider_core/link/domain.py",
        "return by_robot or bool(self.robot_fallback) or self.is_failed_over",
        "return by_robot or self.is_failed_over",
        (
            "tests/link/test_domain_failover.py",
            "test_a_fallback_unknown_to_the_robots_http_interface_is_taken_over_again",
        ),
    ),
    Mutant(
        "a switch that changes nothing is requested",
        "rider_core/link/domain_failover.py",
        '        if domain.mode == "pc":\n            # One',
        "        if False:\n            # One",
        (
            "tests/link/test_domain_failover.py",
            "test_a_fallback_unknown_to_the_robots_http_interface_is_taken_over_again",
        ),
    ),
    Mutant(
        "a bus that is down serves voice and vision",
        "rider_core/link/readiness.py",
        "if self._bus_problem and time.monotonic() - self._bus_since > BUS_GRACE_S:",
        "if False:",
        ("tests/link/test_readiness.py", "test_domains_over_the_bus_fail_over_when_it_is_down"),
    ),
    Mutant(
        "each failed switch leaves a line",
        "rider_core/link/robot_domains.py",
        "            if not domain.failed_switches:\n                log.error",
        "            if True:\n                log.error",
        ("tests/link/test_domain_failover.py", "test_a_robot_that_is_off"),
    ),
    Mutant(
        "a domain that the robot gave up by itself stays lost",
        "rider_core/link/domain.py",
        "return by_robot or bool(self.robot_fallback)",
        "return bool(self.robot_fallback)",
        (
            "tests/link/test_domain_failover.py",
            "test_a_lost_domain_is_taken_over_again_also_after_a_restart_of_the_link",
        ),
    ),
    Mutant(
        "a person's switch at the robot is undone",
        "rider_core/link/domain.py",
        "return by_robot or bool(self.robot_fallback) or self.is_failed_over",
        'return self.mode == "local"',
        ("tests/link/test_domain_failover.py", "test_a_persons_switch_stays"),
    ),
    Mutant(
        "a domain that failed over before a restart of the link stays lost",
        "rider_core/link/domain.py",
        'return self.mode == "local" and self.reason.startswith(FAILOVER_PREFIX)',
        "return False",
        (
            "tests/link/test_domain_failover.py",
            "test_a_lost_domain_is_taken_over_again_also_after_a_restart_of_the_link",
        ),
    ),
    Mutant(
        "a person's choice waits as long as a recovery",
        "rider_core/link/domain_failover.py",
        "(domain.requested or healthy_s > domain.takeover_wait_s)",
        "healthy_s > domain.takeover_wait_s",
        ("tests/link/test_preferences.py", "test_a_domain_that_cannot_be_served_is_not_taken_over_and_shows_why"),
    ),
    Mutant(
        "a domain that cannot be served stays with the PC",
        "rider_core/link/domain_failover.py",
        '            if domain.mode == "pc":\n                self._switch_to_local',
        "            if False:\n                self._switch_to_local",
        ("tests/link/test_preferences.py", "test_a_preference_for_the_pc_takes_over_at_once_and_after_each_failure"),
    ),
    Mutant(
        "a domain that a person chose to be local is taken over",
        "rider_core/link/domain.py",
        '        if preference.choice == "local":\n            return False\n',
        "",
        ("tests/link/test_preferences.py", "test_a_domain_that_a_person_wants_local_is_never_taken_over"),
    ),
    Mutant(
        "a choice made here outlives a switch at the robot",
        "rider_core/link/robot_domains.py",
        "            self._preferences.prefer(name, Preference())\n",
        "            pass\n",
        ("tests/link/test_preferences.py", "test_a_switch_at_the_robot_ends_the_preference"),
    ),
    Mutant(
        "choices end with the process",
        "rider_core/link/preferences.py",
        "            os.replace(new, self._path)\n",
        "            pass\n",
        ("tests/link/test_preferences.py", "test_preferences_and_history_survive_a_restart"),
    ),
    Mutant(
        "a damaged file keeps the link from starting",
        "rider_core/link/preferences.py",
        "except (OSError, ValueError, RecursionError, ValidationError) as error:",
        "except OSError as error:",
        ("tests/link/test_preferences.py", "test_a_damaged_file"),
    ),
    Mutant(
        "text alone keeps the robot's voice from hearing",
        "rider_core/link/readiness.py",
        '            reasons["text"] = f"voice',
        '            pass\n            _ = f"voice',
        ("tests/link/test_readiness.py", "test_text_fails_over_with_a_voice_that_cannot_be_served"),
    ),
    Mutant(
        "voice goes first and keeps the robot's eyes shut",
        "rider_core/link/readiness.py",
        '(is_lost and "vision is not back yet")',
        '""',
        ("tests/link/test_readiness.py", "test_all_domains_fail_over_with_vision_where_it_is_set"),
    ),
    Mutant(
        "unattended vision is not detected",
        "rider_core/link/robot_domains.py",
        'known.mode == "local" and self._ai_mode == OFFLOADS',
        "False",
        ("tests/link/test_robot_domains.py", "test_vision_is_unattended"),
    ),
    Mutant(
        "the robot's AI mode is not polled",
        "rider_core/link/robot_domains.py",
        "            self._ai_mode = self._api.ai_mode()\n",
        "",
        ("tests/link/test_robot_domains.py", "test_vision_is_unattended"),
    ),
    Mutant(
        "a domain counts as served while Redis hangs",
        "rider_core/link/capacity_monitor.py",
        "if snapshot.age_s > STALE_S:",
        "if False:",
        ("tests/link/test_capacity_monitor.py", "test_a_redis_that_hangs"),
    ),
    Mutant(
        "a stranger at the robot's address is sent heartbeats",
        "rider_core/link/robot_domains.py",
        "            for state in self._api.domains().values():\n",
        '            self._api.send_heartbeat("", "ok")\n            for state in self._api.domains().values():\n',
        ("tests/link/test_robot_domains.py", "test_another_program"),
    ),
    Mutant(
        "after a suspend domains are taken over as late as after a failure",
        "rider_core/link/domain_failover.py",
        "            if suspended_s := suspend.suspended_s():\n                self._after_suspend(suspended_s)\n",
        "",
        ("tests/link/test_domain_failover.py", "test_after_a_suspend_of_the_pc_a_lost_domain_is_taken_over_soon"),
    ),
    Mutant(
        "a worker that is started again sends its domain to the robot",
        "rider_core/link/readiness.py",
        "                self._attended[name] = now",
        "                self._attended.pop(name, None)",
        ("tests/link/test_readiness.py", "a_worker_that_is_started_again"),
    ),
    Mutant(
        "in the link's first seconds a domain that was served counts as never served",
        "rider_core/link/readiness.py",
        "if name in self._served_once}",
        "if False}",
        ("tests/link/test_readiness.py", "test_the_start_grace_is_for_domains_that_were_never_served"),
    ),
    Mutant(
        "a person's vision at the robot keeps voice from the PC",
        "rider_core/link/readiness.py",
        ' and choices["vision"] != "local"',
        "",
        ("tests/link/test_readiness.py", "test_vision_that_a_person_wants_local_does_not_hold_other_domains_there"),
    ),
    Mutant(
        "an outdated state of the robot is accepted",
        "rider_core/link/robot_domains.py",
        "if domain.announced_at > requested_at and domain.mode != state.mode:",
        "if False:",
        ("tests/link/test_robot_domains.py", "test_an_outdated_answer_does_not_replace_a_newer_announcement"),
    ),
    Mutant(
        "a failover that failed is not repeated",
        "rider_core/link/domain_failover.py",
        "                    self._failover_requests.setdefault(name, reason)\n",
        "                    pass\n",
        ("tests/link/test_domain_failover.py", "test_a_failover_that_failed_is_repeated"),
    ),
    Mutant(
        "a robot that is gone confirms a switch",
        "rider_core/link/steering.py",
        "was_tried and heartbeat.answered and",
        "was_tried and",
        ("tests/link/test_steering.py", "test_a_robot_that_is_gone"),
    ),
    Mutant(
        "a robot that hangs is waited for beyond the client's time",
        "rider_core/link/steering.py",
        "min(SWITCH_LIMIT_S, left_s - ANSWER_S)",
        "SWITCH_LIMIT_S",
        ("tests/link/test_steering.py", "test_a_robot_that_hangs"),
    ),
    Mutant(
        "a switch is confirmed by what the robot reported long ago",
        "rider_core/link/domain_failover.py",
        "if choices or self._robot.is_due():",
        "if self._robot.is_due():",
        ("tests/link/test_robot_domains.py", "test_a_persons_choice_polls_the_robot_first"),
    ),
    Mutant(
        "the robot's refusal of a switch is not reported",
        "rider_core/link/robot_domains.py",
        "known.problem or known.switch_error",
        "known.problem",
        ("tests/link/test_robot_domains.py", "test_a_switch_error_is_shown_until_the_switch_succeeds"),
    ),
    Mutant(
        "a microphone that was silent while the bus was down asks for a restart",
        "rider_core/link/restarts.py",
        "max(voice.since, last_chunk, bus_since)",
        "max(voice.since, last_chunk)",
        ("tests/link/test_steering.py", "TestRestarts"),
    ),
    Mutant(
        "a switch is seen with the time of the one before",
        "rider_core/link/robot_domains.py",
        (
            '            domain.since, domain.switch_error = time.monotonic(), ""\n'
            "        domain.mode, domain.status, domain.reason = mode, status, reason\n"
            "        self._record(name, mode, reason)\n"
            "        if mode != was:\n"
        ),
        (
            "            pass\n"
            "        domain.mode, domain.status, domain.reason = mode, status, reason\n"
            "        self._record(name, mode, reason)\n"
            "        if mode != was:\n"
            '            domain.since, domain.switch_error = time.monotonic(), ""\n'
        ),
        ("tests/link/test_robot_domains.py", "test_other_threads_do_not_see_half_of_a_switch"),
    ),
]
