"""The panel and its HTTP servers."""

from __future__ import annotations

from mutants.mutant import Mutant

MUTANTS = [
    Mutant(
        "an unconfirmed switch is answered as done",
        "rider_core/web/rest/robots.py",
        "200 if switched.confirmed else 202",
        "200",
        ("tests/web/test_robots.py", "test_an_unconfirmed_switch"),
    ),
    Mutant(
        "half-sent requests occupy all connections",
        "rider_core/web/serving/connections.py",
        "candidates = list(self._open)",
        "candidates = []",
        ("tests/web/serving/test_connections.py", "test_the_oldest_idle"),
    ),
    Mutant(
        "one machine occupies all connections",
        "rider_core/web/serving/connections.py",
        "candidates = neighbours",
        "candidates = []",
        ("tests/web/serving/test_connections.py", "test_one_address"),
    ),
    Mutant(
        "a byte now and then keeps a request alive",
        "rider_core/web/serving/connections.py",
        "self._waited_s += time.monotonic() - since",
        "pass",
        ("tests/web/serving/test_connections.py", "test_drops_do_not"),
    ),
    Mutant(
        "connections of refused requests stay open",
        "rider_core/web/security.py",
        "        close_after_answer(environ)\n",
        "",
        ("tests/web/test_crowds.py", "test_refused_ones and eventlet"),
    ),
    Mutant(
        "an unread body loses the answer",
        "rider_core/web/serving/handler.py",
        "                self._linger()\n",
        "                pass\n",
        ("tests/web/test_crowds.py", "test_an_unread_body"),
    ),
    Mutant(
        "idle uploads occupy all slots of /v1",
        "rider_core/web/openai/admission_limiter.py",
        "                self._disconnect_idle()\n",
        "                pass\n",
        ("tests/web/test_crowds.py", "test_idle_bodies and eventlet"),
    ),
    Mutant(
        "a chunked body that is too long is truncated",
        "rider_core/web/openai/routes.py",
        "            request.stream.read(1)\n",
        "",
        ("tests/web/test_crowds.py", "test_a_body_in_chunks and eventlet"),
    ),
    Mutant(
        "the number of Engine.IO sessions is unlimited",
        "rider_core/web/sessions.py",
        "        if wait_s:\n",
        "        if False:\n",
        ("tests/web/test_crowds.py", "test_openings and threading"),
    ),
    Mutant(
        "one session occupies all threads by polling",
        "rider_core/web/sessions.py",
        "            if sid in self._polled:\n",
        "            if False:\n",
        ("tests/web/test_crowds.py", "test_a_session_is_polled and threading"),
    ),
    Mutant(
        "wrong passwords are not slowed",
        "rider_core/web/access/access_control.py",
        "            attempt.count()\n",
        "            pass\n",
        ("tests/web/test_crowds.py", "test_guesses and threading"),
    ),
    Mutant(
        "an image on another site's page may send requests",
        "rider_core/web/security.py",
        'return environ.get("HTTP_SEC_FETCH_SITE") not in FOREIGN_SITES or',
        "return True or",
        ("tests/web/test_host_names.py", "test_a_page_that_sends_no_origin"),
    ),
    Mutant(
        "X-Forwarded headers of any client are trusted",
        "rider_core/web/security.py",
        'if self._proxies.include(str(environ.get("REMOTE_ADDR", ""))) else self._serve',
        "if True else self._serve",
        ("tests/web/test_host_names.py", "test_forwarded_headers_count"),
    ),
    Mutant(
        "a size of a chunk without an end fills the panel's memory",
        "rider_core/web/serving/chunks.py",
        "self._stream.readline(MAX_LINE)",
        "self._stream.readline()",
        ("tests/web/test_crowds.py", "test_odd_chunks"),
    ),
    Mutant(
        "an unknown transfer coding is read as plain",
        "rider_core/web/serving/chunks.py",
        'if self._coding != "chunked":',
        "if False:",
        ("tests/web/test_crowds.py", "test_odd_chunks"),
    ),
    Mutant(
        "a provider without JSON support is asked for JSON",
        "rider_core/web/openai/chat.py",
        "        _refuse_unsupported(services, model_info, generate_request)\n",
        "",
        ("tests/web/openai/test_chat.py", "test_unsupported_parameters"),
    ),
]
