"""The product, a robot, and one who looks at both from outside."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from product import Product
from robots import Outside, Robot


@dataclass(frozen=True)
class BenchHarness:
    product: Product
    robot: Robot
    outside: Outside


@contextmanager
def running_product(folder: Path, robot: Robot) -> Iterator[BenchHarness]:
    """Started, and serving all domains; ended with the block."""
    outside = Outside(robot)
    product = Product(folder, robot.publish_port, robot.subscribe_port, robot.api_port)
    outside.can_be_served = product.can_serve
    try:
        outside.make_ready()
        yield BenchHarness(product, robot, outside)
    finally:
        product.end()
        outside.close()
