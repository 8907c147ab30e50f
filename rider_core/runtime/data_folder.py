"""Checks and creates the data folder: only its owner may use it, because it has passwords, keys and conversations.

On a full disk everything that was started before still starts: existing files are overwritten in place.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rider_core.config import Settings
from rider_core.errors import ConfigError

#: Subfolders whose files are checked as well. Not those with models, which may be links: they are only read.
_CHECKED_FOLDERS = ("run", "redis", "run/link", "run/metrics")
#: Disk space that the first start needs: the database, Redis's first log, folders, and the metrics' files.
FIRST_START_BYTES = 8 << 20
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def set_private_umask() -> None:
    """Set the umask of this process and its children: other users get no access to new files."""
    os.umask(0o077)


def make_data_folder(folder: Path) -> None:
    """Create the data folder if it is missing, and check it. Raises `ConfigError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except FileExistsError:
        raise ConfigError(
            f"the data folder {folder} is a file", remedy="set RIDER_DATA_DIR to a folder, or move the file away"
        ) from None
    except OSError as error:
        raise ConfigError(
            f"the data folder {folder} cannot be made: {error.strerror}",
            remedy="set RIDER_DATA_DIR to a folder that you may write to",
        ) from None
    if not os.access(folder, os.W_OK | os.X_OK):
        raise ConfigError(
            f"the data folder {folder} cannot be written to",
            remedy="set RIDER_DATA_DIR to a folder that you may write to",
        )
    check_data_folder(folder)


def make_subfolder(folder: Path) -> None:
    """Create a subfolder of the data folder with access for its owner only. Raises `ConfigError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigError(
            f"the folder {folder} cannot be made: {error.strerror}",
            remedy="remove the file in its place, or set RIDER_DATA_DIR to a folder that you may write to",
        ) from None


def require_free_space(folder: Path) -> None:
    """Check the free space for a first start, which could save nothing on a full disk.

    Raises:
        ConfigError: the disk is full.
    """
    try:
        # By writing: statvfs knows no quotas, and counts space reserved for root.
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            for _ in range(FIRST_START_BYTES >> 16):
                file.write(bytes(1 << 16))
    except OSError as error:
        raise ConfigError(
            f"the disk of the data folder {folder} has no {FIRST_START_BYTES >> 20} MB for the first start: "
            f"{error.strerror}",
            remedy="free some space there, or set RIDER_DATA_DIR to a folder on another disk",
        ) from None


def overwrite_in_place(file: Path, text: str) -> None:
    """Write `text` into the file's existing blocks: on a full disk a new file gets none.

    Raises:
        ConfigError: the file cannot be written.
    """
    content = os.fsencode(text)  # it may contain the name of a folder that is not UTF-8
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "wb", buffering=0) as stream:
            stream.write(content)
            stream.truncate(len(content))
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}", remedy="free some space on its disk") from None


def make_sockets_dir(settings: Settings) -> Path:
    """Create the folder for sockets: in the data folder, or in a temporary folder if the path is too long or not plain.

    Raises:
        ConfigError: it cannot be created, or belongs to another user.
    """
    folder = settings.sockets_dir
    outside = not settings.has_plain_path
    try:
        for path in (folder.parent, folder) if outside else (folder,):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            about = path.lstat()
            if outside and (not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid()):
                raise _wrong_owner(path, about)
            if outside:
                path.chmod(0o700)
    except OSError as error:
        raise ConfigError(
            f"the folder {folder} for sockets cannot be made: {error.strerror}",
            remedy="set RIDER_DATA_DIR to a folder with a short and plain path",
        ) from None
    return folder


def check_data_folder(folder: Path) -> None:
    """Refuse a data folder that another user could have prepared. A missing folder is accepted.

    Raises:
        ConfigError: the folder or a file in it belongs to another user, or a file is a link, a pipe or a device.
    """
    try:
        about = folder.stat()
    except FileNotFoundError:
        return
    except OSError as error:
        raise ConfigError(
            f"the data folder {folder} cannot be looked into: {error.strerror}",
            remedy="set RIDER_DATA_DIR to a folder of your own",
        ) from None
    if not stat.S_ISDIR(about.st_mode):
        raise ConfigError(
            f"the data folder {folder} is a file", remedy="set RIDER_DATA_DIR to a folder, or move the file away"
        )
    if about.st_uid != os.geteuid():
        raise _wrong_owner(folder, about)
    if about.st_mode & _OTHERS_MAY_WRITE:
        folder.chmod(stat.S_IMODE(about.st_mode) & ~_OTHERS_MAY_WRITE)
    for entry in _entries(folder):
        about = entry.stat(follow_symlinks=False)
        if entry.is_symlink():
            raise ConfigError(
                f"{entry.path} is a link, and nothing in the data folder may lead out of it",
                remedy=f"remove it: rm '{entry.path}' (set RIDER_MODEL_PATH to use a folder with models)",
            )
        if about.st_uid != os.geteuid():
            raise _wrong_owner(Path(entry.path), about)
        _check_kind(entry.path, about)


def _check_kind(path: str, about: os.stat_result) -> None:
    """Refuse hard links, pipes and devices: opening a pipe would block."""
    if stat.S_ISREG(about.st_mode) and about.st_nlink > 1:
        raise ConfigError(
            f"{path} is the same file as another elsewhere (a hard link), which would change with it",
            remedy=f"make it a file of its own: cp '{path}' '{path}.own' && mv '{path}.own' '{path}'",
        )
    if not (stat.S_ISREG(about.st_mode) or stat.S_ISDIR(about.st_mode) or stat.S_ISSOCK(about.st_mode)):
        raise ConfigError(f"{path} is a pipe or a device, not a file", remedy=f"remove it: rm '{path}'")


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    for name in ("", *_CHECKED_FOLDERS):
        try:
            with os.scandir(folder / name) as entries:
                yield from entries
        except (FileNotFoundError, NotADirectoryError):
            continue
        except OSError as error:
            raise ConfigError(
                f"the folder {folder / name} cannot be looked into: {error.strerror}",
                remedy=f"see its mode and its owner: ls -ld '{folder / name}'",
            ) from None


def _wrong_owner(path: Path, about: os.stat_result) -> ConfigError:
    return ConfigError(
        f"{path} belongs to user number {about.st_uid}, and this is number {os.geteuid()}",
        remedy=f"run as its owner, set RIDER_DATA_DIR to a folder of your own, or: chown -R {os.geteuid()} '{path}'",
    )
