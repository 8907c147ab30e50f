"""A simulated robot, and the link to it as a process: the server of the command line's and the panel's requests."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rider_core.errors import NoAnswer
from rider_core.rpc import ask_socket
from rider_core.simulator import RobotConfig, SimulatedRobot
from rider_core.testing.forked import ForkedProcess
from rider_core.testing.processes import Processes
from rider_core.testing.valkey import Valkey
from rider_core.testing.waiting import wait_until


class RobotHarness:
    """The robot and its link.

    Attributes:
        robot: The simulated robot, in this process.
        link: The link's process, once it was started.
        socket: The link's socket.
    """

    def __init__(self, processes: Processes, valkey: Valkey, robot: SimulatedRobot) -> None:
        self.processes, self.valkey, self.robot = processes, valkey, robot
        self.link: ForkedProcess
        self.socket = Path(processes.environment["RIDER_DATA_DIR"]) / "run" / "link" / "link.sock"
        processes.environment.update(
            REDIS_URL=valkey.url,
            RIDER_PI_HOST="127.0.0.1",
            RIDER_PI_PUBLISH_PORT=str(robot.publish_port),
            RIDER_PI_SUBSCRIBE_PORT=str(robot.subscribe_port),
            RIDER_PI_API_PORT=str(robot.api_port),
            RIDER_LINK_PORT="0",
        )

    def start_link(self) -> ForkedProcess:
        """Start the link, and wait until the robot answers it."""
        self.link = self.processes.fork("rider_core.cli.main", "link", log="link.log")
        wait_until(self._is_linked, what="the link")
        return self.link

    def start_worker(self) -> None:
        """Start a worker for text with the echo engine. Without a worker, text returns to the robot after 20 s."""
        disabled = self.processes.environment["RIDER_PLUGINS_DISABLED"].split(",")
        self.processes.environment["RIDER_PLUGINS_DISABLED"] = ",".join(name for name in disabled if name != "echo")
        self.processes.fork_worker("text", log="worker.log")

    def mode(self, domain: str) -> str:
        return str(self.robot.domains[domain]["mode"])

    def _is_linked(self) -> bool:
        assert self.link.poll() is None, self.processes.log("link.log")
        try:
            answer = ask_socket(self.socket, b'{"action": "show"}', 2)
        except NoAnswer:
            return False
        return b'"answered":true' in answer and b'"up":true' in answer


@contextmanager
def robot_harness(processes: Processes, valkey: Valkey) -> Iterator[RobotHarness]:
    """The robot serves everything itself until it is switched."""
    config = RobotConfig(publish_port=0, subscribe_port=0, api_port=0, voice_fallback_s=0, pc_domains=())
    with SimulatedRobot(config) as robot:
        robot.mute()
        yield RobotHarness(processes, valkey, robot)
