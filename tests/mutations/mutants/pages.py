"""The panel's pages, and what stands behind them: pauses, choices, the camera, talking, stopping, HTTPS."""

from __future__ import annotations

from mutants.mutant import Mutant

_PAUSES = "tests/jobs/test_rq_lists.py"
_CHANGES = "tests/worker/test_provider_changes.py"
_PAGES = "tests/web/pages"
_BROWSER = "tests/web/test_browser.py"
_TALK = f"{_PAGES}/test_talk_page.py"
_TLS = "tests/web/serving/test_tls.py"

MUTANTS = [
    Mutant(
        "workers take jobs of a paused queue",
        "rider_core/jobs/rq_lists/lua/dequeue.lua",
        "    lanes = unpaused(lanes)\n",
        "",
        (_PAUSES, "TestOnValkey and paused_queue_wait"),
    ),
    Mutant(
        "an idle worker is dispatched a job of a paused queue",
        "rider_core/jobs/rq_lists/lua/direct_dispatch.lua",
        "  if redis.call('SISMEMBER', paused_key, job.queue) == 1 then return false end\n",
        "",
        ("tests/jobs/test_direct_dispatch.py", "paused"),
    ),
    Mutant(
        "nobody is woken when a queue continues",
        "rider_core/jobs/store/pauses.py",
        '    connection.publish(keys.wake_up_channel(queue), b"1")\n',
        "",
        ("tests/jobs/test_direct_dispatch.py", "woken_when_a_queue"),
    ),
    Mutant(
        "an engine that is switched off goes on",
        "rider_core/runtime/services.py",
        "if self.provider_choices.of(name).enabled]",
        "]",
        (_CHANGES, "switched_off_and_on"),
    ),
    Mutant(
        "running workers keep an engine's settings",
        "rider_core/worker/provider_pool.py",
        "if is_demoted or is_off or not self._has_current_settings(provider):",
        "if is_demoted or is_off:",
        (_CHANGES, "settings_are_used"),
    ),
    Mutant(
        "a counter that Redis has lost is believed",
        "rider_core/runtime/provider_choices.py",
        " and self._read.elapsed_s < READ_EVERY_S",
        "",
        (_CHANGES, "lost_counter"),
    ),
    Mutant(
        "the camera is read for nobody",
        "rider_core/web/camera_feed.py",
        "            return not self._viewers\n\n    def _should_end",
        "            return False\n\n    def _should_end",
        (f"{_PAGES}/test_dashboard_page.py", "nobody_who"),
    ),
    Mutant(
        "conversations are not limited",
        "rider_core/web/talk/talk_feed.py",
        "if len(self._sessions) + self._starting >= MAX_TALKS:",
        "if False:",
        (f"{_PAGES}/test_talk_page.py", "too_many and eventlet"),
    ),
    Mutant(
        "stop waits for Redis",
        "rider_core/web/rest/resources.py",
        "RobotClient(services.redis, services.settings.link_socket)",
        "RobotClient(services.redis, socket=None)",
        (f"{_PAGES}/test_stop.py", "without_redis and eventlet"),
    ),
    Mutant(
        "a shutdown that hangs leaves no stacks",
        "rider_core/web/__main__.py",
        "        cancel_watchdog = start_watchdog(STOP_LIMIT_S)\n",
        "        cancel_watchdog = lambda: None\n",
        ("tests/web/test_panel.py", "shutdown_that_hangs"),
    ),
    Mutant(
        "domains are switched by Redis alone",
        "rider_core/web/rest/resources.py",
        "RobotClient(services.redis, services.settings.link_socket)",
        "RobotClient(services.redis, None)",
        ("tests/web/test_robots.py", "asked_nonetheless"),
    ),
    Mutant(
        "a robot that has not confirmed it counts as stopped",
        "rider_core/link/steering.py",
        "return HaltView(confirmed=False, bus=sent, problem=error.message)",
        "return HaltView(confirmed=True, bus=sent)",
        (f"{_PAGES}/test_stop.py", "no_success and eventlet"),
    ),
    Mutant(
        "other pages do not hear of a change",
        "rider_core/web/changes.py",
        "            self._panel_state.set_section(SECTION, dict(self._counts))\n",
        "",
        (f"{_PAGES}/test_providers_page.py", "checked_saved"),
    ),
    Mutant(
        "a handshake that never ends keeps its connection",
        "rider_core/web/serving/tls.py",
        "        watched.replace(encrypted)  # the one before is an empty shell now\n",
        "",
        (_TLS, "break_the_handshake"),
    ),
    Mutant(
        "a refused conversation stays refused",
        "web/src/server/talk.ts",
        "this.again = setTimeout(() => this.socket.connect(), REFUSED_MS);",
        "this.again = setTimeout(() => undefined, REFUSED_MS);",
        (_TALK, "too_many_conversations and eventlet"),
    ),
    Mutant(
        "a question that is entered too early is lost",
        "web/src/pages/talk/talk-page.tsx",
        "if (!entered.value || !talk.isLive.value) return;",
        "if (!entered.value) return;\n    if (!talk.isLive.value) { entered.value = false; return; }",
        (_TALK, "entered_too_early and eventlet"),
    ),
    Mutant(
        "a page that cannot be loaded is empty",
        "web/src/parts/later.tsx",
        ", () => Unloaded as ComponentType<P>",
        ", (problem: unknown) => { void Unloaded; throw problem; }",
        (_BROWSER, "cannot_be_loaded"),
    ),
    Mutant(
        "without a network only pages open that were open before",
        "web/src/start.tsx",
        "  setTimeout(loadRest, REST_MS);\n",
        "  void loadRest, REST_MS;\n",
        (_BROWSER, "without_a_network"),
    ),
    Mutant(
        "what cannot be brought back is destroyed without a question",
        "web/src/parts/dialog.tsx",
        "    question.value = { heading, text, action, answer: resolve };",
        "    resolve(`${heading}${text}${action}` !== '');",
        (f"{_PAGES}/test_queue_page.py", "failed_job_says_why"),
    ),
    Mutant(
        "a space that is typed stops the robot",
        "web/src/server/stop.ts",
        " || elsewhere ||",
        " || (elsewhere && event.repeat) ||",
        (f"{_PAGES}/test_stop.py", "space_bar and eventlet"),
    ),
    Mutant(
        "a page does not say that its panel is gone",
        "web/src/app.tsx",
        'loaded.value || connection.value === "lost" ? concerns() : []',
        'connection.value === "live" ? concerns() : []',
        (_BROWSER, "reconnects_after_a_restart"),
    ),
    Mutant(
        "an engine that was switched on again is not found",
        "rider_core/web/openai/directory.py",
        " or self._list.revision != revision",
        "",
        ("tests/web/openai/test_directory.py", "young_list_is_of_the_present"),
    ),
    Mutant(
        "an answer from before a change counts",
        "rider_core/web/openai/directory.py",
        " or (running.is_done and running.revision != revision)",
        "",
        ("tests/web/openai/test_directory.py", "late_answer_from_before"),
    ),
    Mutant(
        "a mask is saved in the place of a secret",
        "rider_core/web/rest/providers.py",
        "        _refuse_masks({name: value for name, value in settings.items() if value != saved.get(name)})\n",
        "",
        ("tests/web/rest/test_rest_settings.py", "exactly_these"),
    ),
    Mutant(
        "a secret that is sent as it is shown is lost",
        "rider_core/web/rest/providers.py",
        "saved[name] if value == shown.get(name) else value",
        "value",
        ("tests/web/rest/test_rest_settings.py", "exactly_these"),
    ),
    Mutant(
        "what was restored on PostgreSQL and what comes next have the same number",
        "rider_core/database/dump.py",
        " and table.autoincrement_column is not None:",
        " and table.autoincrement_column is None:",
        ("tests/cli/test_backup.py", "moves_from_sqlite"),
    ),
    Mutant(
        "an unchanged value is logged as a change",
        "rider_core/web/access/audit.py",
        "if becomes is None and not signs_in:",
        "if not becomes and not signs_in:",
        ("tests/web/rest/test_rest_settings.py", "exactly_these"),
    ),
    Mutant(
        "the panel imports the client of Valkey",
        "rider_core/web/rate_limits.py",
        '    DEPENDENCIES = {"redis": RedisStorage.DEPENDENCIES["redis"]}',
        "    DEPENDENCIES = RedisStorage.DEPENDENCIES",
        ("tests/web/test_panel_imports.py", ""),
    ),
]
