"""A private RabbitMQ node for tests and benchmarks, on free ports of 127.0.0.1. It leaves no processes behind.

It shares nothing with a RabbitMQ that the system runs: its own epmd, cookie, names, ports and folder. Only the standard
library and pika are imported, so the core's tests and the benchmark use it as well.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
from contextlib import closing, suppress
from pathlib import Path

import pika
import pytest
from pika.exceptions import AMQPError

from rider_core.testing.ports import free_port
from rider_core.testing.waiting import wait_until

INSTALL = "sudo apt-get install rabbitmq-server"

#: The scripts in /usr/sbin change to the user rabbitmq; these run as the caller.
#: Another version's are named by RIDER_TEST_RABBITMQ.
_PROGRAMS = Path(os.environ.get("RIDER_TEST_RABBITMQ", "/usr/lib/rabbitmq/bin"))
#: It takes 5 to 10 s on an idle machine, several times that where two cores are shared with other tests.
_START_LIMIT_S = 120.0
_STOP_LIMIT_S = 30.0


class RabbitMQNode:
    """One node with its data in `folder`. Guest may log in with the password guest, from this machine.

    Attributes:
        host: 127.0.0.1.
        port: Where it speaks AMQP; stays the same over restarts.
        url: Both, as pika's URLParameters takes them.
        may_be_killed: False while queues may be so new that a killed broker would never serve them again
            (see `topology.NEW_QUEUE_S`).
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = "127.0.0.1"
        self.port, self._distribution_port, self._epmd_port = (free_port() for _ in range(3))
        self.url = f"amqp://guest:guest@{self.host}:{self.port}/%2F"
        self._name = f"rider-{os.getpid()}-{self.port}@localhost"
        self.may_be_killed = True
        self._server: subprocess.Popen[bytes] | None = None
        self._epmd: subprocess.Popen[bytes] | None = None

    @staticmethod
    def is_installed() -> bool:
        return (_PROGRAMS / "rabbitmq-server").exists() and shutil.which("epmd") is not None

    def start(self) -> None:
        """Start it, with the data of the last time, and wait until it accepts a login.

        Raises:
            RuntimeError: it ended, or did not come up in two minutes; with the end of its log.
        """
        self._write_configuration()
        if self._epmd is None:
            self._epmd = self._start_epmd()
        with (self.folder / "console.log").open("ab") as log:
            self._server = subprocess.Popen(
                [_PROGRAMS / "rabbitmq-server"],
                env=self._environment(),
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                # A group of its own, so that kill() reaches the Erlang VM behind the shell, and Ctrl-C does not.
                start_new_session=True,
            )
        wait_until(lambda: self._has_ended() or self._accepts_login(), _START_LIMIT_S, "the start of RabbitMQ")
        if self._has_ended():
            self.stop()
            pytest.fail(f"RabbitMQ did not start; its log ends with:\n{self.log_text()[-4000:]}")

    def _has_ended(self) -> bool:
        return self._server is not None and self._server.poll() is not None

    def is_running(self) -> bool:
        return self._server is not None

    def stop(self) -> None:
        """End it in good order, and its epmd. The data stay in `folder`."""
        self._end_server(signal.SIGTERM)
        if self._epmd is not None:
            self._epmd.kill()
            self._epmd.wait()
            self._epmd = None

    def kill(self) -> None:
        """SIGKILL the broker, as a power cut would end it, but for what the kernel still writes."""
        if not self.may_be_killed:
            pytest.fail("new queues are used at once in this test: before it kills the broker, it asks for `unhurried`")
        self._end_server(signal.SIGKILL)

    def restart(self) -> None:
        """`stop` and `start`."""
        self.stop()
        self.start()

    def pause(self) -> None:
        """SIGSTOP: it keeps its sockets open and answers nothing until `resume`."""
        self._signal(signal.SIGSTOP)
        assert self._server is not None
        # Thread by thread: on a busy machine some run on for a moment, and confirm what comes meanwhile.
        wait_until(lambda: _thread_states(self._server.pid) <= {"T", "Z"}, what="its stop")  # type: ignore[union-attr]

    def resume(self) -> None:
        self._signal(signal.SIGCONT)

    def control(self, *arguments: str) -> str:
        """Output of `rabbitmqctl` with these arguments; takes one to three seconds.

        Raises:
            RuntimeError: it failed.
        """
        done = subprocess.run(
            [_PROGRAMS / "rabbitmqctl", "--quiet", "--node", self._name, *arguments],
            env=self._environment(),
            cwd=self.folder,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        if done.returncode != 0:
            raise RuntimeError(f"rabbitmqctl {' '.join(arguments)}: {done.stdout}{done.stderr}")
        return done.stdout

    def log_text(self) -> str:
        """What it has logged since `folder` was empty."""
        files = [self.folder / "console.log", *sorted((self.folder / "log").glob("*.log"))]
        return "\n".join(file.read_text(errors="replace") for file in files if file.exists())

    def _signal(self, number: signal.Signals) -> None:
        if self._server is not None:
            with suppress(ProcessLookupError):
                os.killpg(self._server.pid, number)

    def _end_server(self, number: signal.Signals) -> None:
        if self._server is None:
            return
        self._signal(number)
        try:
            self._server.wait(_STOP_LIMIT_S)
        except subprocess.TimeoutExpired:
            self._signal(signal.SIGKILL)
            self._server.wait()
        self._server = None
        _wait_until_free(self.port)

    def _accepts_login(self) -> bool:
        # Asked first, because pika logs a traceback for each refused connection.
        with closing(socket.socket()) as probe:
            if probe.connect_ex((self.host, self.port)) != 0:
                return False
        try:
            pika.BlockingConnection(pika.URLParameters(self.url + "?socket_timeout=5&stack_timeout=5")).close()
        except AMQPError:
            return False
        return True

    def _start_epmd(self) -> subprocess.Popen[bytes]:
        """The port mapper that Erlang insists on, as our child: one that a node starts by itself would outlive it."""
        epmd = subprocess.Popen(
            ["epmd", "-port", str(self._epmd_port), "-address", self.host],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        wait_until(lambda: epmd.poll() is not None or _is_open(self.host, self._epmd_port), what="the start of epmd")
        if epmd.poll() is not None:
            pytest.fail(f"epmd did not start on port {self._epmd_port}")
        return epmd

    def _write_configuration(self) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        for name in ("rabbitmq-env.conf", "advanced.config"):
            (self.folder / name).write_text("" if name.endswith("env.conf") else "[].\n")
        (self.folder / "enabled_plugins").write_text("[].\n")
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = {self.host}:{self.port}\n"
            "log.file.level = info\n"
            "log.console = false\n"
            # Small machines run the tests, too.
            "disk_free_limit.absolute = 50MB\n"
            # As in 3.10: large messages of other programs must do no harm.
            "max_message_size = 134217728\n"
        )

    def _environment(self) -> dict[str, str]:
        """Nothing of a RABBITMQ_ variable that the caller has: those are the plugin's settings."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("RABBITMQ_", "ERL_"))}
        folder = self.folder
        return kept | {
            "HOME": str(folder),  # the Erlang cookie is made there
            "ERL_EPMD_PORT": str(self._epmd_port),
            "ERL_EPMD_ADDRESS": self.host,
            "RABBITMQ_NODENAME": self._name,
            "RABBITMQ_DIST_PORT": str(self._distribution_port),
            "RABBITMQ_CONF_ENV_FILE": str(folder / "rabbitmq-env.conf"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_ADVANCED_CONFIG_FILE": str(folder / "advanced.config"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "enabled_plugins"),
            "RABBITMQ_MNESIA_BASE": str(folder / "mnesia"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
        }


def _wait_until_free(port: int) -> None:
    """The kernel may need a moment to take a killed process's listener away."""
    wait_until(lambda: not _is_open("127.0.0.1", port), _STOP_LIMIT_S, f"the end of the listener on port {port}")


def _is_open(host: str, port: int) -> bool:
    with closing(socket.socket()) as probe:
        return probe.connect_ex((host, port)) == 0


def _thread_states(group: int) -> set[str]:
    """The states of all threads of a process group, as in `ps`: T is stopped, Z has ended."""
    states = set()
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(OSError, IndexError):
            if int(stat.read_text().rpartition(")")[2].split()[2]) == group:
                threads = [it.read_text().rpartition(")")[2].split()[0] for it in stat.parent.glob("task/*/stat")]
                states.update(threads)
    return states
