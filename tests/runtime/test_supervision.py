"""The lock of `rider up`, and the states of the processes of a real supervisord."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from rider_core.config import Settings
from rider_core.errors import ConfigError
from rider_core.runtime.data_folder import make_sockets_dir
from rider_core.runtime.supervision import SOCKET_NAME, acquire_up_lock, is_running, not_running, programs
from rider_core.testing.processes import Processes
from rider_core.testing.waiting import wait_until

CONFIGURATION = """\
[supervisord]
nodaemon=true
logfile=/dev/null
logfile_maxbytes=0
pidfile={run}/pid
{user}
[unix_http_server]
file={run}/{socket}
[rpcinterface:supervisor]
supervisor.rpcinterface_factory = supervisor.rpcinterface:make_main_rpcinterface
[program:good]
command={python} -c "import time; time.sleep(60)"
startsecs=0
[program:bad]
command={python} -c "raise SystemExit(1)"
startsecs=1
startretries=1000
[program:announce]
command={python} -c ""
startsecs=0
autorestart=false
[program:fork-server]
command={python} {server}
startsecs=0
"""
FORK_SERVER = """
import time
from rider_core.runtime.fork_server import ForkServer
from rider_core.runtime.supervision import Program
ForkServer([Program("worker-text", "worker text --name worker-text", 10)], lambda _: time.sleep(60)).run()
"""


EXECS_ANOTHER = """\
import os, sys
from rider_core.config import Settings
from rider_core.runtime.supervision import acquire_up_lock
acquire_up_lock(Settings())
os.execv(sys.executable, [sys.executable, "-c", "import time; print('another', flush=True); time.sleep(60)"])
"""


def test_one_up_runs_on_a_data_folder(processes: Processes) -> None:
    """Before and after it has become supervisord."""
    settings = Settings(data_dir=processes.folder / "data")
    first = processes.start("-c", EXECS_ANOTHER, log="first")
    wait_until(lambda: "another" in processes.log("first"), what="the program after exec")
    with pytest.raises(ConfigError, match="`rider up` runs on"):
        acquire_up_lock(settings)
    first.kill()
    first.wait()
    processes.start("-c", EXECS_ANOTHER, log="second")
    wait_until(lambda: "another" in processes.log("second"), what="the second one")


def test_processes_that_do_not_run_are_named(processes: Processes, tmp_path: Path) -> None:
    settings = Settings(data_dir=tmp_path / "a folder")
    run = settings.data_dir / "run"
    run.mkdir(parents=True)
    assert not is_running(settings)
    assert not_running(settings) == {}
    user = "user=root" if os.geteuid() == 0 else ""
    server = tmp_path / "server.py"
    server.write_text(FORK_SERVER)
    text = CONFIGURATION.format(
        run=make_sockets_dir(settings), socket=SOCKET_NAME, python=sys.executable, user=user, server=server
    )
    (run / "conf").write_text(text)
    processes.start("-W", "ignore", "-m", "supervisor.supervisord", "-n", "-c", str(run / "conf"))
    wait_until(lambda: is_running(settings), what="supervisord")
    wait_until(lambda: "bad" in not_running(settings) and "good" not in not_running(settings), what="its processes")
    forked = {program.name for program in programs(settings) if program.forked}
    assert set(not_running(settings)) == {"bad", *forked}, "the fork has just been started"
    assert not_running(settings)["bad"].partition(":")[0] in ("BACKOFF", "STARTING")
    wait_until(lambda: set(not_running(settings)) == {"bad", *forked} - {"worker-text"}, what="a worker that runs")
