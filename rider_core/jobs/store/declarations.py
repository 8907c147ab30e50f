"""What stands in front of the Lua files: the constants, keys, events and returned rows that they share with Python."""

from __future__ import annotations

import json
from typing import Any

from rider_core.api.events import EVENTS_TOGETHER, HOUSE_STREAM_LENGTH, JOB_STREAM_LENGTH, JOB_STREAM_TTL_S
from rider_core.jobs.store import keys, protocol
from rider_core.jobs.store.events import event_in_lua
from rider_core.jobs.store.rq_format import packed_traceback
from rider_core.redis_functions import lua_row, lua_value

#: Constants of Lua. Numbers that are only passed on to Redis are texts: to write a number in Lua costs more.
CONSTANTS: dict[str, Any] = {
    "EVENTS_STREAM_LENGTH": str(HOUSE_STREAM_LENGTH),
    "EVENTS_TOGETHER": EVENTS_TOGETHER,
    "JOB_STREAM_LENGTH": str(JOB_STREAM_LENGTH),
    "JOB_STREAM_TTL_S": str(JOB_STREAM_TTL_S),
    "RECENT_TRIMMED_FROM": keys.RECENT_LENGTH + 50,
    "RECENT_LAST": str(keys.RECENT_LENGTH - 1),
    "RESULT_TTL_S": str(keys.RESULT_TTL_S),
    "DEAD_LETTER_TTL_S": str(keys.DEAD_LETTER_TTL_S),
    "COALESCING_TTL_S": str(keys.COALESCING_TTL_S),
    "DISPATCH_TTL_S": keys.DISPATCH_TTL_S,
    "EXECUTION_TTL_S": str(keys.EXECUTION_TTL_S),
    "DEAD_LETTERS_KEPT": keys.DEAD_LETTERS_KEPT,
    "MAX_WAITING": keys.MAX_WAITING,
    "MAX_NOTIFIED_BYTES": keys.MAX_NOTIFIED_BYTES,
    "LONG_DATA_BYTES": keys.LONG_DATA_BYTES,
    "BUCKETS_MS": keys.BUCKETS_MS,
    "RECORD_FIELDS": protocol.RECORD_FIELDS,
    "ALREADY_KNOWN": protocol.ALREADY_KNOWN,
    "ACCEPTED": protocol.ACCEPTED,
    "NOT_TAKEN_YET": protocol.NOT_TAKEN_YET,
    "LEASE_LOST": protocol.LEASE_LOST,
    "COMMITTED": protocol.COMMITTED,
    "WAITS_AGAIN": protocol.WAITS_AGAIN,
    "TICKET_VOID": protocol.TICKET_VOID,
    "TICKET_GRANTED": protocol.TICKET_GRANTED,
    "TICKET_SOLO": protocol.TICKET_SOLO,
    "TICKET_EARLY": protocol.TICKET_EARLY,
    "DISPATCHED": protocol.DISPATCHED,
    "ACCEPT_DISPATCH": protocol.ACCEPT_DISPATCH,
    "ACCEPTING_DISPATCH": protocol.ACCEPTING_DISPATCH,
    "PREFETCH": protocol.PREFETCH,
    "SHOWN_IDLE": protocol.SHOWN_IDLE,
    "SHOWN_BUSY": protocol.SHOWN_BUSY,
    "SHOWN_JOB": protocol.SHOWN_JOB,
    **protocol.FLAGS,
}


def declarations(problems: dict[str, str]) -> str:
    """What stands in front of the Lua files.

    Args:
        problems: Name of a constant to a problem in JSON.
    """
    tracebacks = {f"{name}_TRACEBACK": packed_traceback(json.loads(text)["message"]) for name, text in problems.items()}
    constants = {**CONSTANTS, **problems, **tracebacks}
    lines = [f"local {name} = {lua_value(value)}\n" for name, value in constants.items()]
    lines += [key.to_lua() for key in keys.KEYS]
    lines.append(event_in_lua())
    lines += [lua_row("dequeued_row", protocol.DequeuedRow), lua_row("dispatched_row", protocol.DispatchedRow)]
    return "".join(lines)
