"""Log lines as text and as JSON: the trace, no passwords, no control characters."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from datetime import datetime, timedelta, timezone

import pytest

from rider_core.runtime.log_lines import JsonLineFormatter, LineFormatter
from rider_core.tracing import new_trace_id, traced

SECRET = "redis://:hunter2@db:6379/0"


def record(message: str, error: Exception | None = None) -> logging.LogRecord:
    info = (type(error), error, error.__traceback__) if error else None
    return logging.LogRecord("rider_core.test", logging.WARNING, __file__, 1, message, None, info)


@pytest.fixture
def trace_id() -> Iterator[str]:
    trace_id = new_trace_id()
    with traced(trace_id):
        yield trace_id


def test_a_line_of_text_ends_with_its_trace(trace_id: str) -> None:
    formatter = LineFormatter("%(levelname)s %(message)s")
    assert formatter.format(record("done")) == f"WARNING done [{trace_id}]"
    with traced(None):
        assert formatter.format(record("done")) == "WARNING done"


def test_a_line_of_json_has_its_fields(trace_id: str) -> None:
    line = JsonLineFormatter("worker").format(record("gęś \u20ac"))
    assert "\n" not in line
    found = json.loads(line)
    assert list(found) == ["ts", "level", "process", "logger", "trace_id", "message"]
    assert found["level"] == "warning"
    assert (found["process"], found["logger"], found["trace_id"]) == ("worker", "rider_core.test", trace_id)
    assert found["message"] == "gęś \u20ac"
    assert datetime.now(timezone.utc) - datetime.fromisoformat(found["ts"]) < timedelta(seconds=10)


def test_json_has_no_trace_where_there_is_none() -> None:
    assert "trace_id" not in json.loads(JsonLineFormatter("worker").format(record("done")))


@pytest.mark.parametrize("formatter", [LineFormatter("%(message)s"), JsonLineFormatter("worker")], ids=["text", "json"])
def test_neither_shows_passwords_or_control_characters(formatter: logging.Formatter) -> None:
    try:
        raise ValueError(f"no answer from {SECRET}\x1b[2J")
    except ValueError as error:
        line = formatter.format(record(f"cannot reach {SECRET}\x1b[31m\u202e", error))
    assert "hunter2" not in line
    assert "Traceback" in line
    shown = " ".join(json.loads(line).values()) if line.startswith("{") else line
    assert "\x1b" not in shown
    assert "\u202e" not in shown


def test_a_traceback_is_one_json_object() -> None:
    try:
        raise ValueError("broken")
    except ValueError as error:
        line = JsonLineFormatter("worker").format(record("it broke", error))
    assert "\n" not in line
    assert "ValueError: broken" in json.loads(line)["exc_info"]
