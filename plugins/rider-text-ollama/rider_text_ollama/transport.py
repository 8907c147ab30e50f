"""The transport under the `ollama` client: what httpx's own does, without proxies, compression and kept connections.

By itself the client would obey HTTP_PROXY, and read whatever comes, however much that is.
"""

from __future__ import annotations

import ssl

import httpcore
import httpx

from rider_core.errors import ProviderError
from rider_text_ollama.lines import LimitedLines, limits_of
from rider_text_ollama.network import GuardedNetwork


class GuardedTransport(httpx.BaseTransport):
    """Hands requests to httpcore, over a guarded network, and what comes back under limits.

    Args:
        silence_s: How long a line of an answer may take, in seconds.
        total_s: Everything must be done within so many seconds from now. None: no such limit.
    """

    def __init__(self, *, https: bool, silence_s: float, total_s: float | None = None) -> None:
        self._https = https
        self._silence_s = silence_s
        # No connection is kept: a server that was started again would find half of a dead one.
        self._pool = httpcore.ConnectionPool(
            ssl_context=ssl.create_default_context() if https else None,
            max_keepalive_connections=0,
            network_backend=GuardedNetwork(total_s),
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        # Compressed, a small answer could become a very large one after it was measured.
        request.headers["Accept-Encoding"] = "identity"
        self._keep_key(request)
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
            raise ProviderError(f"the Ollama server sent its answer in the encoding {encoding[:40]!r}, unasked")
        lines = LimitedLines(response.stream, limits_of(request.url.path, response.status), self._silence_s)
        return httpx.Response(response.status, headers=headers, stream=lines, extensions=response.extensions)

    def close(self) -> None:
        self._pool.close()

    def _keep_key(self, request: httpx.Request) -> None:
        """The client adds OLLAMA_API_KEY whatever the host is; in the clear everybody on the way could read it."""
        if not self._https and request.headers.get("Authorization", "").startswith("Bearer "):
            del request.headers["Authorization"]
