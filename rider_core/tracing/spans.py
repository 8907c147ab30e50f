"""Spans of traces to OpenTelemetry, where a person wants them: `OTEL_EXPORTER_OTLP_ENDPOINT`, with the extra `otel`.

A span is recorded when it has ended, with its times: what begins in one process and ends in another needs no context
that travels. The steps of a trace are children of one root span, whose id follows from the trace's id, so that every
process knows it.
"""

from __future__ import annotations

import atexit
import logging
import os
import re
import threading
from collections.abc import Mapping
from importlib import import_module
from typing import Any

log = logging.getLogger(__name__)

#: Either variable switches the export on; the SDK reads them and further ones of its own.
ENDPOINT_VARIABLES = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_TRACE = re.compile(r"[0-9a-f]{32}")
#: Longest wait at the end of a process for the last spans to be sent, in seconds.
LAST_S = 2.0

_provider: Any = None
_tracer: Any = None
_ids: Any = None


def export_spans(process: str, version: str) -> None:
    """Export this process's spans from now on, if the environment names an endpoint.

    Args:
        process: The process's name, as in its log lines.
    """
    global _provider, _tracer, _ids
    if not any(os.environ.get(name, "").strip() for name in ENDPOINT_VARIABLES):
        return
    try:
        # Imported here: most people do not have them.
        sdk = import_module("opentelemetry.sdk.trace")
        exporter = import_module("opentelemetry.exporter.otlp.proto.http.trace_exporter").OTLPSpanExporter()
        processor = import_module("opentelemetry.sdk.trace.export").BatchSpanProcessor(exporter)
        random_ids = import_module("opentelemetry.sdk.trace.id_generator").RandomIdGenerator
        resource = import_module("opentelemetry.sdk.resources").Resource.create(
            {"service.name": "rider-pc", "service.version": version, "service.instance.id": process}
        )
    except ImportError as error:
        log.warning("no spans are exported: %s is missing (pip install 'rider-core[otel]')", error.name)
        return
    except Exception as error:  # an option of the SDK that it does not take
        log.error("no spans are exported: %s: %s (correct the variables OTEL_...)", type(error).__name__, error)
        return
    _ids = type("Ids", (_KnownRoots, random_ids), {})()
    _provider = sdk.TracerProvider(resource=resource, id_generator=_ids, shutdown_on_exit=False)
    _provider.add_span_processor(processor)
    _tracer = _provider.get_tracer("rider_core", version)
    atexit.register(stop_exporting)
    log.info("spans are exported to %s", getattr(exporter, "_endpoint", "the collector"))


def is_exporting() -> bool:
    """Whether spans go anywhere: where collecting their attributes costs something."""
    return _tracer is not None


def stop_exporting() -> None:
    """Send the last spans, `LAST_S` seconds at most: the SDK tries longer where the collector is away."""
    global _provider, _tracer
    provider, _provider, _tracer = _provider, None, None
    if provider is not None:
        ending = threading.Thread(target=provider.shutdown, name="last-spans", daemon=True)
        ending.start()
        ending.join(LAST_S)


def record_span(
    trace_id: str,
    name: str,
    start_ts: float,
    end_ts: float,
    attributes: Mapping[str, str | int | float | bool] | None = None,
    *,
    root: bool = False,
    error: str = "",
) -> None:
    """Record a span that has ended; nothing where spans are not exported.

    Args:
        trace_id: 32 hexadecimal digits; a span of another id is not recorded.
        start_ts, end_ts: Seconds since the epoch.
        root: It is the trace's root, not a step of it.
        error: Why it failed; empty: it did not.
    """
    if _tracer is None or _TRACE.fullmatch(trace_id) is None:
        return
    try:
        _record(int(trace_id, 16), _root_span_id(trace_id), name, (start_ts, end_ts), attributes, root, error)
    except Exception:  # foreign code, and no span may end what it tells about
        log.exception("a span of %s is lost", name)


def _record(
    trace_id: int,
    root_id: int,
    name: str,
    times: tuple[float, float],
    attributes: Mapping[str, str | int | float | bool] | None,
    root: bool,
    error: str,
) -> None:
    api = import_module("opentelemetry.trace")
    context = import_module("opentelemetry.context").Context()
    if root:
        _ids.take_next(trace_id, root_id)
    else:
        flags = api.TraceFlags(api.TraceFlags.SAMPLED)
        parent = api.SpanContext(trace_id, root_id, is_remote=True, trace_flags=flags)
        context = api.set_span_in_context(api.NonRecordingSpan(parent), context)
    span = _tracer.start_span(name, context=context, start_time=_ns(times[0]), attributes=dict(attributes or {}))
    if error:
        span.set_status(api.Status(api.StatusCode.ERROR, error))
    span.end(end_time=_ns(max(times)))


class _KnownRoots:
    """Gives a thread's next span known ids. Stands before the SDK's generator of random ones."""

    def __init__(self) -> None:
        self._next = threading.local()

    def take_next(self, trace_id: int, span_id: int) -> None:
        """Give this thread's next span these ids."""
        self._next.ids = trace_id, span_id

    def generate_trace_id(self) -> int:
        trace_id, _ = self._next.__dict__.get("ids", (0, 0))
        return trace_id or int(super().generate_trace_id())  # type: ignore[misc]

    def generate_span_id(self) -> int:
        _, span_id = self._next.__dict__.pop("ids", (0, 0))
        return span_id or int(super().generate_span_id())  # type: ignore[misc]


def _root_span_id(trace_id: str) -> int:
    """The id of a trace's root span: its first half, or 1 where that is no id."""
    return int(trace_id[:16], 16) or 1


def _ns(ts: float) -> int:
    return int(ts * 1e9)
