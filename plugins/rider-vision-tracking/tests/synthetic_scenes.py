"""Synthetic scenes for tests of tracking: detections with typical errors, and the true object of each."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rider_core.api import DetectedObject

FRAMES, FRAME_S = 60, 0.2
WIDTH, HEIGHT = 90.0, 220.0
#: Standard deviation of a box's sides, in pixels, and the share of missed detections.
JITTER_PX, DROPPED = 3.0, 0.1


@dataclass(frozen=True)
class LabelledDetection:
    """A detection, and its true object."""

    who: str
    found: DetectedObject


class SimulatedDetector:
    """Detects with jitter, random scores and misses."""

    def __init__(self, seed: int, dropped: float = DROPPED) -> None:
        self.random = np.random.default_rng(seed)
        self._dropped = dropped

    def find(self, who: str, label: str, x: float, y: float, scale: float = 1.0) -> list[LabelledDetection]:
        """The detection of an object with this top left corner; empty where it is missed."""
        if self.random.random() < self._dropped:
            return []
        true = np.array([x, y, x + WIDTH * scale, y + HEIGHT * scale])
        box = tuple(float(side) for side in true + self.random.normal(0, JITTER_PX, 4))
        score = float(np.clip(self.random.normal(0.65, 0.15), 0.3, 1))
        return [LabelledDetection(who, DetectedObject(label=label, score=score, box=box))]  # type: ignore[arg-type]

    def shuffled(self, seen: list[LabelledDetection]) -> list[LabelledDetection]:
        """Best score first, as detectors do, so that the order changes from frame to frame."""
        return sorted(seen, key=lambda it: -it.found.score)


def walk_behind_a_pillar(
    seed: int, step_px: float, hidden_frames: int = 5, dropped: float = DROPPED
) -> list[list[LabelledDetection]]:
    """One walking person, hidden for some frames."""
    detector = SimulatedDetector(seed, dropped)
    hidden_from = int(detector.random.integers(12, 45))
    frames: list[list[LabelledDetection]] = []
    for number in range(FRAMES):
        hidden = hidden_from <= number < hidden_from + hidden_frames
        frames.append([] if hidden else detector.find("walker", "person", 50 + step_px * number, 120))
    return frames


def crossing(
    seed: int, step_px: float, labels: tuple[str, str] = ("person", "person"), dropped: float = DROPPED
) -> list[list[LabelledDetection]]:
    """Two objects that pass each other; the farther one is not detected while most of it is covered."""
    detector = SimulatedDetector(seed, dropped)
    meeting = float(detector.random.uniform(25, 35))
    frames = []
    for number in range(FRAMES):
        way_px = step_px * (number - meeting)
        seen = detector.find("near", labels[0], 300 + way_px, 120)
        covered = max(0.0, 1 - abs(2 * way_px) / WIDTH)
        if covered < 0.6:
            seen += detector.find("far", labels[1], 300 - way_px, 115, scale=0.93)
        frames.append(detector.shuffled(seen))
    return frames
