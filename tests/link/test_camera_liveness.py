"""A frozen camera, and a robot that stands still: pictures encoded by OpenCV as on the robot, five a second."""

from __future__ import annotations

import itertools
import math
import random
from collections.abc import Callable, Iterator

import cv2  # with the plugin for mediapipe
import numpy as np
import numpy.typing as npt
import pytest

from rider_core.errors import InvalidInput
from rider_core.link import camera_liveness
from rider_core.link.camera_liveness import CameraLiveness, picture_features
from rider_core.simulator.pictures import encode_grey_blocks

Pixels = npt.NDArray[np.float32]
FRAME_S = 0.2
#: OpenCV's default, which the robot uses.
ROBOT_QUALITY = 95


def encode(picture: Pixels, quality: int) -> bytes:
    return cv2.imencode(".jpg", np.clip(picture, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, quality])[
        1
    ].tobytes()


@pytest.fixture
def scene() -> Pixels:
    """Coloured patches with a fine pattern: JPEG rounds many coefficients, and clips some colours."""
    patches = np.random.default_rng(1).uniform(0, 255, (30, 40, 3)).astype(np.float32)
    pattern = 20 * np.sin(np.mgrid[0:240, 0:320, 0:3][1] / 3).astype(np.float32)
    return np.kron(patches, np.ones((8, 8, 1), np.float32)) * 0.7 + pattern


def living(scene: Pixels, noise: float) -> Iterator[Pixels]:
    dice = np.random.default_rng(2)
    while True:
        yield scene + dice.normal(0, noise, scene.shape)


def first_problem(jpegs: Iterator[bytes], seconds: float) -> tuple[float, str]:
    """When the first problem was found, in seconds, and its label; infinity: none."""
    camera = CameraLiveness()
    for number, jpeg in zip(range(round(seconds / FRAME_S)), jpegs, strict=False):
        now = number * FRAME_S
        camera.update(jpeg, now, stream=0)
        problem = camera.problem(now)
        if problem is not None:
            return now, problem[0]
    return math.inf, ""


def chain(picture: Pixels, quality: int) -> Iterator[bytes]:
    jpeg = encode(picture, quality)
    while True:
        yield jpeg
        jpeg = encode(cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).astype(np.float32), quality)


@pytest.mark.parametrize("quality", [50, 75, ROBOT_QUALITY])
def test_a_frozen_picture_that_is_encoded_again_and_again(scene: Pixels, quality: int) -> None:
    jpegs = list(itertools.islice(chain(next(living(scene, 2.0)), quality), 3))
    assert jpegs[1] != jpegs[2], "the bytes alone would show it"
    at_s, what = first_problem(chain(next(living(scene, 2.0)), quality), 4)
    assert what == "stale"
    assert at_s <= 2.5


def test_a_frozen_picture_in_changing_qualities(scene: Pixels) -> None:
    dice, picture = random.Random(0), next(living(scene, 2.0))
    at_s, what = first_problem((encode(picture, dice.randint(50, 95)) for _ in itertools.count()), 4)
    assert what == "stale"
    assert at_s <= 3.5


@pytest.mark.parametrize("noise", [1.0, 4.0])
@pytest.mark.parametrize(
    "quality",
    [lambda _: 50, lambda _: 75, lambda _: ROBOT_QUALITY, lambda n: 50 + n * 17 % 46, lambda n: 50 + n % 46],
    ids=["50", "75", "95", "changing", "rising"],
)
def test_a_robot_that_stands_still(scene: Pixels, noise: float, quality: Callable[[int], int]) -> None:
    frames = (encode(picture, quality(number)) for number, picture in enumerate(living(scene, noise)))
    assert first_problem(frames, 12) == (math.inf, "")


def test_a_still_wall_in_rising_qualities() -> None:
    """The coarse tables come one after the other, so little noise shows late."""
    y, x = np.mgrid[0:240, 0:320].astype(np.float32)
    wall = np.dstack([90 + x * 0.2 + y * 0.1] * 3)
    frames = (encode(picture, 50 + number % 46) for number, picture in enumerate(living(wall, 1.0)))
    assert first_problem(frames, 12) == (math.inf, "")
    frozen = (encode(wall, 50 + number % 46) for number in itertools.count())
    assert first_problem(frozen, 12)[1] == "stale"


def test_a_frozen_picture_in_two_qualities_by_turns(scene: Pixels) -> None:
    picture = next(living(scene, 2.0))
    at_s, what = first_problem((encode(picture, 60 + number % 2) for number in itertools.count()), 4)
    assert (what, at_s <= 3.5) == ("stale", True)


def test_a_small_thing_that_moves_in_a_drawing_without_noise() -> None:
    def frames() -> Iterator[bytes]:
        for left in itertools.cycle(range(30)):
            rows = [[60 + 3 * y for _ in range(40)] for y in range(30)]
            rows[20][left] = rows[20][left + 1] = 250
            rows[21][left] = rows[21][left + 1] = 250
            yield encode_grey_blocks(rows)

    assert first_problem(frames(), 12) == (math.inf, "")


@pytest.mark.parametrize("grey", [0, 128, 255])
def test_a_picture_of_nothing(scene: Pixels, grey: int) -> None:
    frames = (encode(picture, 90) for picture in living(np.full_like(scene, grey), 1.5))
    at_s, what = first_problem(frames, 4)
    assert (what, at_s <= 2.5) == ("blank", True)


def test_it_recovers_and_restarts_with_each_stream(scene: Pixels) -> None:
    camera, frozen, alive = CameraLiveness(), chain(scene, 75), living(scene, 2.0)
    for number in range(20):
        camera.update(next(frozen), number * FRAME_S, stream=0)
    assert camera.problem(19 * FRAME_S) is not None
    camera.update(next(frozen), 4.0, stream=1)
    assert camera.problem(4.0) is None
    for number in range(20):
        camera.update(next(frozen), 4.2 + number * FRAME_S, stream=1)
    assert camera.problem(8.2) is not None
    camera.update(encode(next(alive), 75), 8.4, stream=1)
    assert camera.problem(8.4) is None


def test_frames_that_come_faster_are_not_compared(scene: Pixels, monkeypatch: pytest.MonkeyPatch) -> None:
    compared = []
    monkeypatch.setattr(
        camera_liveness, "picture_features", lambda jpeg: compared.append(jpeg) or picture_features(jpeg)
    )
    camera, jpeg = CameraLiveness(), encode(scene, 75)
    for number in range(30):
        camera.update(jpeg, number / 30, stream=0)
    assert 4 <= len(compared) <= 6


def test_tables_are_not_kept_for_ever(scene: Pixels) -> None:
    camera, picture = CameraLiveness(), next(living(scene, 2.0))
    for number, quality in enumerate(range(50, 96)):
        camera.update(encode(picture, quality), number * FRAME_S, stream=0)
    assert camera.problem(46 * FRAME_S) is not None, "all frames show one picture"
    assert len(camera._newest) <= camera_liveness._MAX_TABLES


@pytest.mark.parametrize("damage", ["cut off", "garbled"])
def test_a_damaged_picture(scene: Pixels, damage: str) -> None:
    jpeg = encode(scene, 75)
    middle = len(jpeg) // 2
    noise = bytes(random.Random(0).choices(range(255), k=400))
    broken = jpeg[:middle] if damage == "cut off" else jpeg[:middle] + noise + jpeg[middle + 400 :]
    with pytest.raises(InvalidInput, match="garbled"):
        picture_features(broken)


def test_large_pictures_and_those_without_a_table_are_analysed() -> None:
    noise = np.random.default_rng(0).uniform(0, 255, (1944, 2592, 3)).astype(np.float32)
    features = picture_features(encode(noise, 50))
    assert len(features.coefficients) <= camera_liveness._MAX_BLOCKS
    assert features.steps[0] == 16  # the standard's table K.1
