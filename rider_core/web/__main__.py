"""The panel's process. Eventlet has to patch the standard library before anything else is imported, hence the order."""
# ruff: noqa: E402, PLC0415 - see above; eventlet must not be imported where threads serve

from __future__ import annotations

import os
import sys

_MODE = "RIDER_ASYNC_MODE"
PATCHED = os.environ.get(_MODE, "eventlet").strip().lower() == "eventlet"
if PATCHED:
    from rider_core.web.serving.eventlet_setup import patch_standard_library

    patch_standard_library()

# Socket.IO's library imports the client libraries that it finds, 5 MB; the panel is no client.
_FOR_CLIENTS = [name for name in ("aiohttp", "requests", "valkey", "websocket") if name not in sys.modules]
sys.modules.update(dict.fromkeys(_FOR_CLIENTS))  # type: ignore[arg-type] # None: cannot be imported
import flask_socketio  # noqa: F401

for _name in _FOR_CLIENTS:
    del sys.modules[_name]

import logging
import signal
import socket
import ssl
from collections.abc import Callable
from typing import TYPE_CHECKING

from rider_core.config import Settings, load_settings
from rider_core.errors import ConfigError, RiderError
from rider_core.runtime.data_folder import set_private_umask
from rider_core.runtime.process import die_with_supervisor, observe_process
from rider_core.runtime.services import Services
from rider_core.web.app import Panel, create_app
from rider_core.web.security import check_exposure
from rider_core.web.serving.shutdown_watchdog import start_watchdog
from rider_core.web.serving.tls import tls_of

if TYPE_CHECKING:
    from rider_core.web.serving.eventlet_server import EventletServer
    from rider_core.web.serving.threaded_server import ThreadedServer

log = logging.getLogger("rider_core.web")

#: Maximum duration of the shutdown, in seconds. The parts need 5 s at most; the supervisor kills the panel after 10 s,
#: which leaves no stacks in the log.
STOP_LIMIT_S = 8.0


def main() -> int:
    """Serve the panel until SIGINT or SIGTERM. Returns the process's exit status."""
    try:
        settings = load_settings()
        observe_process("panel", settings)
        if (settings.async_mode == "eventlet") != PATCHED:
            _start_again(settings)
        die_with_supervisor()
        set_private_umask()
        check_exposure(settings)
        with _listen(settings) as listener:
            _run(settings, listener)
    except RiderError as error:
        print(f"rider panel: {error}", file=sys.stderr)
        return 1
    return 0


def _run(settings: Settings, listener: socket.socket) -> None:
    wait_for_signal = _catch_signals()
    tls = tls_of(settings)
    services = Services.open(settings, role="panel")
    try:
        panel = create_app(services)
        panel.start()
        services.plugins.notify("on_startup", services=services)
        stop_serving = _serve(panel, listener, tls)
        scheme = "https" if tls else "http"
        log.info("the panel is at %s://%s/ (%s)", scheme, _shown(listener), settings.async_mode)
        wait_for_signal()
        log.info("stopping")
        cancel_watchdog = start_watchdog(STOP_LIMIT_S)
        stop_serving()
        services.plugins.notify("on_shutdown", services=services)
        panel.stop()
    finally:
        services.close()
    cancel_watchdog()


def _start_again(settings: Settings) -> None:
    """Restart the process: the settings file has another mode than the environment, and patching cannot be undone."""
    os.environ[_MODE] = settings.async_mode
    os.execv(sys.executable, [sys.executable, "-m", "rider_core.web", *sys.argv[1:]])


def _listen(settings: Settings) -> socket.socket:
    host, port = settings.web_host, settings.web_port
    try:
        family = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)[0][0]
        listener = socket.create_server((host, port), family=family, backlog=128)
    except OSError as error:
        raise ConfigError(
            f"the panel cannot listen on {host}:{port}: {error}",
            remedy="stop the program that listens there, or set RIDER_WEB_PORT to another port (0: any free one)",
        ) from None
    # Connections inherit the option. Without it a streamed word waits 40 ms for the acknowledgement of the one before.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


def _shown(listener: socket.socket) -> str:
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _serve(panel: Panel, listener: socket.socket, tls: ssl.SSLContext | None) -> Callable[[], None]:
    """Start serving. Returns the function that stops the server."""
    server: EventletServer | ThreadedServer
    if PATCHED:
        from rider_core.web.serving.eventlet_server import EventletServer

        server = EventletServer(listener, panel.app, tls)
    else:
        from rider_core.web.serving.threaded_server import ThreadedServer

        server = ThreadedServer(listener, panel.app, tls)
    server.start()
    return server.stop


def _catch_signals() -> Callable[[], None]:
    """Let both stop signals only write to a socket. Returns the function that waits for that.

    A handler that raises could interrupt any code, under eventlet any green thread. And Python runs handlers in the
    main thread only, after its system call: a main thread that blocks never runs the handler of a signal that another
    thread received, or that came just before the call. `set_wakeup_fd` makes the interpreter itself write at once.
    """
    reader, writer = socket.socketpair()
    writer.setblocking(False)
    signal.set_wakeup_fd(writer.fileno(), warn_on_full_buffer=False)
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda _number, _frame: None)

    def wait() -> None:
        reader.recv(1)
        signal.set_wakeup_fd(-1)
        writer.close()

    return wait


if __name__ == "__main__":
    sys.exit(main())
