"""The panel's process stays small: what it needs rarely is imported with the first use."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

#: Each takes 5 MB and more: SQLAlchemy with the first row of the history, the others never.
NOT_AT_THE_START = ("sqlalchemy", "alembic", "numpy", "PIL", "rider_core.link.link")


@pytest.mark.parametrize("mode", ["eventlet", "threading"])
def test_the_panel_starts_without_large_libraries(mode: str) -> None:
    program = (
        "import rider_core.web.__main__, rider_core.web.app, sys;"
        f"print([name for name in {NOT_AT_THE_START!r} if name in sys.modules])"
    )
    run = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        env={**os.environ, "RIDER_ASYNC_MODE": mode},
        check=True,
    )
    assert run.stdout.strip() == "[]"


def test_counting_requests_imports_one_client_of_redis() -> None:
    program = (
        "import redis, sys; from rider_core.web.rate_limits import RedisOnly;"
        "RedisOnly('rider-redis://', connection_pool=redis.ConnectionPool());"
        "print('valkey' in sys.modules)"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
