"""The product, a robot, and an observer of the robot's bus and HTTP interface."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from product import Product
from robots import Observer, Robot


@dataclass(frozen=True)
class BenchHarness:
    product: Product
    robot: Robot
    observer: Observer


@contextmanager
def running_product(folder: Path, robot: Robot) -> Iterator[BenchHarness]:
    """Start the product, wait until it serves all domains, and end it with the block."""
    observer = Observer(robot)
    product = Product(folder, robot.publish_port, robot.subscribe_port, robot.api_port)
    observer.can_be_served = product.can_serve
    try:
        observer.make_ready()
        yield BenchHarness(product, robot, observer)
    finally:
        product.end()
        observer.close()
