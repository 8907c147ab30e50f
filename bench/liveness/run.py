"""How well a frozen camera is distinguished from a robot that stands still: `make bench-liveness`.

Living pictures are made of still scenes with sensor noise and slowly changing light; none of them may count as frozen.
Frozen ones are one picture, encoded again and again. Five frames a second, encoded by OpenCV, as on the robot.
"""

from __future__ import annotations

import argparse
import itertools
import json
import math
import random
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt

from rider_core.link.camera_liveness import CameraLiveness, picture_features

Pixels = npt.NDArray[np.float32]
Quality = Callable[[], int]

MEDIA = Path(__file__).resolve().parents[3] / "shared" / "media"
WIDTH, HEIGHT, FRAME_S = 320, 240, 0.2
NOISES = (1.0, 2.0, 4.0)
QUALITIES = (50, 60, 70, 80, 90, 95)
#: Change of the light, as a share, and its period in seconds.
LIGHT_SHARE, LIGHT_PERIOD_S = 0.05, 60.0
#: The bench waits this long for a frozen camera to be detected.
LIMIT_S = 12.0
IN_TURN, MIXED = "the same picture, 50 to 95 in turn", "the same picture in any of 50 to 95"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--frames", type=int, default=10_000, help="living frames in all")
    options = parser.parse_args()
    random.seed(0)
    scenes = dict(drawn_scenes()) | dict(photographs())
    alarms, frames = living(scenes, options.frames)
    slowest = frozen(scenes)
    print(json.dumps({"living_frames": frames, "false_alarms": alarms, **slowest, "ms_a_frame": round(cost_ms(), 2)}))


def living(scenes: dict[str, Pixels], frames: int) -> tuple[int, int]:
    """The number of frames that counted as frozen, and of all frames."""
    encoders: dict[str, Quality] = {f"quality {quality}": (lambda q=quality: q) for quality in QUALITIES}
    encoders["any of 50 to 95"] = lambda: random.randint(50, 95)
    encoders["50 to 95 in turn"] = partial(next, itertools.cycle(range(50, 96)))
    cases = list(itertools.product(scenes.items(), NOISES, encoders.items(), (False, True)))
    length = math.ceil(frames / len(cases))
    title = f"living: false alarms of {length * len(scenes) * 2}"
    print(f"{title:34}", *(f"noise {noise:g}" for noise in NOISES), sep="  ")
    found = dict.fromkeys(itertools.product(encoders, NOISES), 0)
    for (_, scene), noise, (name, quality), light in cases:
        found[name, noise] += false_alarms(shots(scene, noise, light), quality, length)
    for name in encoders:
        print(f"{name:34}", *(f"{found[name, noise]:7}" for noise in NOISES), sep="  ")
    return sum(found.values()), length * len(cases)


def false_alarms(pictures: Iterator[Pixels], quality: Quality, length: int) -> int:
    liveness, alarms = CameraLiveness(), 0
    for number, picture in zip(range(length), pictures, strict=False):
        now = number * FRAME_S
        liveness.update(encode(picture, quality()), now, stream=0)
        alarms += liveness.problem(now) is not None
    return alarms


def frozen(scenes: dict[str, Pixels]) -> dict[str, float]:
    """Seconds from the last moving frame until the detection, the longest over all scenes."""
    again: dict[str, dict[str, float]] = {}
    for scene, pixels in scenes.items():
        noisy = next(shots(pixels, 2.0, light=False))
        for quality in QUALITIES:
            again.setdefault(f"quality {quality}, again and again", {})[scene] = detection_s(chain(noisy, quality))
        mixed = (encode(noisy, random.randint(50, 95)) for _ in itertools.count())
        again.setdefault(MIXED, {})[scene] = detection_s(mixed)
        in_turn = (encode(noisy, quality) for quality in itertools.cycle(range(50, 96)))
        again.setdefault(IN_TURN, {})[scene] = detection_s(in_turn)
    print(f"\n{'frozen: seconds until the detection':38}", *(f"{scene:>10}" for scene in scenes))
    for name, seconds in again.items():
        print(f"{name:38}", *(f"{seconds[scene]:10.1f}" for scene in scenes))
    one_table = [seconds for name, each in again.items() if "again" in name for seconds in each.values()]
    return {
        "frozen_known_s": max(one_table),
        "frozen_known_mixed_s": max(again[MIXED].values()),
        "frozen_known_in_turn_s": max(again[IN_TURN].values()),
    }


def detection_s(jpegs: Iterator[bytes]) -> float:
    liveness = CameraLiveness()
    for number, jpeg in enumerate(jpegs):
        now = number * FRAME_S
        liveness.update(jpeg, now, stream=0)
        if liveness.problem(now) is not None:
            return now
        if now > LIMIT_S:
            break
    return math.inf


def chain(picture: Pixels, quality: int) -> Iterator[bytes]:
    """As the robot's dispatcher does it: the file is decoded, encoded and written back."""
    jpeg = encode(picture, quality)
    while True:
        yield jpeg
        jpeg = encode(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).astype(np.float32), quality)


def shots(scene: Pixels, noise: float, light: bool) -> Iterator[Pixels]:
    dice = np.random.default_rng(0)
    for number in itertools.count():
        phase = 2 * math.pi * number * FRAME_S / LIGHT_PERIOD_S
        lit = scene * (1 + LIGHT_SHARE * math.sin(phase)) if light else scene
        yield lit + dice.normal(0, noise, scene.shape).astype(np.float32)


def encode(picture: Pixels, quality: int) -> bytes:
    pixels = np.clip(np.rint(picture), 0, 255).astype(np.uint8)
    return cv2.imencode(".jpg", pixels, [cv2.IMWRITE_JPEG_QUALITY, quality])[1].tobytes()


def drawn_scenes() -> Iterator[tuple[str, Pixels]]:
    y, x = np.mgrid[0:HEIGHT, 0:WIDTH].astype(np.float32)
    yield "wall", np.dstack([90 + x * 0.2 + y * 0.1] * 3)
    yield "dark wall", np.dstack([8 + x * 0.04 + y * 0.02] * 3)
    dice = np.random.default_rng(1)
    coarse = dice.uniform(0, 255, (HEIGHT // 8, WIDTH // 8, 3)).astype(np.float32)
    yield "room", np.kron(coarse, np.ones((8, 8, 1), np.float32)) * 0.7 + np.dstack([20 * np.sin(x / 3)] * 3)


def photographs() -> Iterator[tuple[str, Pixels]]:
    """The photographs beside the checkout, if any, in the robot's size."""
    for path in sorted(MEDIA.glob("*.jpg")):
        pixels = cv2.imread(str(path))
        rows = np.arange(HEIGHT) * pixels.shape[0] // HEIGHT
        columns = np.arange(WIDTH) * pixels.shape[1] // WIDTH
        yield path.stem, pixels[rows][:, columns].astype(np.float32)


def cost_ms() -> float:
    """Processor time for a picture of 640 by 480 pixels, in ms."""
    scene = np.kron(next(iter(dict(drawn_scenes()).values())), np.ones((2, 2, 1), np.float32))
    jpeg = encode(next(shots(scene, 2.0, light=False)), 80)
    began = time.perf_counter()
    for _ in range(100):
        picture_features(jpeg)
    return (time.perf_counter() - began) * 10


if __name__ == "__main__":
    main()
