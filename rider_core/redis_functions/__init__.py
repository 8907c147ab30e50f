"""Lua in Redis as functions with declared arguments, and the connections on which they are called.

Everything that changes Redis atomically runs through here: the job store, the schedules and the answer cache.
"""

from rider_core.redis_functions.connections import Command, Connection, ConnectionPool, PublishedMessage
from rider_core.redis_functions.keys import Key
from rider_core.redis_functions.library import Call, Function, Library, call_together
from rider_core.redis_functions.signature import Signature, lua_row, lua_value

__all__ = [
    "Call",
    "Command",
    "Connection",
    "ConnectionPool",
    "Function",
    "Key",
    "Library",
    "PublishedMessage",
    "Signature",
    "call_together",
    "lua_row",
    "lua_value",
]
