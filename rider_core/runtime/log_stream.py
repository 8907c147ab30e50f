"""The log lines of all processes in one stream in Redis, for the panel: also those of workers on other machines.

Standard error has them all the same: this is for people who look at the panel, and is left behind while Redis is away.
"""

from __future__ import annotations

import atexit
import contextlib
import logging
import os
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import Any, cast

import redis
from pydantic import Field

from rider_core.api.messages import Message
from rider_core.errors import InvalidInput
from rider_core.printable import printable_lines, without_passwords
from rider_core.redis_errors import unavailable
from rider_core.redis_functions import Key
from rider_core.tracing import current_trace

logs_key = Key("logs_key", "rider:logs", "stream", "kept", "the last log lines of all processes")
#: Lines that are kept: some hours of a robot that talks, 3 MB.
MAX_LINES = 10_000
#: Lines of one process that wait for Redis; the oldest make room.
MAX_WAITING = 1_000
#: Characters of a message, its traceback included.
MAX_CHARACTERS = 4_000
#: Lines of a moment are sent together, in seconds; and the wait while Redis is away.
GATHER_S, RETRY_S = 0.5, 5.0
#: Lines that one request looks at, at most, where filters let few of them through.
MAX_EXAMINED = 5_000
_CHUNK = 1_000


class LogLine(Message):
    """One line of one process."""

    id: str = Field(description="its place in the stream")
    ts: float
    level: str = Field(description="debug, info, warning, error or critical")
    process: str
    logger: str
    message: str = Field(description="with its traceback")
    trace_id: str = ""


class LogStreamHandler(logging.Handler):
    """Sends what this process logs. Its thread starts with the first line, also in a fork."""

    def __init__(self, process: str, connect: Callable[[], redis.Redis]) -> None:
        super().__init__()
        self._process = process
        self._connect = connect
        self._waiting: deque[dict[Any, Any]] = deque(maxlen=MAX_WAITING)
        self._arrived = threading.Event()
        self._sender = 0
        self._starting = threading.Lock()
        os.register_at_fork(after_in_child=self._begin_in_fork)

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._waiting.append(self._fields(record))
        except Exception:  # a message that cannot be formatted must not end its caller
            self.handleError(record)
            return
        if self._sender != os.getpid():
            self._start()
        self._arrived.set()

    def _start(self) -> None:
        with self._starting:
            if self._sender != os.getpid():
                threading.Thread(target=self._run, name="log-stream", daemon=True).start()
                self._sender = os.getpid()
                atexit.register(self._send_last)

    def _begin_in_fork(self) -> None:
        """What waits is sent by the process that logged it."""
        self._waiting.clear()
        self._arrived = threading.Event()
        self._starting = threading.Lock()

    def _fields(self, record: logging.LogRecord) -> dict[Any, Any]:
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + logging.Formatter().formatException(record.exc_info)
        return {
            "ts": f"{record.created:.6f}",
            "level": record.levelname.lower(),
            "process": self._process,
            "logger": record.name,
            "message": printable_lines(without_passwords(text))[:MAX_CHARACTERS],
            "trace_id": current_trace() or "",
        }

    def _run(self) -> None:
        connection: redis.Redis | None = None
        while True:
            self._arrived.wait()
            time.sleep(GATHER_S)
            self._arrived.clear()
            try:
                connection = connection or self._connect()
                self._send(connection)
            except Exception:  # whatever it is, it cannot be logged here
                time.sleep(RETRY_S)
                self._arrived.set()

    def _send(self, connection: redis.Redis) -> None:
        lines = [self._waiting.popleft() for _ in range(len(self._waiting))]
        try:
            with connection.pipeline(transaction=False) as pipeline:
                for line in lines:
                    pipeline.xadd(logs_key(), line, maxlen=MAX_LINES, approximate=True)
                pipeline.execute()
        except redis.RedisError:
            room = MAX_WAITING - len(self._waiting)
            self._waiting.extendleft(reversed(lines[-room:] if room else []))
            raise

    def _send_last(self) -> None:
        """A process's last words tell why it ended."""
        if self._waiting and self._sender == os.getpid():
            with contextlib.suppress(redis.RedisError):
                self._send(self._connect())


def read_logs(
    connection: redis.Redis, selects: Callable[[LogLine], bool], limit: int, before: str = "", after: str = ""
) -> tuple[list[LogLine], str | None]:
    """The latest lines that `selects` lets through, the latest first, and the cursor of those before them.

    Args:
        before: Id of a line: only older ones.
        after: Id of a line: only newer ones.

    Raises:
        BackendUnavailable: Redis cannot be reached.
    """
    found: list[LogLine] = []
    high, low, examined = f"({before}" if before else "+", f"({after}" if after else "-", 0
    while examined < MAX_EXAMINED:
        try:
            answer: Any = connection.xrevrange(logs_key(), high, low, count=_CHUNK)
        except redis.ResponseError:
            raise InvalidInput(
                f"{before or after!r} is no place in the logs", remedy="use `next`, or a line's id"
            ) from None
        except redis.RedisError as error:
            raise unavailable(error) from error
        entries = cast("list[tuple[bytes, dict[bytes, bytes]]]", answer)
        for entry_id, fields in entries:
            line = _line(entry_id.decode(), fields)
            if selects(line):
                found.append(line)
                if len(found) == limit:
                    return found, line.id
        if len(entries) < _CHUNK:
            return found, None
        examined += len(entries)
        high = f"({entries[-1][0].decode()}"
    return found, high.removeprefix("(")


def _line(entry_id: str, fields: dict[bytes, bytes]) -> LogLine:
    texts = {name.decode(): value.decode("utf-8", "replace") for name, value in fields.items()}
    values = {name: texts.get(name, "") for name in ("level", "process", "logger", "message", "trace_id")}
    return LogLine(id=entry_id, ts=float(texts.get("ts") or 0), **values)
