"""What supervisord is told: which processes there are, in which order, and how they are ended.

supervisord (the `supervisor` package) does the rest: it starts them, brings crashed ones back with growing delays, and
ends them one after another, those that others need last.
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
from rider_core.rpc.socket_path import short_path
from rider_core.runtime.data_folder import make_sockets_dir, make_subfolder, write_over

#: The running job ends before its worker does; Whisper needs some seconds for a long clip.
STOP_WAIT_S = 30
#: A process that ran for so long had started well; one that ended earlier is started again after a growing delay.
START_S = 3

#: Of supervisord, in `run`.
SOCKET_NAME = "supervisor.sock"
#: Whoever has locked it is the one `rider up` of this data folder.
LOCK_NAME = "up.lock"
#: What supervisord puts for these: paths may hold what means something in its file.
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
process_name={process_name}
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
    """One line of the table.

    Attributes:
        arguments: Of `rider`.
        priority: Lower ones are started first and ended last.
        once: It ends by itself, and is not started again.
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
    table.append(Program("panel", "web", 10))
    table.append(Program("announce", "announce", 40, once=True))
    return table


def be_the_only_one(settings: Settings) -> None:
    """Be the only `rider up` on this data folder, until this process ends, and whatever it becomes.

    One that gets ready, which may take minutes of fetching models, has no socket yet by which it could be found.

    Raises:
        ConfigError: there is another.
    """
    if is_running(settings):
        raise _another(settings)
    try:
        run = settings.data_dir / "run"
        run.mkdir(parents=True, exist_ok=True, mode=0o700)
        lock = os.open(run / LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        raise _another(settings) from None
    except OSError:
        return  # a disk that is full, or knows no locks: nothing is lost by that
    # supervisord keeps it, and none of its children.
    os.set_inheritable(lock, True)


def _another(settings: Settings) -> ConfigError:
    return ConfigError(
        f"`rider up` runs on {settings.data_dir} already",
        remedy="end that one first, or set RIDER_DATA_DIR to another folder",
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
    """Which processes are not up, and in which state supervisord has them; empty: all are, or it cannot be asked."""
    # Only who asks needs supervisord's own client.
    transport = import_module("supervisor.xmlrpc").SupervisorTransport(
        None, None, f"unix://{settings.sockets_dir / SOCKET_NAME}"
    )
    try:
        with ServerProxy("http://127.0.0.1", transport=transport) as server:
            told: Any = server.supervisor.getAllProcessInfo()
    except (OSError, Fault, ProtocolError, HTTPException):
        return {}
    once = {program.name for program in programs(settings) if program.once}
    others = [it for it in told if it["group"] not in once and it["statename"] != "RUNNING"]
    return {it["name"]: f"{it['statename']}{': ' + it['spawnerr'] if it['spawnerr'] else ''}" for it in others}


def write_configuration(settings: Settings) -> tuple[Path, dict[str, str]]:
    """The configuration file for supervisord, whose folder is made where it is missing, and what must be in its
    environment."""
    run = settings.data_dir.absolute() / "run"
    make_subfolder(run)
    sockets = make_sockets_dir(settings)
    user = "user=root" if os.getuid() == 0 else ""
    text = _HEAD.format(sockets=sockets, user=user)
    text += "".join(map(_section, programs(settings)))
    file = run / "supervisord.conf"
    write_over(file, text)
    return file, {RUN: str(run), SOCKETS: str(sockets), PYTHON: shlex.quote(sys.executable)}


def _section(program: Program) -> str:
    to_terminal = _standard_output_can_be_opened()
    return _PROGRAM.format(
        name=program.name,
        arguments=program.arguments,
        process_name="%(program_name)s_%(process_num)d" if program.count > 1 else "%(program_name)s",
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
    """A terminal, a pipe or a file can; a socket, as services under systemd have it, cannot."""
    return not stat.S_ISSOCK(os.fstat(1).st_mode)
