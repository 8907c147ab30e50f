"""Scenes for tests of tracking: boxes as a detector would find them, with its mistakes, and who they really are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from rider_core.api import DetectedObject

FRAMES, FRAME_S = 60, 0.2
WIDTH, HEIGHT = 90.0, 220.0
#: How far the sides of a box are off from one frame to the next, and how often a thing is not found at all.
JITTER_PX, DROPPED = 3.0, 0.1


@dataclass(frozen=True)
class Seen:
    """One box, and who it really is."""

    who: str
    found: DetectedObject


class Detector:
    """Finds what is there as detectors do: shaky, with other scores each time, and now and then not at all."""

    def __init__(self, seed: int, dropped: float = DROPPED) -> None:
        self.random = np.random.default_rng(seed)
        self._dropped = dropped

    def find(self, who: str, label: str, x: float, y: float, scale: float = 1.0) -> list[Seen]:
        """A thing whose left upper corner is there; nothing where it is overlooked."""
        if self.random.random() < self._dropped:
            return []
        true = np.array([x, y, x + WIDTH * scale, y + HEIGHT * scale])
        box = tuple(float(side) for side in true + self.random.normal(0, JITTER_PX, 4))
        score = float(np.clip(self.random.normal(0.65, 0.15), 0.3, 1))
        return [Seen(who, DetectedObject(label=label, score=score, box=box))]  # type: ignore[arg-type]

    def shuffled(self, seen: list[Seen]) -> list[Seen]:
        """Detectors give the best score first, so the order changes from frame to frame."""
        return sorted(seen, key=lambda it: -it.found.score)


def walk_behind_a_pillar(
    seed: int, step_px: float, hidden_frames: int = 5, dropped: float = DROPPED
) -> list[list[Seen]]:
    """One person who walks through, and is not to be seen for some frames."""
    detector = Detector(seed, dropped)
    hidden_from = int(detector.random.integers(12, 45))
    frames: list[list[Seen]] = []
    for number in range(FRAMES):
        hidden = hidden_from <= number < hidden_from + hidden_frames
        frames.append([] if hidden else detector.find("walker", "person", 50 + step_px * number, 120))
    return frames


def crossing(
    seed: int, step_px: float, labels: tuple[str, str] = ("person", "person"), dropped: float = DROPPED
) -> list[list[Seen]]:
    """Two that walk past each other; the farther one is not found while most of it is covered."""
    detector = Detector(seed, dropped)
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
