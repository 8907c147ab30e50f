"""From boxes to the numbers that the robot's navigator reads: always finite, and right where geometry defines them."""

from __future__ import annotations

import json
import math
import random

import pytest

from rider_core.link.object_sizes import SIZES, UNKNOWN, size_of
from rider_core.link.obstacle import (
    FARTHEST_M,
    HALF_WAY_M,
    NEAREST_M,
    NearestObstacle,
    View,
    angle_of,
    distance_of,
    nearest_obstacle,
    within,
)
from rider_core.link.person_follower import PersonFollower
from rider_core.link.tracks import Box, TrackedObject

VIEW = View(640, 480, 62.2)
REACH_M = 1.0


def seen(label: str, box: Box, score: float = 0.8, id: int = 1) -> TrackedObject:
    return TrackedObject(id, label, score, box, confirmed=True)


def object_at(label: str, distance_m: float, aside_m: float = 0.0) -> TrackedObject:
    """An object of typical size, with its middle at the height of the camera."""
    size = size_of(label)
    middle = 320 + VIEW.focal_px * aside_m / distance_m
    half_w = VIEW.focal_px * size.width_m / distance_m / 2
    half_h = VIEW.focal_px * size.height_m / distance_m / 2
    return seen(label, (middle - half_w, 240 - half_h, middle + half_w, 240 + half_h))


def test_the_angle_of_view() -> None:
    """A Raspberry Pi camera 2 sees 62.2 degrees: an object 1 m wide at 0.829 m fills the picture."""
    assert VIEW.focal_px == pytest.approx(530.5, abs=0.5)
    assert angle_of((640, 0, 640, 10), VIEW) == pytest.approx(31.1)
    assert angle_of((0, 0, 0, 10), VIEW) == pytest.approx(-31.1)
    assert angle_of((300, 0, 340, 10), VIEW) == 0


@pytest.mark.parametrize("label", ["person", "Person", "chair", "Table", "cat", "bottle", "no such thing"])
@pytest.mark.parametrize("distance_m", [0.9, 2.0, 5.0])
def test_distance_of_an_object_in_the_middle(label: str, distance_m: float) -> None:
    tracked = object_at(label, distance_m)
    # Nearby, some objects do not fit into the picture, but their width does.
    assert distance_of(label, within(tracked.box, VIEW), VIEW) == pytest.approx(distance_m, rel=0.01)


@pytest.mark.parametrize("seed", range(20))
def test_a_box_that_is_cut_off_never_seems_farther_away(seed: int) -> None:
    chance = random.Random(seed)
    for _ in range(200):
        label = chance.choice(list(SIZES))
        distance_m = chance.uniform(0.2, 9)
        aside_m = chance.uniform(-0.5, 0.5) * distance_m
        whole = object_at(label, distance_m, aside_m)
        shift = chance.uniform(-400, 400)
        box = within((whole.box[0], whole.box[1] + shift, whole.box[2], whole.box[3] + shift), VIEW)
        cut_below_or_above = box[1] <= 4.8 or box[3] >= 475.2
        cut_aside = box[0] <= 0 or box[2] >= 640
        if box[2] - box[0] < 1 or box[3] - box[1] < 1:
            continue
        if cut_below_or_above and cut_aside:
            continue  # any corner of the object may be left
        found_m = distance_of(label, box, VIEW)
        assert found_m <= distance_m * 1.02 + NEAREST_M, f"seed {seed}: {label} at {distance_m} m, {box}"


@pytest.mark.parametrize("seed", range(30))
def test_every_number_is_finite_and_in_range_for_any_boxes(seed: int) -> None:
    chance = random.Random(seed)
    extremes = [0.0, -0.0, 1e-300, 1e308, -1e308, 1e9, 640.0, 480.0, 320.0]

    def side() -> float:
        return chance.choice(extremes) if chance.random() < 0.4 else chance.uniform(-2_000, 2_000)

    for _ in range(300):
        view = View(chance.choice([1, 2, 640, 65_535]), chance.choice([1, 3, 480, 65_535]), chance.uniform(20, 170))
        labels = [chance.choice([*SIZES, "", "x" * 500]) for _ in range(chance.randint(0, 6))]
        objects = [seen(label, (side(), side(), side(), side()), chance.random(), id=3) for label in labels]
        reach_m = chance.uniform(0.2, 5)
        nearest = nearest_obstacle(objects, view, reach_m)
        body = nearest.message(1.0, objects=len(objects))
        case = f"seed {seed}: {view}, {objects}"
        assert isinstance(body["present"], bool), case
        assert 0 <= body["confidence"] <= 1, case
        assert NEAREST_M <= body["distance"] <= FARTHEST_M, case
        assert abs(body["angle"]) <= view.fov_deg / 2 + 0.1, case
        assert all(math.isfinite(body[key]) for key in ("confidence", "distance", "angle", "ts")), case
        assert isinstance(body["meta"], dict)
        json.dumps(body, allow_nan=False)
        offset = PersonFollower().offset(objects, view.width)
        assert offset is None or -1 <= offset <= 1, case


class TestInTheWay:
    def test_nothing_at_all(self) -> None:
        nearest = nearest_obstacle([], VIEW, REACH_M)
        assert nearest == NearestObstacle(present=False, confidence=0.0, distance_m=FARTHEST_M, angle_deg=0.0)

    @pytest.mark.parametrize(("distance_m", "present"), [(0.5, True), (0.95, True), (1.1, False), (4.0, False)])
    def test_only_near_objects_are_obstacles(self, distance_m: float, present: bool) -> None:
        nearest = nearest_obstacle([object_at("cat", distance_m)], VIEW, REACH_M)
        assert nearest.present is present
        assert nearest.distance_m == pytest.approx(distance_m, rel=0.02)

    @pytest.mark.parametrize("side", [-1, 1])
    def test_an_object_beside_the_way(self, side: int) -> None:
        half = size_of("bottle").width_m / 2
        assert nearest_obstacle([object_at("bottle", 0.9, side * (HALF_WAY_M + half - 0.02))], VIEW, REACH_M).present
        beside = nearest_obstacle([object_at("bottle", 0.9, side * (HALF_WAY_M + half + 0.02))], VIEW, REACH_M)
        assert beside.tracked is None

    def test_right_is_positive(self) -> None:
        assert nearest_obstacle([object_at("cat", 0.8, 0.2)], VIEW, REACH_M).angle_deg == pytest.approx(14, abs=0.5)
        assert nearest_obstacle([object_at("cat", 0.8, -0.2)], VIEW, REACH_M).angle_deg == pytest.approx(-14, abs=0.5)

    def test_the_nearest_counts(self) -> None:
        nearest = nearest_obstacle([object_at("chair", 3), object_at("cat", 0.7), object_at("dog", 2)], VIEW, REACH_M)
        assert nearest.tracked is not None
        assert nearest.tracked.label == "cat"

    def test_a_large_box_is_in_the_way_whatever_it_is(self) -> None:
        """A car that fills a third of the picture would be 2.5 m away, but the label may be wrong."""
        nearest = nearest_obstacle([seen("car", (100, 100, 500, 400))], VIEW, REACH_M)
        assert nearest.present
        assert nearest.distance_m <= REACH_M

    def test_a_person_right_before_the_robot(self) -> None:
        """Head and feet are outside the picture, and the shoulders fill it."""
        nearest = nearest_obstacle([seen("person", (0, 0, 640, 480))], VIEW, REACH_M)
        assert nearest.present
        assert nearest.distance_m == pytest.approx(0.33, abs=0.01)

    def test_the_message(self) -> None:
        body = nearest_obstacle([object_at("cat", 0.5)], VIEW, REACH_M).message(12.5, objects=1, mock=False)
        assert body == {
            "present": True,
            "confidence": 0.8,
            "distance": 0.5,
            "angle": 0.0,
            "ts": 12.5,
            "meta": {"label": "cat", "id": 1, "objects": 1, "mock": False},
        }


class TestPersonFollower:
    def person(self, id: int, left: float, width: float = 50, **changes: bool) -> TrackedObject:
        state = {"seen": True, "confirmed": True} | changes
        return TrackedObject(id, "Person", 0.8, (left, 100, left + width, 100 + 3 * width), **state)

    @pytest.mark.parametrize(("left", "offset"), [(295, 0.0), (0, -0.92), (590, 0.92), (-400, -1.0), (900, 1.0)])
    def test_the_offset_of_the_person(self, left: float, offset: float) -> None:
        assert PersonFollower().offset([self.person(1, left)], 640) == pytest.approx(offset, abs=0.01)

    def test_the_largest_person_is_followed_until_the_track_ends(self) -> None:
        follower = PersonFollower()
        assert follower.offset([self.person(1, 0, 40), self.person(2, 400, 80)], 640) == pytest.approx(0.375)
        # Another person comes nearer; the first is still in view.
        assert follower.offset([self.person(1, 0, 200), self.person(2, 400, 80)], 640) == pytest.approx(0.375)
        # The first is hidden: the robot stops, and does not turn to the other.
        assert follower.offset([self.person(1, 0, 200), self.person(2, 400, 80, seen=False)], 640) is None
        # The first has left.
        assert follower.offset([self.person(1, 0, 200)], 640) == pytest.approx(-0.6875)

    def test_unconfirmed_people_and_other_objects_are_not_followed(self) -> None:
        chair = TrackedObject(3, "chair", 0.9, (0, 0, 600, 400), confirmed=True)
        assert PersonFollower().offset([], 640) is None
        assert PersonFollower().offset([chair, self.person(1, 300, confirmed=False)], 640) is None

    def test_forget_selects_the_largest_person_again(self) -> None:
        follower = PersonFollower()
        follower.offset([self.person(1, 0, 40)], 640)
        follower.forget()
        assert follower.offset([self.person(1, 0, 40), self.person(2, 400, 80)], 640) == pytest.approx(0.375)


def test_sizes_are_plausible_and_labels_are_lower_case() -> None:
    for label, size in SIZES.items():
        assert label == label.casefold()
        assert 0.01 < size.height_m < 3, label
        assert 0.01 < size.width_m < 3, label
    assert size_of("unknown label") == UNKNOWN
