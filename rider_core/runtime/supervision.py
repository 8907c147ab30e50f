"""supervisord's configuration: the processes of `rider up`, their order, and how they are stopped.

supervisord (the `supervisor` package) starts them, restarts crashed ones with growing delays, and stops them one after
another by descending priority number: Redis last.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import socket
import stat
import sys
from dataclasses import dataclass
from http.client import HTTPException
from importlib import import_module
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ProtocolError, ServerProxy

from rider_core.config import Settings
from rider_core.errors import ConfigError
from rider_core.metrics.members import NAME_VARIABLE
from rider_core.rpc.socket_path import short_path
from rider_core.runtime.data_folder import make_sockets_dir, make_subfolder, overwrite_in_place

#: Maximum wait for a process to stop, in seconds: a worker finishes its job, and Whisper needs seconds for a long clip.
STOP_WAIT_S = 30
#: A process that runs for this time has started, in seconds; one that ends earlier is restarted after a growing delay.
START_S = 3

#: supervisord's socket.
SOCKET_NAME = "supervisor.sock"
#: Lock file of the one `rider up` on a data folder.
LOCK_NAME = "up.lock"
#: Environment variables that supervisord expands: paths may contain characters with a meaning in its file.
RUN, SOCKETS, PYTHON = "RIDER_UP_RUN", "RIDER_UP_SOCKETS", "RIDER_UP_PYTHON"
_HEAD = """\
[supervisord]
nodaemon=true
logfile=%(ENV_RIDER_UP_RUN)s/supervisord.log
logfile_maxbytes=5MB
logfile_backups=2
loglevel=info
silent=true
pidfile=%(ENV_RIDER_UP_RUN)s/supervisord.pid
childlogdir=%(ENV_RIDER_UP_RUN)s
{user}

[unix_http_server]
file=%(ENV_RIDER_UP_SOCKETS)s/supervisor.sock
chmod=0700

[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface

[supervisorctl]
serverurl=unix://{sockets}/supervisor.sock
"""

_PROGRAM = """
[program:{name}]
command=%(ENV_RIDER_UP_PYTHON)s -m rider_core.cli.main {arguments}
{environment}process_name={process_name}
numprocs={count}
priority={priority}
startsecs={start_s}
startretries=1000000
autorestart={restart}
stopsignal=TERM
stopwaitsecs={stop_wait_s}
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes={log_bytes}
stdout_logfile_backups={log_backups}
"""


@dataclass(frozen=True)
class Program:
    """One program of supervisord.

    Attributes:
        arguments: Of `rider`.
        priority: Programs with lower numbers are started first and stopped last.
        once: The program exits by itself, and is not restarted.
    """

    name: str
    arguments: str
    priority: int
    count: int = 1
    once: bool = False


def programs(settings: Settings) -> list[Program]:
    """The processes of `rider up` with these settings."""
    table = []
    if settings.redis_url is None:
        table.append(Program("redis", "redis", 1))
    if settings.simulated:
        table.append(Program("robot", "simulate --owner", 20))
    table.append(Program("worker", "worker --name worker", 10, count=settings.workers))
    table.append(Program("scheduler", "scheduler", 20))
    if settings.has_robot:
        table.append(Program("link", "link", 30))
    if settings.web_enabled:
        table.append(Program("panel", "web", 10))
    table.append(Program("announce", "announce", 40, once=True))
    return table


def acquire_up_lock(settings: Settings) -> None:
    """Lock the data folder for this `rider up`. The lock outlives exec, and ends with the process.

    supervisord's socket is not enough: it does not exist yet while models are fetched, which may take minutes.

    Raises:
        ConfigError: another `rider up` runs on this data folder.
    """
    if is_running(settings):
        raise _already_running(settings)
    try:
        run = settings.data_dir / "run"
        run.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(run / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise _already_running(settings) from None
    except OSError:
        return  # a full disk, or a file system without locks: go on without the lock
    # supervisord inherits the lock; it closes the file in its children.
    os.set_inheritable(lock, True)


def _already_running(settings: Settings) -> ConfigError:
    return ConfigError(
        f"`rider up` runs on {settings.data_dir} already",
        remedy="stop it first, or set RIDER_DATA_DIR to another folder",
    )


def is_running(settings: Settings) -> bool:
    """Whether a `rider up` runs on this data folder."""
    try:
        with (
            short_path(settings.sockets_dir / SOCKET_NAME) as path,
            socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe,
        ):
            probe.settimeout(1)
            probe.connect(path)
    except OSError:
        return False
    return True


def not_running(settings: Settings) -> dict[str, str]:
    """Processes that are not running, with supervisord's state; empty: all run, or supervisord cannot be reached."""
    # Imported here, because only this function needs supervisord's client.
    transport = import_module("supervisor.xmlrpc").SupervisorTransport(
        None, None, f"unix://{settings.sockets_dir / SOCKET_NAME}"
    )
    try:
        with ServerProxy("http://127.0.0.1", transport=transport) as server:
            processes: Any = server.supervisor.getAllProcessInfo()
    except (OSError, Fault, ProtocolError, HTTPException):
        return {}
    once = {program.name for program in programs(settings) if program.once}
    others = [it for it in processes if it["group"] not in once and it["statename"] != "RUNNING"]
    return {it["name"]: f"{it['statename']}{': ' + it['spawnerr'] if it['spawnerr'] else ''}" for it in others}


def write_configuration(settings: Settings) -> tuple[Path, dict[str, str]]:
    """Write supervisord's configuration file. Returns its path, and supervisord's environment variables."""
    run = settings.data_dir.absolute() / "run"
    make_subfolder(run)
    sockets = make_sockets_dir(settings)
    user = "user=root" if os.getuid() == 0 else ""
    text = _HEAD.format(sockets=sockets, user=user)
    text += "".join(map(_section, programs(settings)))
    file = run / "supervisord.conf"
    overwrite_in_place(file, text)
    return file, {RUN: str(run), SOCKETS: str(sockets), PYTHON: shlex.quote(sys.executable)}


def _section(program: Program) -> str:
    to_terminal = _standard_output_can_be_opened()
    name = "%(program_name)s_%(process_num)d" if program.count > 1 else "%(program_name)s"
    return _PROGRAM.format(
        name=program.name,
        arguments=program.arguments,
        process_name=name,
        # One that exits by itself shares no metrics: it would count as a process that does not live.
        environment="" if program.once else f'environment={NAME_VARIABLE}="{name}"\n',
        count=program.count,
        priority=program.priority,
        start_s=0 if program.once else START_S,
        restart="false" if program.once else "true",
        stop_wait_s=STOP_WAIT_S,
        log="/dev/fd/1" if to_terminal else f"%(ENV_{RUN})s/{program.name}_%(process_num)d.log",
        log_bytes=0 if to_terminal else "5MB",
        log_backups=0 if to_terminal else 2,
    )


def _standard_output_can_be_opened() -> bool:
    """Whether /dev/fd/1 can be opened: not if it is a socket, as under systemd."""
    return not stat.S_ISSOCK(os.fstat(1).st_mode)
