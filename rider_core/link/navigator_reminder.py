"""What the robot's navigator believes of the way, and when it is told again that nothing is known of it."""

from __future__ import annotations

import time
from typing import Any

from rider_core.api.messages import parse_message
from rider_core.link.messages import NavigatorState

#: From one reminder to the next, in seconds; twice as long each time that it changes nothing. A navigator that was
#: started with the robot's own detectors does not hear us, and the robot keeps our words for the time that vision is
#: ours again: an hour of reminders must be few.
FIRST_S, LONGEST_S = 1.0, 60.0


class NavigatorReminder:
    """`receive_state` belongs to the bus's thread, the rest to the thread that tells it."""

    def __init__(self) -> None:
        self._believes_clear = False
        self._wait_s = FIRST_S
        self._told = float("-inf")

    def receive_state(self, body: dict[str, Any]) -> None:
        """`navigator.state`; it comes on a change and every 5 s.

        Raises:
            InvalidInput: it is no such message.
        """
        state = parse_message(NavigatorState, body)
        self._believes_clear = state.active and not state.obstacle_present
        if not self._believes_clear:
            self._wait_s = FIRST_S

    def reminder_is_due(self) -> bool:
        """Whether it drives and takes the way for clear, and it is time to contradict."""
        return self._believes_clear and time.monotonic() - self._told >= self._wait_s

    def reminder_sent(self) -> None:
        """It was told again; the next time is later."""
        self._told, self._wait_s = time.monotonic(), min(2 * self._wait_s, LONGEST_S)

    def restart(self) -> None:
        """It was told for the first time, or what it was told may not have arrived."""
        self._told, self._wait_s = time.monotonic(), FIRST_S
