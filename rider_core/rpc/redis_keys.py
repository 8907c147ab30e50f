"""The keys of requests in Redis, and their limits.

A request lies under a key that Redis forgets after the request's time limit, and its id in a list. One clock, that of
Redis, decides whether a request may still be executed. Only one server can remove the key, so one at most executes it.
"""

from __future__ import annotations

import re

#: Requests that wait for a server. More drop the oldest, which have expired long before.
MAX_WAITING = 64
#: An answer that is not fetched, and a list that no server reads, are forgotten after this time.
FORGET_MS = 30_000
_ID = re.compile(rb"[0-9a-f]{32}")


def waiting_key(name: str) -> str:
    """List of the ids of requests for the server `name`, oldest first."""
    return f"rider:rpc:{name}:waiting"


def request_key(name: str, request_id: str) -> str:
    return f"rider:rpc:{name}:request:{request_id}"


def answer_key(name: str, request_id: str) -> str:
    """List with the one answer."""
    return f"rider:rpc:{name}:answer:{request_id}"


def is_id(value: bytes) -> bool:
    """Whether it is an id of ours. The list is shared: another program may write into it."""
    return _ID.fullmatch(value) is not None
