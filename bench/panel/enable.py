"""From switching a provider on until a worker has run a job with it."""

from __future__ import annotations

import statistics
import time
from pathlib import Path

import httpx
from harness import stack_in

from rider_core.api import JobSpec
from rider_core.jobs import RedisJobBackend
from rider_core.jobs.rq_lists import RQLists

SWITCHES = 5
#: Time until every worker has switched a provider off, in seconds.
OFF_S = 3.0


def measure(folder: Path) -> dict[str, float]:
    times = []
    with stack_in(folder) as (stack, connection), httpx.Client(base_url=f"{stack.url}/api/v1", timeout=30) as client:
        backend = RedisJobBackend(connection, RQLists())
        for _ in range(SWITCHES):
            assert client.patch("/providers/echo-tts", json={"enabled": False}).status_code == 200
            time.sleep(OFF_S)
            started = time.monotonic()
            assert client.patch("/providers/echo-tts", json={"enabled": True}).status_code == 200
            while True:
                spec = JobSpec(
                    task="voice.synthesize", payload={"text": "x"}, provider="echo-tts", retry={"max_attempts": 1}
                )  # type: ignore[arg-type]
                if backend.run(spec, 10).state.value == "done":
                    break
                time.sleep(0.02)
            times.append(time.monotonic() - started)
        backend.close()
    return {"enable_to_effect_s": round(statistics.median(times), 2)}
