"""HTTP downloads into files: resumed after a break, limited in size, over TLS. Independent of models."""

from __future__ import annotations

import logging
import os
import ssl
import time
from contextlib import closing
from pathlib import Path
from types import TracebackType

import certifi
import httpx

from rider_core.catalogue.digests import CHUNK_BYTES, Progress, file_digest
from rider_core.errors import ModelError
from rider_core.timing import backoff_delays

log = logging.getLogger(__name__)

_TIMEOUT = httpx.Timeout(30.0, connect=8.0)
_MAX_REDIRECTS = 5
#: Failed attempts in a row without a new byte after which a download is given up.
_MAX_STALLED_ATTEMPTS = 3
_LAST_DELAY_S = 8.0
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
#: Status codes after which a retry may succeed.
_RETRYABLE_STATUS = frozenset({408, 429, 500, 502, 503, 504})
#: Maximum size of a registry's answer; PyPI's longest project pages have a few MB.
_MAX_DOCUMENT_BYTES = 32 << 20


class _Interrupted(Exception):
    """The connection ended too early, or the server is busy: a retry may succeed."""


class Transfer:
    """Fetches documents and files. To be used in a `with` statement.

    Args:
        trusted_urls: Addresses that the user configured (a company's mirror). Plain http is allowed for their hosts
            and for this machine, https for all.
        first_delay_s: Wait before the second attempt; later ones are longer.
    """

    def __init__(self, trusted_urls: tuple[str, ...] = (), *, first_delay_s: float = 0.5) -> None:
        self._trusted_hosts = _LOOPBACK | {httpx.URL(url).host for url in trusted_urls}
        self._first_delay_s = first_delay_s
        self._client = httpx.Client(verify=tls_context(), timeout=_TIMEOUT, follow_redirects=False)

    def __enter__(self) -> Transfer:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._client.close()

    def document(self, url: str, headers: dict[str, str]) -> bytes:
        """A small document.

        Raises:
            ModelError: it cannot be fetched, or is larger than `_MAX_DOCUMENT_BYTES`.
        """
        for attempt, delay_s in enumerate(backoff_delays(self._first_delay_s, _LAST_DELAY_S), start=1):
            try:
                return self._read_document(url, headers)
            except _Interrupted as error:
                if attempt == _MAX_STALLED_ATTEMPTS:
                    raise ModelError(f"{printable_url(url)}: {error}") from None
                time.sleep(delay_s)
        raise AssertionError("the delays have no end")

    def size(self, url: str) -> int:
        """The file's size in bytes by its server's headers. Raises `ModelError` if they do not have it."""
        try:
            with self._request(url, {"Accept-Encoding": "identity"}) as response:
                length = response.headers.get("Content-Length", "")
        except (httpx.RequestError, _Interrupted) as error:
            raise ModelError(f"{printable_url(url)}: {error}") from None
        if not length.isdecimal():
            raise ModelError(f"{printable_url(url)} does not say how large it is")
        return int(length)

    def file(
        self,
        url: str,
        partial: Path,
        size_bytes: int,
        digest: str,
        progress: Progress,
        phase: str,
        *,
        algorithm: str = "sha256",
    ) -> None:
        """Fetch `url` into `partial`, resuming an earlier attempt, and check the hex digest.

        Raises:
            ModelError: it cannot be fetched, or its size or content is wrong. Wrong content is deleted.
        """
        resumed = partial.exists() and partial.stat().st_size > 0
        # A partial file may be the beginning of an older version: then it is fetched again from the first byte.
        for _ in range(2 if resumed else 1):
            self._complete(url, partial, size_bytes, progress, phase)
            if file_digest(partial, algorithm) == digest:
                return
            partial.unlink()
        raise ModelError(f"{printable_url(url)} has other content than expected: its {algorithm} is not {digest}")

    def _complete(self, url: str, partial: Path, size_bytes: int, progress: Progress, phase: str) -> None:
        """Repeat attempts until `partial` is complete. Only attempts without a new byte count as failures."""
        stalled = 0
        delays = backoff_delays(self._first_delay_s, _LAST_DELAY_S)
        while True:
            before = partial.stat().st_size if partial.exists() else 0
            if before > size_bytes:
                partial.unlink()
                before = 0
            if before == size_bytes:
                return
            try:
                self._append(url, partial, before, size_bytes, progress, phase)
                continue
            except _Interrupted as error:
                gained = partial.exists() and partial.stat().st_size > before
                stalled = 0 if gained else stalled + 1
                if stalled == _MAX_STALLED_ATTEMPTS:
                    raise ModelError(f"{printable_url(url)}: {error}") from None
                log.info("the download of %s was interrupted (%s), resuming", printable_url(url), error)
                delay_s = 0.0 if gained else next(delays)
            time.sleep(delay_s)

    def _append(self, url: str, partial: Path, start: int, size_bytes: int, progress: Progress, phase: str) -> None:
        headers = {"Accept-Encoding": "identity"}
        if start:
            headers["Range"] = f"bytes={start}-"
        try:
            with self._request(url, headers) as response:
                start = self._accepted_start(response, url, start, size_bytes)
                with partial.open("r+b" if start else "wb") as file:
                    file.seek(start)
                    file.truncate()
                    done = start
                    # Without a chunk size: httpx would hold back an incomplete chunk, and lose it at a break.
                    for chunk in response.iter_raw():
                        done += len(chunk)
                        if done > size_bytes:
                            raise _too_large(url, size_bytes)
                        file.write(chunk)
                        progress(phase, done, size_bytes)
        except httpx.RequestError as error:
            raise _Interrupted(_reason(error)) from None
        if done < size_bytes:
            raise _Interrupted(f"the connection ended after {done} of {size_bytes} bytes")

    @staticmethod
    def _accepted_start(response: httpx.Response, url: str, start: int, size_bytes: int) -> int:
        """The first byte of the answer. The total size is checked before anything is written."""
        if response.status_code == 206:
            unit, _, span = response.headers.get("Content-Range", "").partition(" ")
            if unit != "bytes" or span != f"{start}-{size_bytes - 1}/{size_bytes}":
                raise ModelError(
                    f"{printable_url(url)} answered with the range {span[:60]!r}, byte {start} on was asked for"
                )
            return start
        length = response.headers.get("Content-Length", "")
        if length.isdecimal() and int(length) != size_bytes:
            if int(length) > size_bytes:
                raise _too_large(url, size_bytes)
            raise ModelError(f"{printable_url(url)} has {length} bytes, {size_bytes} were expected")
        return 0

    def _read_document(self, url: str, headers: dict[str, str]) -> bytes:
        body = bytearray()
        try:
            # A compressed answer may expand to a thousand times its size.
            with self._request(url, {**headers, "Accept-Encoding": "identity"}) as response:
                packing = response.headers.get("Content-Encoding", "identity")
                if packing != "identity":
                    raise ModelError(f"{printable_url(url)} answered in {packing[:40]!r}, plain text was asked for")
                for chunk in response.iter_raw(CHUNK_BYTES):
                    body += chunk
                    if len(body) > _MAX_DOCUMENT_BYTES:
                        raise _too_large(url, _MAX_DOCUMENT_BYTES)
        except httpx.RequestError as error:
            raise _Interrupted(_reason(error)) from None
        return bytes(body)

    def _request(self, url: str, headers: dict[str, str]) -> closing[httpx.Response]:
        """A streamed answer with status 200 or 206, after redirects to https addresses only."""
        self._check_address(url)
        for _ in range(_MAX_REDIRECTS + 1):
            response = self._client.send(self._client.build_request("GET", url, headers=headers), stream=True)
            if response.status_code in (200, 206):
                return closing(response)
            response.close()
            if not response.has_redirect_location:
                break
            target = _joined(url, response.headers["Location"])
            if httpx.URL(target).scheme != "https":
                raise ModelError(f"{printable_url(url)} redirects to {printable_url(target)}, which is not https")
            url = target
        else:
            raise ModelError(f"{printable_url(url)}: more than {_MAX_REDIRECTS} redirects")
        message = f"HTTP {response.status_code}"
        if response.status_code in _RETRYABLE_STATUS:
            raise _Interrupted(message)
        raise ModelError(f"{printable_url(url)}: {message}")

    def _check_address(self, url: str) -> None:
        parsed = httpx.URL(url)
        if parsed.scheme == "https" or (parsed.scheme == "http" and parsed.host in self._trusted_hosts):
            return
        raise ModelError(f"{printable_url(url)} is not an https address")


def tls_context() -> ssl.SSLContext:
    """A context with the system's certificates, or those of SSL_CERT_FILE and SSL_CERT_DIR.

    If neither is set, Mozilla's list is added, because a minimal system has no certificates.
    """
    context = ssl.create_default_context()
    if not os.environ.get("SSL_CERT_FILE") and not os.environ.get("SSL_CERT_DIR"):
        context.load_verify_locations(certifi.where())
    return context


def printable_url(url: str) -> str:
    """The address for messages: without user name, password and query."""
    parsed = httpx.URL(url)
    return str(parsed.copy_with(userinfo=b"", query=None, fragment=None))[:300]


def _joined(url: str, location: str) -> str:
    try:
        return str(httpx.URL(url).join(location))
    except httpx.InvalidURL as error:
        raise ModelError(f"{printable_url(url)} redirects to a malformed address: {error}") from None


def _reason(error: httpx.RequestError) -> str:
    return f"{type(error).__name__}{f': {error}' if str(error) else ''}"


def _too_large(url: str, limit: int) -> ModelError:
    return ModelError(f"{printable_url(url)} is larger than the {limit} bytes that were expected")
