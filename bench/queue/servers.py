"""The servers that both sides are measured on: started for the bench on loopback, and ended with it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path += [str(ROOT / "bench"), str(ROOT / "plugins" / "rider-queue-rabbitmq" / "tests")]

from rabbitmq_node import INSTALL, RabbitMQNode  # noqa: E402  it lies with the plugin's tests
from redis_server import redis_server  # noqa: E402  all benches use it

__all__ = ["INSTALL", "ROOT", "RabbitMQNode", "rabbitmq", "redis_server"]


@contextmanager
def rabbitmq(folder: Path) -> Iterator[RabbitMQNode]:
    folder.mkdir(parents=True)
    node = RabbitMQNode(folder)
    try:
        node.start()
        yield node
    finally:
        node.stop()
