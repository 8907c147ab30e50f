"""Downloads and verifications of models, in processes of their own, with their progress in the panel's state.

`rider_core.runtime.model_process` does the work; here it is queued, watched and cancelled.
"""

from __future__ import annotations

import json
import logging
import socket
import subprocess
import sys
import threading
import time
from collections import deque
from enum import Enum
from typing import Any, Literal

from pydantic import Field

from rider_core.api.messages import Message
from rider_core.catalogue.digests import PHASES
from rider_core.printable import printable
from rider_core.runtime.services import Services
from rider_core.web.changes import Changes
from rider_core.web.panel_state import PanelState

log = logging.getLogger(__name__)

#: The panel state's section: for each model its operation that runs, or ended last.
SECTION = "models"
#: Operations at the same time: more would only share the network's rate, and each takes 60 MB.
MAX_RUNNING = 2
#: Time over which the rate is measured, in seconds.
RATE_OVER_S = 5.0
#: Limit of one line of a process, in bytes, and of a message that is shown, in characters.
MAX_LINE_BYTES = 16 << 10
MAX_SHOWN = 1_000
_MODULE = "rider_core.runtime.model_process"


class OperationKind(str, Enum):
    DOWNLOAD = "download"
    VERIFICATION = "verification"


class OperationState(str, Enum):
    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ModelOperation(Message):
    """A download or a verification of a model."""

    kind: OperationKind
    state: OperationState
    phase: Literal["", "downloading", "unpacking", "converting", "verifying", "waiting"] = Field(
        "", description="what is being done now; `waiting`: for another process that downloads it"
    )
    done_bytes: int = Field(0, description="of this phase")
    total_bytes: int = Field(0, description="of this phase; 0: unknown")
    bytes_per_s: float | None = Field(None, description="how fast it goes; None: not known yet")
    problem: str = Field("", description="why it failed")
    remedy: str = Field("", description="what to do about it")
    started_ts: float = Field(description="when it was asked for")
    ended_ts: float | None = None

    @property
    def is_active(self) -> bool:
        return self.state in (OperationState.QUEUED, OperationState.RUNNING)


class ModelOperations:
    """The operations of this panel. From any thread. One for each model, and `MAX_RUNNING` run at a time."""

    def __init__(self, services: Services, panel_state: PanelState, changes: Changes) -> None:
        self._services = services
        self._panel_state = panel_state
        self._changes = changes
        self._lock = threading.Lock()
        self._operations: dict[str, ModelOperation] = {}
        self._queue: deque[str] = deque()
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._running: set[str] = set()
        self._is_stopped = False

    def of(self, model: str) -> ModelOperation | None:
        """The operation of a model that runs, or ended last."""
        return self._operations.get(model)

    def start(self, model: str, kind: OperationKind) -> ModelOperation:
        """Begin, or queue. Where an operation of the model waits or runs, it is that one."""
        with self._lock:
            known = self._operations.get(model)
            if known is not None and known.is_active:
                return known
            operation = ModelOperation(kind=kind, state=OperationState.QUEUED, started_ts=time.time())
            self._put(model, operation)
            if not self._is_stopped:
                self._queue.append(model)
                self._start_next()
            return self._operations[model]

    def cancel(self, model: str) -> bool:
        """End an operation; what it has fetched stays for the next one. False: none waits or runs."""
        with self._lock:
            operation = self._operations.get(model)
            if operation is None or not operation.is_active:
                return False
            self._end(model, OperationState.CANCELLED)
            if model in self._queue:
                self._queue.remove(model)
            process = self._processes.get(model)
        if process is not None:
            process.terminate()
        return True

    def forget(self, model: str) -> None:
        """The model was removed: what was done to it before is of no interest."""
        with self._lock:
            if not (operation := self._operations.get(model)) or operation.is_active:
                return
            del self._operations[model]
            self._publish()

    def stop(self) -> None:
        """End all operations."""
        with self._lock:
            self._is_stopped = True
            self._queue.clear()
            processes = list(self._processes.values())
        for process in processes:
            process.terminate()

    def _start_next(self) -> None:
        """Start what waits, as far as there is room. A model whose cancelled process has not ended yet waits for it."""
        ready = [model for model in self._queue if model not in self._running]
        for model in ready[: MAX_RUNNING - len(self._running)]:
            self._queue.remove(model)
            self._running.add(model)
            self._put(model, self._operations[model].model_copy(update={"state": OperationState.RUNNING}))
            threading.Thread(target=self._run, args=(model,), name=f"model-{model}", daemon=True).start()

    def _run(self, model: str) -> None:
        try:
            result = self._watch(model)
        except Exception as error:  # the top of a thread
            log.exception("the operation of model %s failed", model)
            result = {"error": f"{type(error).__name__}: {error}", "remedy": "see the panel's log"}
        if result.get("error") is None:
            self._services.announce_models()
        with self._lock:
            self._processes.pop(model, None)
            self._running.discard(model)
            if self._is_running(model):
                state = OperationState.FAILED if result.get("error") else OperationState.DONE
                self._end(model, state, problem=_shown(result.get("error")), remedy=_shown(result.get("remedy")))
            self._start_next()
        self._changes.count("models")

    def _is_running(self, model: str) -> bool:
        """Whether it was not cancelled: then the model's operation has ended, or is a later one, which waits."""
        operation = self._operations.get(model)
        return operation is not None and operation.state is OperationState.RUNNING

    def _watch(self, model: str) -> dict[str, Any]:
        """Run the process until it ends. Returns its last line."""
        ours, theirs = socket.socketpair()
        action = "pull" if self._operations[model].kind is OperationKind.DOWNLOAD else "verify"
        with ours:
            with theirs:
                process = subprocess.Popen([sys.executable, "-m", _MODULE, action, model], stdin=theirs.fileno())
            with self._lock:
                self._processes[model] = process
                is_wanted = self._is_running(model) and not self._is_stopped
            if not is_wanted:
                process.terminate()
            result = self._follow(model, ours)
        status = process.wait()
        if result is None:
            return {"error": f"its process ended early, with status {status}", "remedy": "try again"}
        return result

    def _follow(self, model: str, connection: socket.socket) -> dict[str, Any] | None:
        """Publish progress until the process closes the connection. Returns its result; None: there was none."""
        result, rate = None, _Rate()
        with connection.makefile("rb") as lines:
            while line := lines.readline(MAX_LINE_BYTES):
                values = json.loads(line)
                if "phase" not in values:
                    result = values
                    continue
                phase, done, total = values["phase"].partition(" ")[0], values["done"], values["total"]
                progress = {
                    "phase": phase if phase in PHASES else "",
                    "done_bytes": done,
                    "total_bytes": total,
                    "bytes_per_s": rate.after(values["phase"], done),
                }
                with self._lock:
                    if self._is_running(model):
                        self._put(model, self._operations[model].model_copy(update=progress))
        return result

    def _end(self, model: str, state: OperationState, problem: str = "", remedy: str = "") -> None:
        operation = self._operations[model]
        log.info("%s of model %s: %s %s", operation.kind.value, model, state.value, problem)
        ended = {"state": state, "ended_ts": time.time(), "bytes_per_s": None, "problem": problem, "remedy": remedy}
        self._put(model, operation.model_copy(update=ended))

    def _put(self, model: str, operation: ModelOperation) -> None:
        self._operations[model] = operation
        self._publish()

    def _publish(self) -> None:
        values = {name: operation.model_dump(mode="json") for name, operation in self._operations.items()}
        self._panel_state.set_section(SECTION, values)


class _Rate:
    """Bytes a second over the last `RATE_OVER_S`. A new phase begins anew."""

    def __init__(self) -> None:
        self._phase = ""
        self._seen: deque[tuple[float, int]] = deque(maxlen=200)

    def after(self, phase: str, done: int) -> float | None:
        """The rate, with `done` bytes of a phase now; None: not known yet."""
        now = time.monotonic()
        if phase != self._phase:
            self._phase = phase
            self._seen.clear()
        self._seen.append((now, done))
        while self._seen[0][0] < now - RATE_OVER_S:
            self._seen.popleft()
        began, first = self._seen[0]
        return max(0.0, (done - first) / (now - began)) if now - began >= 0.5 else None


def _shown(text: Any) -> str:
    return printable(str(text or ""))[:MAX_SHOWN]
