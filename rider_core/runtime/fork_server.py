"""The fork server: one process that has imported what several need, and starts these as forks of itself.

A fork has the imported modules in common with the others, so that each takes a third of the memory that a process of
its own would take, and starts in no time. The fork server restarts those that end, and does nothing else: no thread, no
connection and no engine is in it that a fork could inherit half-way.
"""

from __future__ import annotations

import gc
import logging
import multiprocessing
import os
import signal
import socket
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import groupby
from multiprocessing import connection
from multiprocessing.context import ForkProcess

from setproctitle import setproctitle

from rider_core.metrics.definitions import count_as_forked
from rider_core.metrics.members import NAME_VARIABLE
from rider_core.runtime.process import SUPERVISOR_VARIABLE
from rider_core.runtime.supervision import START_S, STOP_WAIT_S, Program
from rider_core.timing import backoff_delays
from rider_core.tracing import stop_exporting

log = logging.getLogger(__name__)

#: Delays between starts of a process that ends within `START_S`, in seconds.
_FIRST_DELAY_S, _LONGEST_DELAY_S = 1.0, 30.0
_STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)


@dataclass
class _Child:
    """One of the processes, and when it may be started."""

    program: Program
    process: ForkProcess | None = None
    started: float = 0.0
    next_start: float = 0.0
    delays: Iterator[float] = field(default_factory=lambda: backoff_delays(_FIRST_DELAY_S, _LONGEST_DELAY_S))


class ForkServer:
    """Runs the programs until SIGTERM or SIGINT."""

    def __init__(self, programs: Sequence[Program], run: Callable[[list[str]], None]) -> None:
        """
        Args:
            run: Runs a program with its arguments, in the fork.
        """
        self._children = [_Child(program) for program in sorted(programs, key=lambda it: it.priority)]
        self._run = run
        self._stopping = False

    def run(self) -> None:
        """Keep the programs running; at the end stop them, those with the highest priority number first."""
        # The collector would write to every object that the forks have in common.
        gc.collect()
        gc.freeze()
        with self._wakeups() as wakeups:
            try:
                while not self._stopping:
                    self._start_due()
                    running = [child.process.sentinel for child in self._children if child.process is not None]
                    due_ts = [child.next_start for child in self._children if child.process is None]
                    wait_s = max(0.0, min(due_ts) - time.monotonic()) if due_ts else None
                    if wakeups in connection.wait([*running, wakeups], wait_s):
                        wakeups.recv(64)
                    self._collect_ended()
            finally:
                self._stop()

    @contextmanager
    def _wakeups(self) -> Iterator[socket.socket]:
        """A socket that can be read when a stop signal has come."""
        reader, writer = socket.socketpair()
        writer.setblocking(False)
        with reader, writer:
            signal.set_wakeup_fd(writer.fileno())
            for number in _STOP_SIGNALS:
                signal.signal(number, lambda *_: setattr(self, "_stopping", True))
            try:
                yield reader
            finally:
                signal.set_wakeup_fd(-1)

    def _start_due(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.process is None and now >= child.next_start:
                self._start(child, now)

    def _start(self, child: _Child, now: float) -> None:
        process = multiprocessing.get_context("fork").Process(target=self._become, args=(child.program,))
        # A stop signal that reaches the fork before it has its own handlers waits until then.
        signal.pthread_sigmask(signal.SIG_BLOCK, _STOP_SIGNALS)
        try:
            process.start()
        except OSError as error:  # a limit of processes, memory or files is reached
            child.next_start = now + next(child.delays)
            name, delay_s = child.program.name, child.next_start - now
            log.error("%s cannot be started: %s; it is tried again in %.0f s", name, error, delay_s)
        else:
            child.process, child.started = process, now
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)

    def _become(self, program: Program) -> None:
        """In the fork: take the program's name and place, and run it."""
        signal.set_wakeup_fd(-1)
        for number in _STOP_SIGNALS:
            signal.signal(number, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, _STOP_SIGNALS)
        os.environ[NAME_VARIABLE] = program.name
        parent = multiprocessing.parent_process()
        if SUPERVISOR_VARIABLE in os.environ and parent is not None:
            # Not `getppid`: the parent may have been killed since.
            os.environ[SUPERVISOR_VARIABLE] = str(parent.pid)
        # What `ps` would show if it had been started by itself.
        setproctitle(f"{sys.executable} -m rider_core.cli.main {program.arguments}")
        count_as_forked()
        try:
            self._run(program.arguments.split())
        finally:
            stop_exporting()  # a fork ends without `atexit`

    def _collect_ended(self) -> None:
        now = time.monotonic()
        for child in self._children:
            if child.process is None or child.process.exitcode is None:
                continue
            status, lived_s = child.process.exitcode, now - child.started
            child.process.close()
            child.process = None
            if lived_s >= START_S:
                child.delays = backoff_delays(_FIRST_DELAY_S, _LONGEST_DELAY_S)
                child.next_start = now
            else:
                child.next_start = now + next(child.delays)
            if not self._stopping:
                log.warning(
                    "%s ended after %.0f s with status %d; it is started again in %.0f s",
                    child.program.name, lived_s, status, child.next_start - now,
                )  # fmt: skip

    def _stop(self) -> None:
        running = [child for child in reversed(self._children) if child.process is not None]
        for _, group in groupby(running, key=lambda child: child.program.priority):
            processes = [child.process for child in group if child.process is not None]
            for process in processes:
                process.terminate()
            end = time.monotonic() + STOP_WAIT_S
            for process in processes:
                process.join(max(0.0, end - time.monotonic()))
                if process.exitcode is None:
                    process.kill()
                    process.join()
