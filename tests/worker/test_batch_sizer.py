"""The number of jobs that are batched."""

from __future__ import annotations

from rider_core.worker.batch_sizer import MAX_TOGETHER, BatchSizer


def sizer_after(*seconds: float) -> BatchSizer:
    sizer = BatchSizer()
    for each in seconds:
        sizer.observe("text.generate", each)
    return sizer


def test_unknown_and_long_jobs_run_solo() -> None:
    assert BatchSizer().batch_size("text.generate") == 1
    assert sizer_after(1.0).batch_size("text.generate") == 1


def test_short_jobs_are_batched() -> None:
    assert sizer_after(0.0001).batch_size("text.generate") == MAX_TOGETHER
    assert sizer_after(0.005).batch_size("text.generate") == 4


def test_a_long_one_counts_at_once_and_a_hiccup_does_not() -> None:
    assert sizer_after(*[0.0001] * 50, 0.03).batch_size("text.generate") == 1
    assert sizer_after(*[0.0001] * 50, 0.005).batch_size("text.generate") > 10


def test_only_a_few_short_ones_are_worth_lingering_for() -> None:
    short, long = sizer_after(0.0001), sizer_after(0.01)
    assert short.linger_s("text.generate", 1) == 0, "a single job is kept waiting"
    assert short.linger_s("text.generate", 5) > 0
    assert short.linger_s("text.generate", MAX_TOGETHER) == 0
    assert long.linger_s("text.generate", 2) == 0
