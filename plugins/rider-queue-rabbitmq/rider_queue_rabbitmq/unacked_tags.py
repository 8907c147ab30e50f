"""The unacknowledged delivery tags of a channel, and the fewest acknowledgements that cover some of them."""

from __future__ import annotations

from collections.abc import Iterable


class UnackedTags:
    """Delivery tags that one channel has not acknowledged. Used from one thread.

    The prefetch of the lane bounds their number.
    """

    def __init__(self) -> None:
        self._open: dict[int, None] = {}  # in the order of arrival, which is ascending

    def __len__(self) -> int:
        return len(self._open)

    def add(self, tag: int) -> None:
        self._open[tag] = None

    def take(self, tag: int) -> bool:
        """Whether `tag` was unacknowledged; it is removed. RabbitMQ closes a channel on a second acknowledgement."""
        if tag not in self._open:
            return False
        del self._open[tag]
        return True

    def settle(self, tags: Iterable[int]) -> tuple[int | None, list[int]]:
        """Remove these.

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
