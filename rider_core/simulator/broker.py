"""The robot's broker: one port for publishers, one for subscribers. It can be stopped and started again."""

from __future__ import annotations

import contextlib
import threading

import zmq

from rider_core.errors import ConfigError

#: Limit for the proxy's thread to end, in seconds. It ends at once unless the machine is busy.
_STOP_S = 5.0


class Broker:
    """XSUB and XPUB with a proxy between them, in a thread and a ZeroMQ context of its own.

    The proxy ends with its context: ending that is the one call that ZeroMQ allows from another thread. High-water
    marks are the defaults, as on the robot: a burst is dropped there, too.
    """

    def __init__(self, host: str, publish_port: int, subscribe_port: int) -> None:
        self._host = host
        self.publish_port, self.subscribe_port = publish_port, subscribe_port
        self._context: zmq.Context[zmq.Socket[bytes]] | None = None
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Listen. Port 0 is replaced by a free port, which stays the same over restarts."""
        if self._thread is not None:
            return
        context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        try:
            incoming, self.publish_port = self._bound(context, zmq.XSUB, self.publish_port)
            outgoing, self.subscribe_port = self._bound(context, zmq.XPUB, self.subscribe_port)
        except ConfigError:
            context.destroy(linger=0)
            raise
        self._context = context
        self._thread = threading.Thread(
            target=_forward, args=(incoming, outgoing), name="simulated-broker", daemon=True
        )
        self._thread.start()

    def stop(self) -> None:
        """Close both ports, as when the broker's process is killed."""
        if self._thread is None or self._context is None:
            return
        self._context.term()
        self._thread.join(_STOP_S)
        self._thread = self._context = None

    def _bound(self, context: zmq.Context[zmq.Socket[bytes]], kind: int, port: int) -> tuple[zmq.Socket[bytes], int]:
        socket = context.socket(kind)
        socket.linger = 0
        try:
            if port == 0:
                return socket, socket.bind_to_random_port(f"tcp://{self._host}")
            socket.bind(f"tcp://{self._host}:{port}")
        except zmq.ZMQError as error:
            raise ConfigError(
                f"the simulated robot's broker cannot listen on {self._host}:{port}: {error}",
                remedy="end what listens there, or choose another port",
            ) from None
        return socket, port


def _forward(incoming: zmq.Socket[bytes], outgoing: zmq.Socket[bytes]) -> None:
    with contextlib.suppress(zmq.ContextTerminated):
        zmq.proxy(incoming, outgoing)
    incoming.close(0)
    outgoing.close(0)
