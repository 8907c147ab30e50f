"""Prepares a process for eventlet. Only the standard library may be imported before, hence nothing else is here."""
# ruff: noqa: PLC0415 - eventlet must not be imported where threads serve

from __future__ import annotations

import os
import socket
import warnings
from typing import Any


def patch_standard_library() -> None:
    """Replace what blocks in the standard library by eventlet's, except for looking up names.

    eventlet would look up names itself: without the system's rules, so that it does not find `rider-pi.local`, and by a
    library that takes 7 MB. Here the system does it, in a thread of eventlet's pool.
    """
    # Eventlet warns at every start that it is in maintenance mode. The choice is explained in docs/decisions/0007.
    warnings.filterwarnings("ignore", message=r"\s*Eventlet is deprecated")
    os.environ["EVENTLET_NO_GREENDNS"] = "yes"
    import eventlet
    from eventlet import tpool
    from eventlet.green import socket as green_socket

    look_up = socket.getaddrinfo

    def getaddrinfo(host: Any, port: Any, family: int = 0, type: int = 0, proto: int = 0, flags: int = 0) -> Any:
        """`socket.getaddrinfo`; only names need a thread."""
        try:
            return look_up(host, port, family, type, proto, flags | socket.AI_NUMERICHOST)
        except socket.gaierror:
            return tpool.execute(look_up, host, port, family, type, proto, flags)

    green_socket.getaddrinfo = getaddrinfo  # its `create_connection` uses it, and `socket` gets it
    eventlet.monkey_patch()
