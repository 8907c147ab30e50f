"""The formatter of all log lines: without passwords and control characters, which may come from outside."""

from __future__ import annotations

import logging

from rider_core.printable import printable, printable_lines, without_passwords


class LineFormatter(logging.Formatter):
    """One line for each record; a traceback has several."""

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  # logging's own name
        record.message = printable(without_passwords(record.message))
        return super().formatMessage(record)

    def formatException(self, ei: object) -> str:  # noqa: N802  # logging's own name
        return printable_lines(without_passwords(super().formatException(ei)))  # type: ignore[arg-type]
