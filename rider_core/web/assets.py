"""Where the page's template and its built files are: in the installed package, or beside the code in a checkout."""

from __future__ import annotations

import hashlib
from importlib.util import find_spec
from pathlib import Path

import rider_core
from rider_core.errors import ConfigError


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
