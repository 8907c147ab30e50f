"""`rider worker --metrics-port`: the metrics of a worker without a panel beside it."""

from __future__ import annotations

import socket

from harness import plain_http
from prometheus_client.parser import text_string_to_metric_families
from worker_harness import WorkerHarness

from rider_core.testing.ports import free_port
from rider_core.testing.waiting import wait_until


def test_a_worker_serves_its_own_metrics(harness: WorkerHarness) -> None:
    port = free_port()
    harness.processes.fork("rider_core.cli.main", "worker", "text", "--name", "lab", "--metrics-port", str(port))
    job_id = harness.submit("hello")
    harness.backend.wait(job_id, 20)

    def samples() -> dict[str, float]:
        text = plain_http.get(f"http://127.0.0.1:{port}/metrics").text
        return {
            f"{sample.name}{sorted(sample.labels.values())}": sample.value
            for family in text_string_to_metric_families(text)
            for sample in family.samples
        }

    provider = harness.backend.get(job_id).provider
    wait_until(lambda: samples()[f"rider_provider_call_seconds_count['{provider}', 'text.generate']"] == 1)
    found = samples()
    assert found[f"rider_engine_openings_total['opened', '{provider}']"] == 1
    assert found[f"rider_engine_openings_total['failed', '{provider}']"] == 0
    assert found["rider_process_up['lab']"] == 1
    assert found["rider_process_threads['lab']"] > 1
    assert found["rider_process_memory_limit_bytes['lab']"] > found["rider_process_own_memory_bytes['lab']"] > 0
    # What only the link knows is not 0 here, it is not there.
    assert not [name for name in found if name.startswith(("rider_link_up", "rider_robot_battery"))]


def test_a_taken_port_is_named(harness: WorkerHarness) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        process = harness.processes.fork("rider_core.cli.main", "worker", "--metrics-port", str(port))
        assert process.wait(20) == 1
    assert f"the metrics cannot be served on 127.0.0.1:{port}" in harness.processes.log()
    assert "--metrics-port" in harness.processes.log()
    assert "Traceback" not in harness.processes.log()
