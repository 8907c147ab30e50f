"""The metrics that the panel serves, in both async modes."""

from __future__ import annotations

import pytest
import redis
from panel_harness import PanelHarness

from rider_core.api import JobSpec, JobState
from rider_core.jobs import AttemptResult, Outcome, RedisJobBackend
from rider_core.jobs.rq_lists import RQLists

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("shared", [False, True], ids=["alone", "with files"])
def test_metrics_do_not_grow_with_made_up_names(panel: PanelHarness, shared: bool) -> None:
    folder = panel.processes.folder / "metrics"
    folder.mkdir()
    panel.start(**({"PROMETHEUS_MULTIPROC_DIR": str(folder), "RIDER_PROCESS": "panel"} if shared else {}))
    panel.get("/nothing/here")
    panel.get("/api/v1/status")

    def series() -> set[str]:
        lines = panel.get("/metrics").text.splitlines()
        return {line.rsplit(" ", 1)[0] for line in lines if line.startswith(("rider_", "flask_"))}

    series()
    before = series()
    assert any("rider_web_http_request_duration_seconds_count" in name and "/api/v1/status" in name for name in before)
    for n in range(40):
        panel.get(f"/made/up/{n}?q={n}")
        panel.get(f"/api/v1/jobs?limit=x{n}")
    panel.get("/api/v1/jobs?limit=x")
    after = series()
    assert not [name for name in after if "made/up" in name]
    assert len(after - before) < 25


def test_metrics_of_jobs_agree_with_the_job_store(panel: PanelHarness, connection: redis.Redis) -> None:
    backend = RedisJobBackend(connection, RQLists())
    panel.start()
    done, _waiting = backend.submit_many([JobSpec(task="text.generate", payload={"prompt": "x"}) for _ in range(2)])
    consumer = backend.consumer("w1", ["text"])
    consumer.commit([AttemptResult(consumer.dequeue()[0], Outcome.DONE, "{}", "echo", True)])
    text = panel.get("/metrics").text
    assert backend.get(done).state is JobState.DONE
    assert 'rider_job_events_total{event="accepted",queue="text",task="text.generate"} 2.0' in text
    assert 'rider_job_events_total{event="done",queue="text",task="text.generate"} 1.0' in text
    assert 'rider_jobs{queue="text",state="waiting"} 1.0' in text
    assert 'rider_job_took_seconds_count{queue="text",task="text.generate"} 1.0' in text
    assert 'rider_job_took_seconds_bucket{le="+Inf",queue="text",task="text.generate"} 1.0' in text


def test_a_panel_by_itself_is_called_a_panel(panel: PanelHarness) -> None:
    panel.start()
    text = panel.get("/metrics").text
    assert 'rider_process_up{process="panel"} 1.0' in text
    assert 'process="worker"' not in text
