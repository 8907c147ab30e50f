"""The faults of every job backend, with a real RabbitMQ as transport, and jobs while it is away."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from importlib.metadata import entry_points

import pytest
import redis
from rabbitmq_node import RabbitMQNode
from rider_queue_rabbitmq import RabbitSettings, RabbitTransport

from rider_core.api import JobState
from rider_core.api.job_transport import LONG_S
from rider_core.errors import BackendUnavailable, JobNotFound
from rider_core.jobs import RedisJobBackend
from rider_core.jobs.broker import BrokerTransport
from rider_core.testing.jobs.faults import FaultHarness, JobFaultContract
from rider_core.testing.jobs.faults.proxy import AnswerSwallower
from rider_core.testing.jobs.faults.redis_away import Submitting

pytestmark = pytest.mark.slow


class TestOverRabbitMQ(JobFaultContract):
    @pytest.fixture
    def backend_on(self, transport: RabbitTransport) -> Callable[[redis.Redis], RedisJobBackend]:
        return lambda connection: RedisJobBackend(connection, BrokerTransport(transport))

    @pytest.fixture
    def worker_environment(self, settings: RabbitSettings) -> dict[str, str]:
        others = [point.name for point in entry_points(group="rider_core.plugins") if point.name != "rabbitmq"]
        return {
            "TASK_QUEUE_BACKEND": RabbitTransport.name,
            "RABBITMQ_HOST": settings.host,
            "RABBITMQ_PORT": str(settings.port),
            "RIDER_PLUGINS_DISABLED": ",".join(others),
        }

    @pytest.fixture
    def swallower_of_confirms(self, settings: RabbitSettings) -> Iterator[AnswerSwallower]:
        swallower = AnswerSwallower((settings.host, settings.port))
        yield swallower
        swallower.close()

    def test_a_worker_that_ends_when_nothing_waits_does_all_before(self, harness: FaultHarness) -> None:
        """A queue whose tickets are not delivered yet is not empty: at the worker's start, and after a long job."""
        ids = [harness.submit(f"j{number}", f"slow {2 * LONG_S}") for number in range(3)]
        program = "from rider_core.cli.main import main; main()"
        worker = harness.processes.start("-c", program, "worker", "--burst", "text")
        assert worker.wait(60) == 0
        assert {harness.backend.get(job_id).state for job_id in ids} == {JobState.DONE}

    def test_a_confirm_is_lost(
        self, harness: FaultHarness, swallower_of_confirms: AnswerSwallower, settings: RabbitSettings
    ) -> None:
        """RabbitMQ has the ticket, the caller gets an error and submits the same job again: it runs once."""
        transport = RabbitTransport(settings.model_copy(update={"port": swallower_of_confirms.port}))
        direct, harness.backend = harness.backend, RedisJobBackend(harness.connection, BrokerTransport(transport))
        harness.submit("before")  # so that everything is connected and declared
        job = harness.spec("once")
        swallower_of_confirms.swallow(1)
        with pytest.raises(BackendUnavailable):
            harness.submit_spec(job)
        assert swallower_of_confirms.swallowed == 1
        harness.submit_spec(job)
        harness.backend = direct
        transport.close()
        records = harness.all_done()
        assert [record.attempts for record in records.values()] == [1, 1]
        assert harness.journal.starts(job.id) == 1

    @pytest.mark.usefixtures("unhurried")
    @pytest.mark.parametrize("end", [RabbitMQNode.kill, RabbitMQNode.stop], ids=["killed", "stopped"])
    def test_gone_while_jobs_are_submitted_and_done(
        self, harness: FaultHarness, node: RabbitMQNode, end: Callable[[RabbitMQNode], None]
    ) -> None:
        """In the midst of confirms, deliveries and acknowledgements."""
        harness.keep_running(2)
        harness.ready(2)
        submitting = Submitting(harness)
        submitting.start()
        try:
            harness.wait_for(lambda: done(harness) > 20, "the first jobs")
            refused = len(harness.journal.refused)
            end(node)
            harness.wait_for(lambda: len(harness.journal.refused) > refused + 2, "refusals")
            accepted = len(harness.journal.accepted)
            node.start()
            harness.wait_for(lambda: len(harness.journal.accepted) > accepted + 20, "jobs that are accepted again")
        finally:
            submitting.end()
        workers = list(harness.workers)
        harness.all_done(crew=2)
        assert [worker.poll() for worker in workers] == [None, None], "a worker gave up"

    @pytest.mark.usefixtures("unhurried")
    def test_killed_during_a_job_that_ends_meanwhile(self, harness: FaultHarness, node: RabbitMQNode) -> None:
        """Its result is in the job store; its ticket is delivered once more, and recognised as a copy."""
        running, waiting = harness.submit("running", "hold"), harness.submit("waiting")
        worker = harness.start()
        harness.started(running)
        node.kill()
        harness.open_gate()
        assert harness.backend.wait(running, 10).state is JobState.DONE
        refused = harness.refused("refused")
        with pytest.raises(JobNotFound):
            harness.backend.get(refused)
        node.start()
        records = harness.all_done()
        assert worker.poll() is None
        assert [records[job_id].attempts for job_id in (running, waiting)] == [1, 1]
        assert harness.journal.starts(running) == 1

    @pytest.mark.usefixtures("unhurried")
    def test_killed_during_a_job_that_goes_on_afterwards(self, harness: FaultHarness, node: RabbitMQNode) -> None:
        """Its ticket is delivered again: to its own worker, which is busy, or to another, which runs the job.

        In both cases one result counts.
        """
        running = harness.submit("running", "hold")
        workers = [harness.start(), harness.start()]
        harness.ready(2)
        harness.started(running)
        node.kill()
        node.start()
        harness.wait_for(lambda: harness.processes.log().count(" is back after ") == 2, "both workers' connections")
        harness.open_gate()
        harness.wait_for(lambda: harness.journal.ends(running) == harness.journal.starts(running), "every end")
        records = harness.all_done(crew=2)
        assert records[running].attempts <= 2
        assert [worker.poll() for worker in workers] == [None, None]


def done(harness: FaultHarness) -> int:
    return sum(task.done for task in harness.backend.figures())
