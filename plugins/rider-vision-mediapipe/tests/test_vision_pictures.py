"""Detections in real photographs, in all kinds of JPEG."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from mediapipe_harness import detector, jpeg_of, opened_picture, picture
from PIL import Image
from rider_vision_mediapipe import MediapipeDetector
from rider_vision_mediapipe.engine import Box
from rider_vision_mediapipe.gpu_preflight import iou
from rider_vision_mediapipe.jpeg_decoder import decode

from rider_core.api import DetectedObject, DetectionFilter, Frame
from rider_core.api.jpeg_header import read_header

#: Drawn by eye.
SEEN: dict[str, tuple[str, Box]] = {
    "astronaut.jpg": ("Person", (25, 15, 360, 512)),
    "chelsea.jpg": ("Cat", (0, 0, 395, 300)),
    "coffee.jpg": ("Coffee cup", (176, 18, 414, 305)),
}
FACE: Box = (180, 70, 265, 195)


@pytest.fixture(scope="module")
def things() -> Iterator[MediapipeDetector]:
    provider = detector()
    provider.open()
    yield provider
    provider.close()


def counted(provider: MediapipeDetector, jpeg: bytes, wanted: DetectionFilter | None = None) -> list[DetectedObject]:
    """Detected, then filtered, as by the worker."""
    kept = (wanted or DetectionFilter()).over(provider.filter).kept(provider.detect(Frame(jpeg)))
    return list(kept.objects)


@pytest.mark.parametrize("name", SEEN)
def test_photographs(things: MediapipeDetector, name: str) -> None:
    label, box = SEEN[name]
    (only,) = counted(things, picture(name))
    assert only.label == label
    assert iou(only.box, box) > 0.8, only


def test_face() -> None:
    provider = detector(model="face-short-range")
    provider.open()
    try:
        (only,) = counted(provider, picture("astronaut.jpg"))
        assert only.label == "face"
        assert only.score > 0.8
        assert iou(only.box, FACE) > 0.5, only
        for other in ("chelsea.jpg", "coffee.jpg"):
            assert not counted(provider, picture(other))
    finally:
        provider.close()


@pytest.mark.parametrize("options", [{}, {"progressive": True}, {"subsampling": 0}, {"quality": 40}])
@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
def test_kinds_of_jpeg(things: MediapipeDetector, mode: str, options: dict[str, object]) -> None:
    (only,) = counted(things, jpeg_of(opened_picture("chelsea.jpg").convert(mode), **options))
    assert only.label == "Cat"
    assert iou(only.box, SEEN["chelsea.jpg"][1]) > 0.75, only


def test_large_pictures_are_decoded_small_and_boxes_are_in_the_original(things: MediapipeDetector) -> None:
    small = opened_picture("coffee.jpg")
    jpeg = jpeg_of(small.resize((4800, 3200)))
    assert decode(jpeg, read_header(jpeg), 300).shape == (400, 600, 3)
    found = things.detect(Frame(jpeg))
    assert (found.width, found.height) == (4800, 3200)
    label, box = SEEN["coffee.jpg"]
    assert found.objects[0].label == label
    assert iou(found.objects[0].box, tuple(8 * edge for edge in box)) > 0.8


@pytest.mark.parametrize(
    ("size", "decoded"), [((640, 480), (640, 480)), ((1280, 960), (640, 480)), ((12_000, 500), (6_000, 250))]
)
def test_no_more_pixels_than_needed(size: tuple[int, int], decoded: tuple[int, int]) -> None:
    jpeg = jpeg_of(Image.new("RGB", size, (200, 100, 10)))
    pixels = decode(jpeg, read_header(jpeg), 300)
    assert pixels.shape == (decoded[1], decoded[0], 3)
    assert pixels[0, 0].tolist() == pytest.approx([200, 100, 10], abs=3)


#: Exif orientation to the transposition from the upright picture to the stored one.
STORED_AS = {
    1: None,
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_90,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_270,
}


@pytest.mark.parametrize("orientation", STORED_AS)
@pytest.mark.parametrize("order", [">", "<"])
def test_orientation_counts_and_boxes_are_in_the_stored_pixels(
    things: MediapipeDetector, orientation: int, order: str
) -> None:
    turn = STORED_AS[orientation]
    upright = opened_picture("astronaut.jpg").crop((0, 0, 512, 400))
    where = Image.new("L", upright.size)
    where.paste(255, tuple(int(edge) for edge in counted(things, jpeg_of(upright))[0].box))
    stored, where = (upright, where) if turn is None else (upright.transpose(turn), where.transpose(turn))
    exif = Image.Exif()
    exif.endian = order
    exif[0x0112] = orientation
    (only,) = counted(things, jpeg_of(stored, exif=exif), DetectionFilter(max_objects=1))
    assert only.label == "Person"
    assert only.score > 0.5
    assert iou(only.box, where.getbbox()) > 0.85, (only, where.getbbox())


@pytest.mark.parametrize("size", [(1, 1), (1, 500), (500, 1), (16_384, 2), (2, 16_384)])
def test_tiny_and_thin_pictures(things: MediapipeDetector, size: tuple[int, int]) -> None:
    found = things.detect(Frame(jpeg_of(Image.new("RGB", size, (90, 60, 30)))))
    assert (found.width, found.height) == size


def test_boxes_end_at_the_edges(things: MediapipeDetector, monkeypatch: pytest.MonkeyPatch) -> None:
    beyond = [("Cat", 0.9, (-50, -40, 1_000, 900)), ("Dog", 0.8, (-50, -40, -10, 20)), ("Car", 0.7, (60, 40, 70, 50))]
    monkeypatch.setattr(things._engine, "detect", lambda pixels, turn_deg: beyond)
    found = things.detect(Frame(jpeg_of(Image.new("RGB", (64, 48)))))
    assert [(it.label, it.box) for it in found.objects] == [("Cat", (0, 0, 64, 48)), ("Car", (60, 40, 64, 48))]


def test_the_detector_remembers_nothing(things: MediapipeDetector) -> None:
    first = things.detect(Frame(picture("coffee.jpg")))
    things.detect(Frame(picture("astronaut.jpg")))
    assert things.detect(Frame(picture("coffee.jpg"))) == first


class TestFilters:
    def test_default_score(self, things: MediapipeDetector) -> None:
        everything = things.detect(Frame(picture("astronaut.jpg"))).objects
        assert len(everything) > 1
        assert len(counted(things, picture("astronaut.jpg"))) == 1

    def test_a_request_may_ask_for_less(self, things: MediapipeDetector) -> None:
        more = counted(things, picture("astronaut.jpg"), DetectionFilter(min_score=0.1, max_objects=100))
        assert len(more) > 3
        assert min(it.score for it in more) < 0.2

    @pytest.mark.parametrize(
        ("settings", "labels"),
        [
            ({"min_score": 0.7}, []),
            ({"deny": ["Person"]}, []),
            ({"deny": ["Person"], "min_score": 0.25}, ["Bottle"]),
            ({"allow": ["Bottle", "Dog"], "min_score": 0.25}, ["Bottle"]),
            ({"min_area": 0.7}, []),
            ({"max_area": 0.1, "min_score": 0.25}, ["Bottle"]),
            ({"max_objects": 1, "min_score": 0.1}, ["Person"]),
        ],
    )
    def test_settings(self, things: MediapipeDetector, settings: dict[str, object], labels: list[str]) -> None:
        found = things.detect(Frame(picture("astronaut.jpg")))
        assert [it.label for it in detector(**settings).filter.kept(found).objects] == labels

    def test_background_is_no_object(self, things: MediapipeDetector) -> None:
        for name in SEEN:
            assert "???" not in {it.label for it in things.detect(Frame(picture(name))).objects}
