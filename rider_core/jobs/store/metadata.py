"""What the Lua functions must know of a job: declared here once, for Python and for Lua.

A new field of a job is a line of `JobMetadata`, its value in `of_spec`, and its use in Lua (docs/architecture.md, "The
life of a job").
"""

from __future__ import annotations

import re
from typing import Annotated, NamedTuple, get_type_hints

from rider_core.api.jobs import AnySpec
from rider_core.api.tasks import Task


class _Form(NamedTuple):
    """How a part of the metadata looks, as a pattern of Python and of Lua, and how Lua reads it."""

    pattern: str
    lua_pattern: str
    lua_value: str


_TEXT = _Form(r"([^|]*)", "([^|]*)", "$name or ''")
_OPTIONAL_TEXT = _TEXT._replace(lua_value="$name ~= '' and $name or nil")
_REST = _Form(r"(.*)", "(.*)", "$name or ''")
_HEX = _Form(r"([0-9a-f]*)", "([0-9a-f]*)", "$name or ''")
_FLAG = _Form(r"([01]?)", "([01]?)", "$name == '1'")
_SECONDS = _Form(r"((?:\d+(?:\.\d+)?)?)", "([%d.]*)", "finite($name)")
_COUNT = _Form(r"(\d{0,6})", "(%d*)", "finite($name) or 0")


class JobMetadata(NamedTuple):
    """What the Lua functions must know of a job, as texts; all are empty for a job that RQ's own tools made.

    It is packed in one field of the job's hash, `metadata`: every field costs 70 bytes.
    """

    task: Annotated[str, _TEXT]
    queue: Annotated[str, _TEXT]
    priority: Annotated[str, _TEXT]
    streams: Annotated[str, _FLAG]
    max_attempts: Annotated[str, _COUNT]
    submitted_ts: Annotated[str, _SECONDS]
    deadline_ts: Annotated[str, _SECONDS]
    coalescing_key: Annotated[str, _OPTIONAL_TEXT]
    items: Annotated[str, _COUNT]
    wanted: Annotated[str, _TEXT]
    trace: Annotated[str, _HEX]
    origin: Annotated[str, _REST]

    @classmethod
    def of_spec(cls, spec: AnySpec, task: Task, now: float) -> JobMetadata:
        """Of a job that is submitted now."""
        return cls(
            spec.task,
            task.queue,
            spec.priority.value,
            "1" if spec.streams else "0",
            str((spec.retry or task.retry).max_attempts),
            str(now),
            "" if spec.deadline_ts is None else f"{spec.deadline_ts:.6f}",
            spec.newest or "",
            str(spec.items),
            (spec.provider or "").replace("|", " "),
            spec.trace_id or "",
            spec.origin,
        )

    def pack(self) -> str:
        return "|".join(self)

    @classmethod
    def unpack(cls, packed: str) -> JobMetadata:
        """Out of the field; the last part may hold the separator. All empty, where it has another form."""
        found = _METADATA.fullmatch(packed)
        return cls._make(found.groups()) if found else _NO_METADATA

    @property
    def is_batch(self) -> bool:
        return self.items not in ("", "0")


_METADATA_FORMS: dict[str, _Form] = {
    name: hint.__metadata__[0] for name, hint in get_type_hints(JobMetadata, include_extras=True).items()
}
#: Parts that are numbers match nothing else: other programs may write any text into Redis.
_METADATA = re.compile(r"\|".join(form.pattern for form in _METADATA_FORMS.values()), re.DOTALL | re.ASCII)
_NO_METADATA = JobMetadata._make([""] * len(JobMetadata._fields))


def with_metadata(source: str) -> str:
    """A Lua file in which `$METADATA...` stand for what is known of the fields of `JobMetadata`."""
    pattern = "|".join(form.lua_pattern for form in _METADATA_FORMS.values())
    values = [f"{name} = {form.lua_value.replace('$name', name)}" for name, form in _METADATA_FORMS.items()]
    return (
        source.replace("$METADATA_NAMES", ", ".join(_METADATA_FORMS))
        .replace("$METADATA_PATTERN", f"'^{pattern}$'")
        .replace("$METADATA_VALUES", ", ".join(values))
    )
