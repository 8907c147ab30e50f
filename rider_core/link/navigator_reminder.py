"""When the report "vision lost" is repeated: the robot's navigator drives and believes that its way is clear."""

from __future__ import annotations

import time
from typing import Any

from rider_core.api.messages import parse_message
from rider_core.link.messages import NavigatorState

#: From one reminder to the next, in seconds: doubled each time that the reminder changes nothing. A navigator that was
#: started with the robot's own detectors does not read our reports, and the robot keeps them until vision is with the
#: PC again: an hour must not add many.
FIRST_S, LONGEST_S = 1.0, 60.0


class NavigatorReminder:
    """`receive_state` belongs to the bus's thread, the rest to the vision monitor's."""

    def __init__(self) -> None:
        self._believes_clear = False
        self._wait_s = FIRST_S
        self._sent = float("-inf")

    def receive_state(self, body: dict[str, Any]) -> None:
        """`navigator.state`; it comes on a change and every 5 s.

        Raises:
            InvalidInput: the message is malformed.
        """
        state = parse_message(NavigatorState, body)
        self._believes_clear = state.active and not state.obstacle_present
        if not self._believes_clear:
            self._wait_s = FIRST_S

    def reminder_is_due(self) -> bool:
        """Whether the navigator drives and believes that its way is clear, and the wait is over."""
        return self._believes_clear and time.monotonic() - self._sent >= self._wait_s

    def reminder_sent(self) -> None:
        """A reminder was sent: the next wait is longer."""
        self._sent, self._wait_s = time.monotonic(), min(2 * self._wait_s, LONGEST_S)

    def restart(self) -> None:
        """The first report was sent, or the last one may not have arrived: the next wait is the shortest."""
        self._sent, self._wait_s = time.monotonic(), FIRST_S
