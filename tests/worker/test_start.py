"""The order in which a worker starts."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, cast

import pytest
from rq.worker.base import BaseWorker

from rider_core.worker import ProviderWorker


def test_it_heeds_signals_before_it_is_registered_and_announces_its_engines_before_a_job(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A signal in between would kill it, and leave its record in Redis; an engine may kill it at its first job."""
    steps: list[str] = []
    monkeypatch.setattr(BaseWorker, "bootstrap", lambda *_: steps.append("record"))
    monkeypatch.setattr(ProviderWorker, "_install_signal_handlers", lambda _: steps.append("signals"))
    monkeypatch.setattr(ProviderWorker, "set_state", lambda *_: None)
    monkeypatch.setattr(ProviderWorker, "_announce", lambda _: steps.append("engines"))
    worker: Any = ProviderWorker.__new__(ProviderWorker)
    worker._heartbeat = SimpleNamespace(start=lambda: steps.append("heartbeat"))
    worker._pool = SimpleNamespace()
    cast("ProviderWorker", worker).bootstrap()
    assert steps == ["signals", "record", "heartbeat", "engines"]
