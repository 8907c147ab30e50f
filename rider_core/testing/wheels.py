"""Wheels of one module each, for a package index that is a folder."""

from __future__ import annotations

import zipfile
from pathlib import Path


def write_wheel(folder: Path, name: str, source: str, *, plugin: bool = True, requires: tuple[str, ...] = ()) -> None:
    """Put a wheel of version 1.0 into `folder`.

    Args:
        name: Of the package; its module has underscores instead of hyphens.
        source: Of its module.
        plugin: It has an entry point of its own name.
        requires: Requirements, as in its metadata.
    """
    module = name.replace("-", "_")
    info = f"{module}-1.0.dist-info"
    needs = "".join(f"Requires-Dist: {it}\n" for it in requires)
    files = {
        f"{module}.py": source,
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n{needs}",
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
    }
    if plugin:
        files[f"{info}/entry_points.txt"] = f"[rider_core.plugins]\n{name} = {module}\n"
    files[f"{info}/RECORD"] = "".join(f"{file},,\n" for file in [*files, f"{info}/RECORD"])
    with zipfile.ZipFile(folder / f"{module}-1.0-py3-none-any.whl", "w") as wheel:
        for file, text in files.items():
            wheel.writestr(file, text)
