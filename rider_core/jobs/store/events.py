"""The events of jobs: one form, written by Python where it knows all of it, and by `emit` in `lua/events.lua`."""

from __future__ import annotations

import json
import re
from functools import lru_cache

from rider_core.jobs.store.metadata import JobMetadata

#: An event in JSON. `more` is what a kind of event adds to the data, each with a comma before it.
EVENT = (
    '{"kind":"<kind>","ts":<ts>,"source":<source>,"job_id":"<job_id>","data":{"task":"<task>","queue":"<queue>",'
    '"origin":<origin>,"priority":"<priority>","attempts":<attempts><more>}}'
)
_EVENT_FORMAT = re.sub(r"<\w+>", "%s", EVENT.replace("%", "%%"))


def event(
    kind: str, ts: float, job_id: str, metadata: JobMetadata, attempts: int, source: str = "", more: str = ""
) -> str:
    """An event whose contents the caller knows; the others are written by `emit` in `lua/events.lua`.

    Args:
        source: The process that emits it.
    """
    if metadata.is_batch:
        more = f',"items":{metadata.items}{more}'
    if metadata.wanted:
        more = f',"wanted":{quoted(metadata.wanted)}{more}'
    if metadata.trace:
        more = f',"trace_id":"{metadata.trace}"{more}'
    return _EVENT_FORMAT % (
        kind,
        f"{ts:.6f}",
        quoted(source),
        job_id,
        metadata.task,
        metadata.queue,
        quoted(metadata.origin),
        metadata.priority,
        attempts,
        more,
    )


@lru_cache(maxsize=256)
def quoted(text: str) -> str:
    """A text in JSON. Cached: most calls quote the same few names."""
    return json.dumps(text)


def event_in_lua() -> str:
    """The Lua function that writes an event in this form."""
    texts_and_names = re.split(r"<(\w+)>", EVENT)
    joined = " .. ".join(part if number % 2 else f"'{part}'" for number, part in enumerate(texts_and_names) if part)
    return f"local function event_json({', '.join(texts_and_names[1::2])}) return {joined} end\n"
