"""A simulated Rider-Pi as it appears on the wire: its broker, its HTTP interface and its modules, quirks included."""

from rider_core.simulator.config import RobotConfig
from rider_core.simulator.received import Received, ReceivedLog
from rider_core.simulator.robot import SimulatedRobot, run

__all__ = ["Received", "ReceivedLog", "RobotConfig", "SimulatedRobot", "run"]
