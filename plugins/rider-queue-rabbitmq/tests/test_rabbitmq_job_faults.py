"""The faults of every job backend, with a real RabbitMQ as the carrier; and what happens to jobs when that is away."""

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
from rider_core.testing.jobs.faults import JobFaultContract, Scene
from rider_core.testing.jobs.faults.proxy import AnswerSwallower
from rider_core.testing.jobs.faults.redis_away import Submitting

pytestmark = pytest.mark.slow


class TestOverRabbitMQ(JobFaultContract):
    @pytest.fixture
    def backend_on(self, transport: RabbitTransport) -> Callable[[redis.Redis], RedisJobBackend]:
        return lambda connection: RedisJobBackend(connection, BrokerTransport(transport))

    @pytest.fixture
    def carrier(self, settings: RabbitSettings) -> dict[str, str]:
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

    def test_a_worker_that_ends_when_nothing_waits_does_all_before(self, scene: Scene) -> None:
        """What it was not handed yet is no empty queue: at its start, and after a long job."""
        ids = [scene.submit(f"j{number}", f"slow {2 * LONG_S}") for number in range(3)]
        program = "from rider_core.cli.main import main; main()"
        worker = scene.processes.start("-c", program, "worker", "--burst", "text")
        assert worker.wait(60) == 0
        assert {scene.backend.get(job_id).state for job_id in ids} == {JobState.DONE}

    def test_a_confirm_is_lost(
        self, scene: Scene, swallower_of_confirms: AnswerSwallower, settings: RabbitSettings
    ) -> None:
        """RabbitMQ has the ticket, the caller was told that it has not, and submits the same job again: one run."""
        transport = RabbitTransport(settings.model_copy(update={"port": swallower_of_confirms.port}))
        direct, scene.backend = scene.backend, RedisJobBackend(scene.connection, BrokerTransport(transport))
        scene.submit("before")  # so that everything is connected and declared
        order = scene.spec("once")
        swallower_of_confirms.swallow(1)
        with pytest.raises(BackendUnavailable):
            scene.submit_spec(order)
        assert swallower_of_confirms.swallowed == 1
        scene.submit_spec(order)
        scene.backend = direct
        transport.close()
        records = scene.all_done()
        assert [record.attempts for record in records.values()] == [1, 1]
        assert scene.accounts.starts(order.id) == 1

    @pytest.mark.usefixtures("unhurried")
    @pytest.mark.parametrize("end", [RabbitMQNode.kill, RabbitMQNode.stop], ids=["killed", "stopped"])
    def test_gone_while_jobs_are_submitted_and_done(
        self, scene: Scene, node: RabbitMQNode, end: Callable[[RabbitMQNode], None]
    ) -> None:
        """In the midst of confirms, deliveries and acknowledgements."""
        scene.man(2)
        scene.ready(2)
        submitting = Submitting(scene)
        submitting.start()
        try:
            scene.wait_for(lambda: done(scene) > 20, "the first jobs")
            refused = len(scene.accounts.refused)
            end(node)
            scene.wait_for(lambda: len(scene.accounts.refused) > refused + 2, "refusals")
            accepted = len(scene.accounts.accepted)
            node.start()
            scene.wait_for(lambda: len(scene.accounts.accepted) > accepted + 20, "jobs that are accepted again")
        finally:
            submitting.end()
        workers = list(scene.workers)
        scene.all_done(crew=2)
        assert [worker.poll() for worker in workers] == [None, None], "a worker gave up"

    @pytest.mark.usefixtures("unhurried")
    def test_killed_during_a_job_that_ends_meanwhile(self, scene: Scene, node: RabbitMQNode) -> None:
        """Its result is in the ledger; its ticket comes once more, and is known for what it is."""
        running, waiting = scene.submit("running", "hold"), scene.submit("waiting")
        worker = scene.start()
        scene.started(running)
        node.kill()
        scene.open_gate()
        assert scene.backend.wait(running, 10).state is JobState.DONE
        refused = scene.refused("refused")
        with pytest.raises(JobNotFound):
            scene.backend.get(refused)
        node.start()
        records = scene.all_done()
        assert worker.poll() is None
        assert [records[job_id].attempts for job_id in (running, waiting)] == [1, 1]
        assert scene.accounts.starts(running) == 1

    @pytest.mark.usefixtures("unhurried")
    def test_killed_during_a_job_that_goes_on_afterwards(self, scene: Scene, node: RabbitMQNode) -> None:
        """Its ticket comes again: to its own worker, who is busy, or to another, who cannot know that it lives.

        Whoever gets it, one result counts.
        """
        running = scene.submit("running", "hold")
        workers = [scene.start(), scene.start()]
        scene.ready(2)
        scene.started(running)
        node.kill()
        node.start()
        scene.wait_for(lambda: scene.processes.log().count(" is back after ") == 2, "both workers' connections")
        scene.open_gate()
        scene.wait_for(lambda: scene.accounts.ends(running) == scene.accounts.starts(running), "every end")
        records = scene.all_done(crew=2)
        assert records[running].attempts <= 2
        assert [worker.poll() for worker in workers] == [None, None]


def done(scene: Scene) -> int:
    return sum(task.done for task in scene.backend.figures())
