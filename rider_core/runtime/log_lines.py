"""The formatters of all log lines: without passwords and control characters, which may come from outside.

Each line tells the trace for which its thread works (`rider_core.tracing`), as text or as a field in JSON.
"""

from __future__ import annotations

import logging
from datetime import datetime, timezone
from typing import Any

from pythonjsonlogger.json import JsonFormatter

from rider_core.printable import printable, printable_lines, without_passwords
from rider_core.tracing import current_trace


class LineFormatter(logging.Formatter):
    """One line for each record; a traceback has several."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's own name
        record.message = printable(without_passwords(record.message))
        line = super().formatMessage(record)
        trace_id = current_trace()
        return f"{line} [{trace_id}]" if trace_id else line

    def formatException(self, ei: object) -> str:  # noqa: N802  # logging's own name
        return printable_lines(without_passwords(super().formatException(ei)))  # type: ignore[arg-type]


class JsonLineFormatter(JsonFormatter):
    """One JSON object for each record: ts, level, process, logger, message, trace_id, and exc_info with a traceback."""

    def __init__(self, role: str) -> None:
        super().__init__(json_ensure_ascii=False)
        self._role = role

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        for name in ("message", "exc_info", "stack_info"):
            if isinstance(log_data.get(name), str):
                log_data[name] = printable_lines(without_passwords(log_data[name]))
        return log_data

    def add_fields(self, log_data: dict[str, Any], record: logging.LogRecord, message_dict: dict[str, Any]) -> None:
        super().add_fields(log_data, record, message_dict)
        when = datetime.fromtimestamp(record.created, timezone.utc).isoformat(timespec="milliseconds")
        head = {"ts": when, "level": record.levelname.lower(), "process": self._role, "logger": record.name}
        if trace_id := current_trace():
            head["trace_id"] = trace_id
        rest = dict(log_data)
        log_data.clear()
        log_data.update(head | rest)
