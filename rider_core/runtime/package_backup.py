"""A copy of an installed package's files, so that its removal can be undone without a package index."""

from __future__ import annotations

import shutil
from importlib.metadata import distribution
from pathlib import Path

from rider_core.errors import PluginError


class PackageBackup:
    """The files that the package's own list (RECORD) names: what an installer removes with it."""

    def __init__(self, package: str, folder: Path) -> None:
        """Copy them into `folder`, which is emptied first.

        Raises:
            PluginError: the package has no list of its files, or they cannot be copied.
        """
        self._folder = folder
        self._copies: dict[Path, Path] = {}
        shutil.rmtree(folder, ignore_errors=True)
        files = distribution(package).files
        if not files:
            raise PluginError(f"{package} has no list of its files", remedy="remove it with the tool that installed it")
        try:
            folder.mkdir(mode=0o700)
            for number, file in enumerate(files):
                original = Path(str(file.locate()))
                if original.is_file():
                    self._copies[original] = folder / str(number)
                    shutil.copy2(original, self._copies[original], follow_symlinks=False)
        except OSError as error:
            shutil.rmtree(folder, ignore_errors=True)
            raise PluginError(
                f"the files of {package} cannot be kept aside: {error.strerror}", remedy="free some space on the disk"
            ) from None

    def restore(self) -> None:
        """Put back what is gone. Raises `OSError`."""
        for original, copy in self._copies.items():
            if not original.exists():
                original.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(copy, original, follow_symlinks=False)

    def discard(self) -> None:
        shutil.rmtree(self._folder, ignore_errors=True)
