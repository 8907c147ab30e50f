"""What a person or a program may do with the system."""

from __future__ import annotations

from enum import Enum


class Role(str, Enum):
    """Each includes the ones before it."""

    READ = "read"
    OPERATE = "operate"
    ADMIN = "admin"

    def includes(self, other: Role) -> bool:
        """Whether who has this role may do what `other` may."""
        order = list(Role)
        return order.index(self) >= order.index(other)
