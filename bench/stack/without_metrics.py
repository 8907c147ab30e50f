"""`rider` in which nothing is counted, observed, set or traced: what `run.py` compares a real worker with."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from prometheus_client import Counter, Gauge, Histogram

from rider_core.cli.main import main
from rider_core.worker import answer_cache, breakers, engine_calls, job_runner, result_writer


def nothing(*_: Any, **__: Any) -> None:
    pass


@contextmanager
def untraced(_: object) -> Iterator[None]:
    yield


for kind, method in ((Counter, "inc"), (Gauge, "set"), (Histogram, "observe")):
    setattr(kind, method, nothing)
engine_calls.EngineMeter.count = nothing  # type: ignore[method-assign]
breakers.Breakers.measure = nothing  # type: ignore[method-assign]
answer_cache.AnswerCache.measure = nothing  # type: ignore[method-assign]
job_runner.traced = untraced
result_writer.traced = untraced

if __name__ == "__main__":
    main()
