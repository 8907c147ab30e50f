"""The clock of the wall, held against the one that only goes forward."""

from __future__ import annotations

from rider_core.timing import ClockWatch


def test_jumps_are_told_once_and_a_small_step_is_none() -> None:
    wall, steady = [1_000.0], [5.0]
    watch = ClockWatch(lambda: wall[0], lambda: steady[0])

    def go(wall_s: float, steady_s: float) -> float:
        wall[0] += wall_s
        steady[0] += steady_s
        return watch.jumped_s()

    assert go(10, 10) == 0
    assert go(11.5, 10) == 0
    assert go(8.5, 10) == 0
    assert go(86_410, 10) == 86_400
    assert go(10, 10) == 0
    assert go(-7_190, 10) == -7_200
    assert go(600, 0.5) == 599.5, "the machine slept"
    assert go(1, 1) == 0


def test_small_steps_add_up() -> None:
    wall = [1_000.0]
    watch = ClockWatch(lambda: wall[0], lambda: 5.0)
    told = []
    for _ in range(8):
        wall[0] -= 1.5
        told.append(watch.jumped_s())
    assert told == [0, -3, 0, -3, 0, -3, 0, -3]
