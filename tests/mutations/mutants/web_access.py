"""Who may do what in the panel, and its REST interface."""

from __future__ import annotations

from mutants.mutant import Mutant

_ACCESS = "tests/web/rest/test_access_rights.py"
_CONNECTIONS = "tests/web/rest/test_open_connections.py"
_RATES = "tests/web/rest/test_rate_limits.py"
_SETTINGS = "tests/web/rest/test_rest_settings.py"
_PLUGINS = "tests/web/rest/test_rest_plugins.py"
_JOBS = "tests/web/rest/test_rest_jobs.py"

MUTANTS = [
    Mutant(
        "a package that no setting names is installed",
        "rider_core/web/rest/plugins.py",
        "package = allowed.get(normalized(body.package))",
        "package = body.package",
        (_PLUGINS, "test_nothing"),
    ),
    Mutant(
        "a package is installed without the password",
        "rider_core/web/rest/plugins.py",
        "        confirm(access, body.password, body.confirmation, body.package)\n",
        "",
        (_PLUGINS, "test_the_password"),
    ),
    Mutant(
        "a plugin that fails stays installed",
        "rider_core/runtime/plugin_installer.py",
        "self._undo(error, lambda: self._remove_new(before))",
        "pass",
        (_PLUGINS, "test_what_does_not_work"),
    ),
    Mutant(
        "whoever has signed in may do everything",
        "rider_core/web/access/needed_roles.py",
        "if needed is not None and not identity.may(needed):",
        "if needed is not None and identity.role is None:",
        (_ACCESS, "test_each_role"),
    ),
    Mutant(
        "a page of another site changes things with the browser's cookie",
        "rider_core/web/access/access_control.py",
        "if not hmac.compare_digest(given.encode(), identity.csrf.encode()):",
        "if False:",
        (_ACCESS, "test_a_session_from"),
    ),
    Mutant(
        "a session outlives its user's password",
        "rider_core/web/access/authenticator.py",
        "not hmac.compare_digest(self._cookies.fingerprint(found.secret), session.fingerprint)",
        "False",
        (_ACCESS, "test_a_new_password"),
    ),
    Mutant(
        "an expired token opens the panel",
        "rider_core/web/access/authenticator.py",
        " or token.expired",
        "",
        (_ACCESS, "test_tokens"),
    ),
    Mutant(
        "a token's public part opens the panel",
        "rider_core/runtime/api_tokens.py",
        'hmac.compare_digest(_hashed(found["secret"]), token.secret_hash)',
        "True",
        (_ACCESS, "test_tokens"),
    ),
    Mutant(
        "wrong passwords of the sign-in page are not slowed",
        "rider_core/web/access/guesses.py",
        "wait_s = bucket.take(client)",
        "wait_s = 0.0",
        (_ACCESS, "test_ten_wrong"),
    ),
    Mutant(
        "a database that cannot be read opens the panel",
        "rider_core/web/access/access_control.py",
        '            return AccessRefusal("503',
        '            found = OWNER  # AccessRefusal("503',
        (_ACCESS, "test_a_database_that_cannot"),
    ),
    Mutant(
        "the last admin removes the last admin",
        "rider_core/database/account_store.py",
        "    if admins == [name]:\n",
        "    if False:\n",
        (_ACCESS, "test_users_over_http"),
    ),
    Mutant(
        "a lost database makes everybody an admin",
        "rider_core/web/access/authenticator.py",
        "required = self._is_required or self.has_people()",
        "required = self.has_people()",
        (_ACCESS, "test_a_lost_database"),
    ),
    Mutant(
        "many passwords that come together are all checked",
        "rider_core/web/access/authenticator.py",
        "        attempt.count()\n",
        "",
        ("tests/web/test_guesses.py", "test_as_many"),
    ),
    Mutant(
        "who has not signed in fills the audit log",
        "rider_core/web/access/audit.py",
        "if who and action",
        "if action",
        (_ACCESS, "test_who_has_not"),
    ),
    Mutant(
        "a secret with a harmless name is shown",
        "rider_core/config/shown.py",
        "if value and name in secret else",
        "if False else",
        (_SETTINGS, "test_secrets"),
    ),
    Mutant(
        "what is shown for a secret replaces it",
        "rider_core/web/rest/providers.py",
        "if masked is not None:",
        "if False:",
        (_SETTINGS, "test_secrets"),
    ),
    Mutant(
        "a body that is a string is decoded twice",
        "rider_core/web/rest/blueprint.py",
        "if not isinstance(request.get_json(), dict):",
        "if request.get_json() is NotJson:",
        (_JOBS, "test_wrong_jobs"),
    ),
    Mutant(
        "changes are not in the audit log",
        "rider_core/web/access/audit.py",
        "(response.status_code < 400 or signs_in)",
        "signs_in",
        (_ACCESS, "test_the_audit_log"),
    ),
    Mutant(
        "passwords are in the audit log",
        "rider_core/web/access/audit.py",
        "return _shortened(shown_value(value))",
        "return _shortened(value)",
        (_ACCESS, "test_users_over_http"),
    ),
    Mutant(
        "a key that was sent twice submits two jobs",
        "rider_core/web/rest/jobs.py",
        'if header.key is not None and "id" not in body.model_fields_set:',
        "if False:",
        (_JOBS, "test_the_same_key"),
    ),
    Mutant(
        "deeply nested JSON ends the request with 500",
        "rider_core/web/rest/application.py",
        "return from_json(data, allow_inf_nan=False)",
        "return super().loads(data)",
        (_JOBS, "test_wrong_jobs"),
    ),
    Mutant(
        "a page of a list leaves jobs out where many ended in one second",
        "rider_core/jobs/store/listing.py",
        "return int(before) + bisect_left(range(same), True, key=is_after)",
        "return int(before) + same",
        ("tests/jobs/test_rq_lists.py", "test_the_latest_first"),
    ),
    Mutant(
        "a page of waiting jobs begins anew when its last job was taken",
        "rider_core/jobs/store/listing.py",
        "        if begin is not None and number < begin.lane:\n            continue\n",
        "",
        ("tests/jobs/test_rq_lists.py", "test_waiting_jobs_are_listed"),
    ),
    Mutant(
        "a connection outlives its session",
        "rider_core/web/socket_guard.py",
        "session.close(wait=False)",
        "pass",
        (_CONNECTIONS, "test_what_ends and eventlet"),
    ),
    Mutant(
        "a conversation goes on with the role of its beginning",
        "rider_core/web/talk/talk_feed.py",
        "            if not self._guard.identity().may(Role.OPERATE):\n                raise",
        "            if False:\n                raise",
        (_CONNECTIONS, "test_a_message and eventlet"),
    ),
    Mutant(
        "a copied cookie lets in after its session was signed out",
        "rider_core/web/access/authenticator.py",
        "if session is None or session.csrf in self._ended:",
        "if session is None:",
        (_CONNECTIONS, "test_what_ends and eventlet"),
    ),
    Mutant(
        "one person's browsers keep the camera from others",
        "rider_core/web/fair_places.py",
        "if most < counts[person] + 2:",
        "if True:",
        ("tests/web/test_fair_places.py", "test_whoever"),
    ),
    Mutant(
        "stopping the robot is limited",
        "rider_core/web/rest/robots.py",
        ", is_limited=False",
        "",
        (_RATES, "test_one_person"),
    ),
    Mutant(
        "one person's changes slow everybody down",
        "rider_core/web/rate_limits.py",
        "name in ('', OWNER.name) else name",
        "True else name",
        (_RATES, "test_one_person"),
    ),
    Mutant(
        "a change fails while Redis hangs",
        "rider_core/web/rate_limits.py",
        "in_memory_fallback_enabled=True",
        "in_memory_fallback_enabled=False",
        (_RATES, "test_without_redis"),
    ),
    Mutant(
        "a client of the robot's side asks without end",
        "rider_core/link_process/app.py",
        "if not wait_s:",
        "if True:",
        ("tests/link_process/test_robot_app.py", "test_an_address"),
    ),
]
