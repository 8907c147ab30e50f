"""A key (or channel) of Redis, declared once for Python, Lua and the documentation."""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_PLACE = re.compile(r"\{(\w+)\}")


@dataclass(frozen=True)
class Key:
    """Called with the parts of its template, it returns the key.

    Attributes:
        name: Name of the Lua function that returns the key.
        template: Such as `rider:items:{id}`.
        kind: Redis's type, or "channel".
        lifetime: When it is removed.
        content: What it holds.
    """

    name: str
    template: str
    kind: str
    lifetime: str
    content: str
    _texts: tuple[str, ...] = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_texts", tuple(_PLACE.split(self.template)[::2]))

    @property
    def parts(self) -> list[str]:
        """The names in its template."""
        return _PLACE.findall(self.template)

    def __call__(self, *parts: str) -> str:
        first, *texts = self._texts
        return first + "".join([part + text for part, text in zip(parts, texts, strict=True)])

    def to_lua(self) -> str:
        """A Lua function that does the same; a constant, where the key has no parts."""
        if not self.parts:
            return f"local {self.name} = '{self.template}'\n"
        first, *texts = [f"'{text}'" for text in self._texts]
        pieces = [first] + [piece for pair in zip(self.parts, texts, strict=True) for piece in pair]
        joined = " .. ".join(piece for piece in pieces if piece != "''")
        return f"local function {self.name}({', '.join(self.parts)}) return {joined} end\n"
