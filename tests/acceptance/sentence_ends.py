"""When each sentence of a recording ends: the loud stretches of its sound, and their gaps."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from stand_in_robot import RATE

from rider_core.testing.words import words_of


class CannotMeasure(Exception):
    """The other side is not there, or a file is not what it should be."""


@dataclass(frozen=True)
class Run:
    """A stretch of the sound that is loud, in seconds."""

    start: float
    end: float


def loud_runs(samples: Sequence[int], gap_s: float) -> list[Run]:
    """The loud stretches of the sound.

    The difference of neighbouring samples is looked at, which takes away rumble: in beckett.wav that is as loud below
    300 Hz as a voice, and outlasts every sentence. A frame of 10 ms is loud when its RMS is above a fifteenth of the
    95th percentile of all frames. Stretches closer than `gap_s` are one, since a stop consonant is silent; what is
    shorter than 50 ms then is a click and dropped. The end of a stretch is the end of its last loud frame. For
    beckett.wav that gives 1.13, 2.73, 4.10, 5.45, 7.27 and 8.77 s; a threshold twice as high moves none of them by
    more than 80 ms, and forwards, so the delays come out rather long than short.
    """
    step = RATE // 100
    steps = [after - before for before, after in itertools.pairwise(samples)]
    levels = []
    for start in range(0, len(steps) - step + 1, step):
        frame = steps[start : start + step]
        levels.append((sum(value * value for value in frame) / step) ** 0.5)
    threshold = sorted(levels)[int(len(levels) * 0.95)] / 15
    runs: list[Run] = []
    for index, level in enumerate(levels):
        if level <= threshold:
            continue
        start, end = index / 100, (index + 1) / 100
        if runs and start - runs[-1].end < gap_s:
            runs[-1] = Run(runs[-1].start, end)
        else:
            runs.append(Run(start, end))
    return [run for run in runs if run.end - run.start >= 0.05]


def utterances(samples: Sequence[int], count: int) -> list[Run]:
    """`count` sentences, split at the widest gaps between loud spans."""
    for gap_ms in range(600, 90, -10):
        runs = loud_runs(samples, gap_ms / 1000)
        if len(runs) == count:
            return runs
    raise CannotMeasure(f"the sound does not fall into {count} sentences by its pauses; give them with --ends")


def sentences_of(text: str) -> list[list[str]]:
    parts = text.replace("!", ".").replace("?", ".").split(".")
    return [words for words in map(words_of, parts) if words]
