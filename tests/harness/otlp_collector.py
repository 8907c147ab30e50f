"""A collector of OpenTelemetry that reads the protocol's own messages, over HTTP as the SDK's exporter sends them."""

from __future__ import annotations

import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from importlib import import_module
from typing import Any


class OtlpCollector:
    """
    Attributes:
        url: For OTEL_EXPORTER_OTLP_ENDPOINT.
        paths: Of the requests.
        requests: What came.
    """

    def __init__(self) -> None:
        # Imported here: the tests that need it run where the SDK is installed, and are collected everywhere.
        messages = import_module("opentelemetry.proto.collector.trace.v1.trace_service_pb2")
        self.requests: list[Any] = []
        self.paths: list[str] = []
        collector = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                collector.paths.append(self.path)
                assert self.headers["Content-Type"] == "application/x-protobuf"
                collector.requests.append(messages.ExportTraceServiceRequest.FromString(body))
                self.send_response(200)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: Any) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def spans(self, trace_id: str) -> dict[str, Any]:
        """The spans of a trace, by name."""
        return {
            span.name: span
            for request in self.requests
            for resource in request.resource_spans
            for scope in resource.scope_spans
            for span in scope.spans
            if span.trace_id.hex() == trace_id
        }

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
