"""Which deliveries of a channel wait for an answer, and how few acknowledgements answer them."""

from __future__ import annotations

from collections.abc import Iterable


class OpenDeliveries:
    """Delivery tags that RabbitMQ has given out on one channel and that nobody has answered. Used from one thread.

    As many as the prefetch of all lanes allows, so it stays small.
    """

    def __init__(self) -> None:
        self._open: dict[int, None] = {}  # in the order of arrival, which is ascending

    def __len__(self) -> int:
        return len(self._open)

    def add(self, tag: int) -> None:
        self._open[tag] = None

    def take(self, tag: int) -> bool:
        """Whether `tag` waited for an answer; from now on it does not. RabbitMQ closes a channel on a second answer."""
        if tag not in self._open:
            return False
        del self._open[tag]
        return True

    def settle(self, tags: Iterable[int]) -> tuple[int | None, list[int]]:
        """Take these.

        Returns:
            The tag to acknowledge with all before it, if there is one, and those to acknowledge one by one.
        """
        taken = sorted(tag for tag in set(tags) if self.take(tag))
        lowest_open = next(iter(self._open), None)
        if lowest_open is None:
            return (taken[-1] if taken else None), []
        below = [tag for tag in taken if tag < lowest_open]
        # It must be one that still waits for its acknowledgement: RabbitMQ does not find another.
        return (below[-1] if below else None), taken[len(below) :]
