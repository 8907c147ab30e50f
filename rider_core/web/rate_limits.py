"""How often one person may change things through the REST interface, and one address may sign in: Flask-Limiter.

It counts in Redis, in one round trip; reading and stopping the robot ask nothing. While Redis is away, or takes longer
than `LIMIT_S`, the panel's memory counts. Wrong passwords have their own limits (`access/guesses.py`).
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from typing import Any

from flask import Flask, Response, request
from flask_limiter import ApplicationLimit, Limiter, RequestLimit
from limits.storage import RedisStorage

from rider_core.errors import QueueFull
from rider_core.runtime.redis_connection import connect_fail_fast
from rider_core.runtime.services import Services
from rider_core.web.access.access_control import SESSION_PATH
from rider_core.web.access.identity import OWNER, identity_of
from rider_core.web.access.needed_roles import SAFE_METHODS
from rider_core.web.rest.blueprint import ROOT, is_unlimited
from rider_core.web.rest.problems import explain
from rider_core.web.serving.addresses import client_at

#: Longest wait of a change for Redis, in seconds: then the panel's memory counts, and asks Redis again after 1 to 32 s.
LIMIT_S = 0.2
#: Of the keys in Redis.
PREFIX = "rider:limit"


class TooOften(QueueFull):
    """More requests in a minute than one person may send."""

    code = "rate_limit"


class RedisOnly(RedisStorage):
    """Without the client of Valkey, which `limits` imports where it is installed: 2.6 MB of the panel's memory."""

    STORAGE_SCHEME = ["rider-redis"]  # noqa: RUF012
    DEPENDENCIES = {"redis": RedisStorage.DEPENDENCIES["redis"]}  # noqa: RUF012


def add_rate_limits(app: Flask, services: Services) -> None:
    """Refuse requests beyond the limits, with 429, after the check of their roles."""
    settings = services.settings
    limits: list[str | Callable[[], str] | ApplicationLimit] = []
    if settings.web_changes_per_minute:
        refusal = _refusal(f"{settings.web_changes_per_minute} changes", "RIDER_WEB_CHANGES_PER_MINUTE")
        limits.append(_limit(settings.web_changes_per_minute, _person, _signs_in, refusal))
    if settings.web_sign_ins_per_minute:
        refusal = _refusal(f"{settings.web_sign_ins_per_minute} attempts to sign in", "RIDER_WEB_SIGN_INS_PER_MINUTE")
        limits.append(_limit(settings.web_sign_ins_per_minute, _address_that_signs_in, _changes, refusal))
    if not limits:
        return
    pool: Any = connect_fail_fast(services.redis, LIMIT_S).connection_pool
    limiter = Limiter(
        _person,
        application_limits=limits,
        strategy="fixed-window",
        storage_uri=f"{RedisOnly.STORAGE_SCHEME[0]}://",
        storage_options={"connection_pool": pool, "key_prefix": PREFIX},
        in_memory_fallback_enabled=True,
    )
    limiter.request_filter(lambda: not _is_limited(app))
    limiter.init_app(app)


def _limit(
    per_minute: int, key: Callable[[], str], is_exempt: Callable[[], bool], refusal: Callable[[RequestLimit], Response]
) -> ApplicationLimit:
    return ApplicationLimit(f"{per_minute} per minute", key_function=key, exempt_when=is_exempt, on_breach=refusal)


def _is_limited(app: Flask) -> bool:
    if request.method in SAFE_METHODS or not request.path.startswith(f"{ROOT}/"):
        return False
    return request.endpoint is not None and not is_unlimited(app.view_functions[request.endpoint])


def _signs_in() -> bool:
    return request.path == SESSION_PATH and request.method == "POST"


def _changes() -> bool:
    return not _signs_in()


def _address() -> str:
    return client_at(str(request.environ.get("REMOTE_ADDR", "")))


def _person() -> str:
    """A user or a token; where nobody signs in, or nobody has, the address."""
    name = identity_of(request.environ).name
    return f"change:{_address() if name in ('', OWNER.name) else name}"


def _address_that_signs_in() -> str:
    return f"sign-in:{_address()}"


def _refusal(limit: str, variable: str) -> Callable[[RequestLimit], Response]:
    def refuse(breached: RequestLimit) -> Response:
        wait_s = min(60, max(1, math.ceil(breached.reset_at - time.time())))  # its end is rounded to the next second
        remedy = f"try again in {wait_s} s; {variable} sets the limit"
        return explain(TooOften(f"more than {limit} came within a minute", retry_after_s=wait_s, remedy=remedy))

    return refuse
