"""The data folder is this user's alone, whoever made it: there are passwords, keys and what people said in it.

Its disk may be full: what was set up before starts all the same.
"""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Iterator
from pathlib import Path

from rider_core.config import Settings
from rider_core.errors import ConfigError

#: Folders in it whose own files are looked at, too. Models may be links: they are only read.
_LOOKED_INTO = ("run", "redis", "run/link", "run/metrics")
#: What the first start puts on the disk: the database, Redis's first log, folders, the processes' figures.
FIRST_START_BYTES = 8 << 20
_OTHERS_MAY_WRITE = stat.S_IWGRP | stat.S_IWOTH


def keep_private() -> None:
    """What this process and its children make from now on is this user's alone, whatever the folder's mode."""
    os.umask(0o077)


def make_data_folder(folder: Path) -> None:
    """See to it that the folder is there, and is ours. Raises `ConfigError`."""
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
    """Make a folder of this user's alone in the data folder. Raises `ConfigError`."""
    try:
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    except OSError as error:
        raise ConfigError(
            f"the folder {folder} cannot be made: {error.strerror}",
            remedy="take away what is in its place, or set RIDER_DATA_DIR to a folder that you may write to",
        ) from None


def require_room(folder: Path) -> None:
    """Refuse a first start for which the disk has no room: nothing of it would be kept.

    Raises:
        ConfigError: the disk is full.
    """
    try:
        # What is free by its numbers may be another user's, or above a quota.
        with tempfile.TemporaryFile(dir=folder, buffering=0) as file:
            for _ in range(FIRST_START_BYTES >> 16):
                file.write(bytes(1 << 16))
    except OSError as error:
        raise ConfigError(
            f"the disk of the data folder {folder} has no {FIRST_START_BYTES >> 20} MB for the first start: "
            f"{error.strerror}",
            remedy="make room there, or set RIDER_DATA_DIR to a folder on another disk",
        ) from None


def write_over(file: Path, text: str) -> None:
    """Write `text` into the blocks that the file has: on a full disk, a file that is made anew gets none.

    Raises:
        ConfigError: it cannot be written.
    """
    content = os.fsencode(text)  # it may name a folder that is not in UTF-8
    try:
        with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT, 0o600), "wb", buffering=0) as stream:
            stream.write(content)
            stream.truncate(len(content))
    except OSError as error:
        raise ConfigError(f"{file} cannot be written: {error.strerror}", remedy="make room on its disk") from None


def make_sockets_dir(settings: Settings) -> Path:
    """The folder for sockets: in the data folder, or, where its path is none for sockets, among the temporary ones.

    Raises:
        ConfigError: it cannot be made, or somebody else has made it.
    """
    folder = settings.sockets_dir
    outside = not settings.has_plain_path
    try:
        for path in (folder.parent, folder) if outside else (folder,):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            about = path.lstat()
            if outside and (not stat.S_ISDIR(about.st_mode) or about.st_uid != os.geteuid()):
                raise _foreign(path, about)
            if outside:
                path.chmod(0o700)
    except OSError as error:
        raise ConfigError(
            f"the folder {folder} for sockets cannot be made: {error.strerror}",
            remedy="set RIDER_DATA_DIR to a folder with a short and plain path",
        ) from None
    return folder


def check_data_folder(folder: Path) -> None:
    """Refuse one that somebody else could have prepared; one that is not there yet is as it should be.

    Raises:
        ConfigError: it belongs to another user, or a file in it does, or leads somewhere else, or is none.
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
        raise _foreign(folder, about)
    if about.st_mode & _OTHERS_MAY_WRITE:
        folder.chmod(stat.S_IMODE(about.st_mode) & ~_OTHERS_MAY_WRITE)
    for entry in _entries(folder):
        about = entry.stat(follow_symlinks=False)
        if entry.is_symlink():
            raise ConfigError(
                f"{entry.path} is a link, and nothing in the data folder may lead out of it",
                remedy=f"take it away: rm '{entry.path}' (a folder with models is named in RIDER_MODEL_PATH)",
            )
        if about.st_uid != os.geteuid():
            raise _foreign(Path(entry.path), about)
        _check_kind(entry.path, about)


def _check_kind(path: str, about: os.stat_result) -> None:
    """Refuse what is neither a folder, nor a file of its own, nor a socket: a pipe would be waited for without end."""
    if stat.S_ISREG(about.st_mode) and about.st_nlink > 1:
        raise ConfigError(
            f"{path} is the same file as another elsewhere (a hard link), which would change with it",
            remedy=f"make it a file of its own: cp '{path}' '{path}.own' && mv '{path}.own' '{path}'",
        )
    if not (stat.S_ISREG(about.st_mode) or stat.S_ISDIR(about.st_mode) or stat.S_ISSOCK(about.st_mode)):
        raise ConfigError(f"{path} is a pipe or a device, not a file", remedy=f"take it away: rm '{path}'")


def _entries(folder: Path) -> Iterator[os.DirEntry[str]]:
    for name in ("", *_LOOKED_INTO):
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


def _foreign(path: Path, about: os.stat_result) -> ConfigError:
    return ConfigError(
        f"{path} belongs to user number {about.st_uid}, and this is number {os.geteuid()}",
        remedy=f"run as its owner, set RIDER_DATA_DIR to a folder of your own, or: chown -R {os.geteuid()} '{path}'",
    )
