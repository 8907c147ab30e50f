"""The contract of object detection engines."""

from __future__ import annotations

import time
from contextlib import suppress
from typing import ClassVar

import pytest

from rider_core.api.object_detection import Detections, Frame, ObjectDetector
from rider_core.errors import InvalidInput
from rider_core.testing.provider import ProviderContract
from rider_core.testing.samples import SMALL_JPEG, SMALL_JPEG_SIZE

#: Boxes come from a network's floating-point output; they may stand out of the picture by rounding only.
_EDGE_PX = 1.0
_REFUSAL_LIMIT_S = 1.0


def jpeg_that_claims(width: int, height: int) -> bytes:
    """The small picture with another size in its header."""
    size_at = SMALL_JPEG.index(b"\xff\xc0") + 5
    claim = height.to_bytes(2, "big") + width.to_bytes(2, "big")
    return SMALL_JPEG[:size_at] + claim + SMALL_JPEG[size_at + 4 :]


_NO_PICTURES = {
    "nothing": b"",
    "text": b"this is not a picture",
    "png": b"\x89PNG\r\n\x1a\n" + bytes(64),
    "start-only": b"\xff\xd8",
    "half-header": SMALL_JPEG[:40],
    "no-frame-header": SMALL_JPEG[: SMALL_JPEG.index(b"\xff\xc0")],
    "endless-segments": b"\xff\xd8" + b"\xff\xe0\x00\x02" * 5_000,
    "segment-of-length-0": b"\xff\xd8\xff\xe0\x00\x00" + SMALL_JPEG[2:],
    "no-pixels": jpeg_that_claims(0, 0),
    "bomb": jpeg_that_claims(50_000, 50_000),
}


class ObjectDetectorContract(ProviderContract):
    """Subclass it and set `provider_class`.

    Attributes:
        expected_labels: Labels that must be found in `jpeg()`.
    """

    provider_class: ClassVar[type[ObjectDetector]]
    expected_labels: ClassVar[tuple[str, ...]] = ()

    @classmethod
    def jpeg(cls) -> bytes:
        """The picture that is looked at. Override it with one that shows something, and set `expected_labels`."""
        return SMALL_JPEG

    def test_detects(self, provider: ObjectDetector) -> None:
        detections = check_detections(provider.detect(Frame(self.jpeg())))
        missing = set(self.expected_labels) - {found.label for found in detections.objects}
        assert not missing, f"not found: {', '.join(sorted(missing))}"

    def test_size_of_the_picture(self, provider: ObjectDetector) -> None:
        _check_size(provider.detect(Frame(SMALL_JPEG)))

    def test_batch_keeps_the_order(self, provider: ObjectDetector) -> None:
        jpegs = [self.jpeg(), SMALL_JPEG, self.jpeg()]
        results = provider.detect_batch([Frame(jpeg, captured_ts=float(index)) for index, jpeg in enumerate(jpegs)])
        assert isinstance(results, list)
        assert len(results) == len(jpegs), f"{len(jpegs)} frames gave {len(results)} results"
        for detections in results:
            check_detections(detections)
        _check_size(results[1])
        assert (results[0].width, results[0].height) == (results[2].width, results[2].height)

    @pytest.mark.parametrize("data", _NO_PICTURES.values(), ids=_NO_PICTURES.keys())
    def test_what_is_no_picture_is_refused_quickly_and_does_no_harm(
        self, provider: ObjectDetector, data: bytes
    ) -> None:
        started = time.monotonic()
        with pytest.raises(InvalidInput) as refusal:
            provider.detect(Frame(data))
        elapsed_s = time.monotonic() - started
        assert refusal.value.message
        assert elapsed_s < _REFUSAL_LIMIT_S, f"the refusal took {elapsed_s:.1f} s"
        _check_size(provider.detect(Frame(SMALL_JPEG)))

    def test_truncated_picture_is_shown_or_refused_and_does_no_harm(self, provider: ObjectDetector) -> None:
        with suppress(InvalidInput):
            check_detections(provider.detect(Frame(SMALL_JPEG[:-120])))
        _check_size(provider.detect(Frame(SMALL_JPEG)))


def check_detections(detections: object) -> Detections:
    """`detections` as what they must be: in the right order, with boxes that lie in the picture."""
    assert isinstance(detections, Detections), f"got {detections!r}, not Detections"
    scores = [found.score for found in detections.objects]
    assert scores == sorted(scores, reverse=True), f"the best score does not come first: {scores}"
    for found in detections.objects:
        left, top, right, bottom = found.box
        assert found.label, "an object without a label"
        assert left <= right, f"{found.label}: the box is {found.box}, not left, top, right, bottom"
        assert top <= bottom, f"{found.label}: the box is {found.box}, not left, top, right, bottom"
        assert left >= -_EDGE_PX, f"{found.label}: the box {found.box} leaves the picture"
        assert top >= -_EDGE_PX, f"{found.label}: the box {found.box} leaves the picture"
        assert right <= detections.width + _EDGE_PX, f"{found.label}: the box {found.box} leaves the picture"
        assert bottom <= detections.height + _EDGE_PX, f"{found.label}: the box {found.box} leaves the picture"
    return detections


def _check_size(detections: Detections) -> None:
    check_detections(detections)
    size = (detections.width, detections.height)
    assert size == SMALL_JPEG_SIZE, f"the picture is {SMALL_JPEG_SIZE} pixels wide and high, not {size}"
