"""The page's template and its built files: where they are (in the installed package, or beside the code in a checkout),
and how they are sent: compressed, and kept by browsers until they change."""

from __future__ import annotations

import hashlib
import mimetypes
import re
from importlib.util import find_spec
from pathlib import Path

from flask import Flask, Response, request, send_from_directory

import rider_core
from rider_core.errors import ConfigError

#: A file whose address has its stamp, or a hash of its content, never changes, in seconds: a year.
KEPT_S = 365 * 86_400
#: What the build calls a part of the page that is loaded later.
_HASHED = re.compile(r"-[0-9A-Z]{8}\.js$")


def web_folder() -> Path:
    """The folder with `templates/` and `static/`.

    Raises:
        ConfigError: the browser files were not built.
    """
    spec = find_spec("rider_core._web")
    checkout = Path(rider_core.__file__).parent.parent / "web"
    folder = Path(spec.origin).parent if spec is not None and spec.origin else checkout
    if not (folder / "static" / "app.js").is_file():
        raise ConfigError(
            f"the panel's browser files are not in {folder / 'static'}",
            remedy="build them with: python contrib/build/panel.py web",
        )
    return folder


def build_of(folder: Path) -> str:
    """A name of the built files: a browser keeps them until it changes. It tells nobody the version."""
    digest = hashlib.sha256()
    for name in ("app.js", "app.css"):
        digest.update((folder / "static" / name).read_bytes())
    return digest.hexdigest()[:12]


def add_static(app: Flask, folder: Path) -> None:
    """Serve the built files."""
    static = folder / "static"

    def send(filename: str) -> Response:
        # The build has compressed them: this costs the processor nothing.
        is_compressed = request.accept_encodings.quality("gzip") > 0 and (static / f"{filename}.gz").is_file()
        response = send_from_directory(
            static,
            f"{filename}.gz" if is_compressed else filename,
            mimetype=mimetypes.guess_type(filename)[0],
            max_age=KEPT_S if request.args.get("v") or _HASHED.search(filename) else None,
        )
        if is_compressed:
            response.headers["Content-Encoding"] = "gzip"
        response.headers["Vary"] = "Accept-Encoding"
        return response

    app.view_functions["static"] = lambda filename: send(filename)
