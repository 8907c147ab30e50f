"""HTTP transport of the `ollama` client, without proxies, compression and keep-alive, and with size limits.

The client's default transport obeys HTTP_PROXY and reads responses of any size.
"""

from __future__ import annotations

import ssl

import httpcore
import httpx

from rider_core.errors import ProviderError
from rider_text_ollama.ndjson import BoundedNdjsonStream, limits_of
from rider_text_ollama.network import GuardedNetwork


class GuardedTransport(httpx.BaseTransport):
    """Sends requests by httpcore over a guarded network, and limits the responses.

    Args:
        silence_s: Time limit of a line, in seconds.
        total_s: Time limit of everything, in seconds from now. None: no such limit.
    """

    def __init__(self, *, https: bool, silence_s: float, total_s: float | None = None) -> None:
        self._https = https
        self._silence_s = silence_s
        # No keep-alive: after a restart of the server an idle connection would be dead.
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context() if https else None,
            max_keepalive_connections=0,
            network_backend=GuardedNetwork(total_s),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        # Decompression could make a response larger than the limits.
        request.headers["Accept-Encoding"] = "identity"
        self._drop_key_over_http(request)
        response = self._pool.handle_request(
            httpcore.Request(
                method=request.method,
                url=httpcore.URL(
                    scheme=request.url.raw_scheme,
                    host=request.url.raw_host,
                    port=request.url.port,
                    target=request.url.raw_path,
                ),
                headers=request.headers.raw,
                content=request.stream,
                extensions=request.extensions,
            )
        )
        headers = httpx.Headers(response.headers)
        encoding = headers.get("Content-Encoding", "identity")
        if encoding != "identity":
            response.close()
            raise ProviderError(f"the Ollama server sent a response in the encoding {encoding[:40]!r}, unasked")
        lines = BoundedNdjsonStream(response.stream, limits_of(request.url.path, response.status), self._silence_s)
        return httpx.Response(response.status, headers=headers, stream=lines, extensions=response.extensions)

    def close(self) -> None:
        self._pool.close()

    def _drop_key_over_http(self, request: httpx.Request) -> None:
        """The client adds OLLAMA_API_KEY for every host; over plain HTTP it could be read on the way."""
        if not self._https and request.headers.get("Authorization", "").startswith("Bearer "):
            del request.headers["Authorization"]
