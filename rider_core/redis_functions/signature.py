"""What a Redis function takes, declared once: Python sends the values in this order, Lua gets them by these names.

A function's arguments are a head, and after it any number of items: each a text, or a record with the same fields. From
the declaration comes the Lua that takes the arguments apart; a test of the library compares the function's own head.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, NamedTuple


@dataclass(frozen=True)
class Signature:
    """
    Attributes:
        name: Of the function, and of its file in `lua`.
        head: A `NamedTuple` class; None: nothing comes before the items.
        items: What Lua calls the items; empty: there are none.
        item: A `NamedTuple` class. None: each item is one text.
    """

    name: str
    head: type[NamedTuple] | None = None
    items: str = ""
    item: type[NamedTuple] | None = None

    @property
    def parameters(self) -> list[str]:
        """The names in the head of the Lua function."""
        return [*_fields(self.head), *([self.items] if self.items else [])]

    def arguments(self, head: tuple[Any, ...] = (), items: Iterable[Any] = ()) -> list[Any]:
        """The values as they are sent."""
        return [*head, *items] if self.item is None else [*head, *chain.from_iterable(items)]

    def head_in_lua(self) -> str:
        """The first line of the Lua function."""
        return f"local function {self.name}({', '.join(self.parameters)})"

    def to_lua(self) -> str:
        """A Lua function `call_NAME(args)` that calls the function with Redis's flat list of arguments."""
        number = len(_fields(self.head))
        values = [f"args[{index}]" for index in range(1, number + 1)]
        lines = [f"local function call_{self.name}(args)"]
        if self.items and self.item is None:
            values.append(f"{{unpack(args, {number + 1})}}")
        elif self.items:
            fields = _fields(self.item)
            record = ", ".join(f"{name} = args[at + {place}]" for place, name in enumerate(fields))
            lines += [
                "  local items = {}",
                f"  for at = {number + 1}, #args, {len(fields)} do items[#items + 1] = {{{record}}} end",
            ]
            values.append("items")
        return "\n".join([*lines, f"  return {self.name}({', '.join(values)})", "end\n"])


def lua_row(name: str, row: type[NamedTuple]) -> str:
    """A Lua function that makes a returned row out of the fields of a table."""
    return f"local function {name}(it) return {{{', '.join(f'it.{field}' for field in _fields(row))}}} end\n"


def lua_value(value: Any) -> str:
    """A constant as Lua writes it."""
    if isinstance(value, Sequence) and not isinstance(value, str):
        return "{" + ", ".join(map(lua_value, value)) + "}"
    return json.dumps(value)


def _fields(record: Any) -> tuple[str, ...]:
    return () if record is None else record._fields
