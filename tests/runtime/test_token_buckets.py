"""Token buckets: a burst, then one action in each interval, for each client separately."""

from __future__ import annotations

from rider_core.runtime import token_buckets
from rider_core.runtime.token_buckets import TokenBuckets


class Clock:
    now = 1_000.0

    def __call__(self) -> float:
        return self.now


def test_a_burst_then_one_in_each_interval() -> None:
    clock = Clock()
    bucket = TokenBuckets(3, 2.0, clock)
    assert [bucket.take("a") for _ in range(3)] == [0, 0, 0]
    assert bucket.take("a") == bucket.wait_s("a") == 2.0
    assert bucket.take("b") == 0
    clock.now += 1.5
    assert bucket.take("a") == 0.5
    clock.now += 0.5
    assert bucket.take("a") == 0
    assert bucket.take("a") == 2.0
    clock.now += 1_000
    assert [bucket.take("a") for _ in range(4)] == [0, 0, 0, 2.0]


def test_wait_s_takes_no_token() -> None:
    bucket = TokenBuckets(1, 2.0, Clock())
    assert [bucket.wait_s("a") for _ in range(5)] == [0] * 5
    assert bucket.take("a") == 0


def test_the_number_of_clients_is_bounded() -> None:
    bucket = TokenBuckets(1, 2.0, Clock())
    for number in range(token_buckets.MAX_CLIENTS + 10):
        bucket.take(str(number))
    assert bucket.take("0") == 0  # the oldest was forgotten
    assert bucket.take(str(token_buckets.MAX_CLIENTS + 9)) == 2.0
