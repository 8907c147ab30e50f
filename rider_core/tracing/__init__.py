"""One id from the robot to the answer: made once, then in every job, event, log line and span that belongs to it."""

from rider_core.tracing.current import current_trace, new_trace_id, traced
from rider_core.tracing.spans import export_spans, is_exporting, record_span, stop_exporting

__all__ = [
    "current_trace",
    "export_spans",
    "is_exporting",
    "new_trace_id",
    "record_span",
    "stop_exporting",
    "traced",
]
