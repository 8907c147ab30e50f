"""The link to one robot: its ZeroMQ bus, its HTTP interface, and the work that it delegates to the PC.

The robot's side is a contract that we cannot change: docs/robot-contract.md.
"""

from rider_core.link.link import Link
from rider_core.link.options import LinkOptions

__all__ = ["Link", "LinkOptions"]
