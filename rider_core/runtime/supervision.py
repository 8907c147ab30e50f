"""supervisord's configuration: the processes of `rider up`, their order, and how they are stopped.

supervisord (the `supervisor` package) starts them, restarts crashed ones with growing delays, and stops them one after
another by descending priority number: Redis last. Some of them are forks of one process (`fork_server`), which does the
same for these.
"""

from __future__ import annotations

import fcntl
import os
import shlex
import socket
import stat
import sys
import time
from contextlib import suppress
from dataclasses import dataclass
from http.client import HTTPException
from importlib import import_module
from pathlib import Path
from typing import Any
from xmlrpc.client import Fault, ProtocolError, ServerProxy

import psutil

from rider_core.api.tasks import QUEUES
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
loglevel=warn
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
{environment}priority={priority}
startsecs={start_s}
startretries=1000000
autorestart={restart}
stopsignal=TERM
stopwaitsecs={stop_wait_s}
killasgroup=true
redirect_stderr=true
stdout_logfile={log}
stdout_logfile_maxbytes={log_bytes}
stdout_logfile_backups={log_backups}
"""


@dataclass(frozen=True)
class Program:
    """One process of `rider up`.

    Attributes:
        arguments: Of `rider`.
        priority: Programs with lower numbers are started first and stopped last.
        once: The program exits by itself, and is not restarted.
        forked: It is not supervisord's child, but the fork server's (`runtime/fork_server.py`).
    """

    name: str
    arguments: str
    priority: int
    once: bool = False
    forked: bool = False


#: Elsewhere nothing ends a fork with its parent, and macOS's libraries do not bear a fork without exec.
_CAN_FORK = sys.platform.startswith("linux")
#: The parent of the forked programs.
FORK_SERVER = Program("fork-server", "fork-server", 30)


def programs(settings: Settings) -> list[Program]:
    """The processes of `rider up` with these settings."""
    table = []
    if settings.redis_url is None:
        table.append(Program("redis", "redis", 1))
    if settings.simulated:
        table.append(Program("robot", "simulate --owner", 10))
    for queue in QUEUES:
        for number in range(1, settings.workers + 1):
            name = f"worker-{queue}" if number == 1 else f"worker-{queue}-{number}"
            table.append(Program(name, f"worker {queue} --name {name}", 10, forked=_CAN_FORK))
    table.append(Program("scheduler", "scheduler", 20, forked=_CAN_FORK))
    if settings.has_robot:
        table.append(Program("link", "link", 30, forked=_CAN_FORK))
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
    all_programs = programs(settings)
    once = {program.name for program in all_programs if program.once}
    others = [it for it in processes if it["group"] not in once and it["statename"] != "RUNNING"]
    found = {it["name"]: f"{it['statename']}{': ' + it['spawnerr'] if it['spawnerr'] else ''}" for it in others}
    server_pid = next((it["pid"] for it in processes if it["name"] == FORK_SERVER.name), None)
    running = _forks_that_run(server_pid) if server_pid else []
    forked = [program for program in all_programs if program.forked]
    return found | {it.name: "STARTING" for it in forked if not any(arguments == it.arguments for arguments in running)}


def _forks_that_run(server_pid: int) -> list[str]:
    """The arguments of the forks that have started, as supervisord would say it."""
    found = []
    with suppress(psutil.Error):
        for child in psutil.Process(server_pid).children():
            with suppress(psutil.Error):
                if time.time() - child.create_time() >= START_S:
                    found.append(" ".join(child.cmdline()).partition(" -m rider_core.cli.main ")[2].strip())
    return found


def write_configuration(settings: Settings) -> tuple[Path, dict[str, str]]:
    """Write supervisord's configuration file. Returns its path, and supervisord's environment variables."""
    run = settings.data_dir.absolute() / "run"
    make_subfolder(run)
    sockets = make_sockets_dir(settings)
    user = "user=root" if os.getuid() == 0 else ""
    text = _HEAD.format(sockets=sockets, user=user)
    all_programs = programs(settings)
    text += "".join(_section(program) for program in all_programs if not program.forked)
    if any(program.forked for program in all_programs):
        text += _section(FORK_SERVER)
    file = run / "supervisord.conf"
    overwrite_in_place(file, text)
    return file, {RUN: str(run), SOCKETS: str(sockets), PYTHON: shlex.quote(sys.executable)}


def _section(program: Program) -> str:
    to_terminal = _standard_output_can_be_opened()
    return _PROGRAM.format(
        name=program.name,
        arguments=program.arguments,
        # One that exits by itself shares no metrics: it would count as a process that does not live.
        environment="" if program.once else f'environment={NAME_VARIABLE}="{program.name}"\n',
        priority=program.priority,
        start_s=0 if program.once else START_S,
        restart="false" if program.once else "true",
        # The fork server stops the link first, and then what does the link's jobs.
        stop_wait_s=STOP_WAIT_S * (3 if program is FORK_SERVER else 1) + 5,
        log="/dev/fd/1" if to_terminal else f"%(ENV_{RUN})s/{program.name}.log",
        log_bytes=0 if to_terminal else "5MB",
        log_backups=0 if to_terminal else 2,
    )


def _standard_output_can_be_opened() -> bool:
    """Whether /dev/fd/1 can be opened: not if it is a socket, as under systemd."""
    return not stat.S_ISSOCK(os.fstat(1).st_mode)
