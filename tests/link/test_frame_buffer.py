"""The frame buffer: only valid frames, only the latest, and the streams of connected frames."""

from __future__ import annotations

import numpy as np
import pytest
import simplejpeg
from link_harness import metric
from vision_harness import picture

from rider_core.api.messages import encode_base64
from rider_core.errors import InvalidInput, TooLarge
from rider_core.link.frame_buffer import GAP_S, LatestFrameBuffer, check_picture
from rider_core.testing import SMALL_JPEG


def body(ts: float, number: int) -> dict[str, object]:
    return {"ts": ts, "frame_jpeg": encode_base64(SMALL_JPEG + bytes([number]))}


def buffered(*frames: tuple[float, float]) -> list[tuple[float, int, float]]:
    """Put each frame in and get it. Returns its time stamp, the change of the stream, and the seconds in between.

    Args:
        frames: The robot's clock and ours.
    """
    buffer, before, frames_out = LatestFrameBuffer(), None, []
    for number, (ts, now) in enumerate(frames):
        buffer.put(body(ts, number), now)
        frame = buffer.get(0)
        if frame is not None:
            frames_out.append((ts, frame.stream - (before.stream if before else 0), frame.seconds_after(before)))
            before = frame
    return frames_out


def test_in_order() -> None:
    assert [pytest.approx(it) for it in buffered((50, 1), (50.2, 1.2), (50.4, 1.5))] == [
        (50, 1, 0),
        (50.2, 0, 0.2),
        (50.4, 0, 0.2),
    ]


def test_a_clock_that_stands_or_runs_backward_or_was_set_changes_nothing() -> None:
    frames_out = buffered((50, 1), (50, 1.2), (49.8, 1.4), (49.6, 1.6), (4e9, 1.8), (5, 2.0))
    assert [stream for _, stream, _ in frames_out] == [1, 0, 0, 0, 0, 0]
    assert [seconds for *_, seconds in frames_out] == pytest.approx([0, 0.2, 0.2, 0.2, 0.2, 0.2])


def test_a_gap_begins_a_new_stream() -> None:
    assert buffered((50, 1), (50.2, 1.2 + GAP_S + 0.1))[1] == (50.2, 1, 0)


def test_a_byte_identical_picture_is_returned_once() -> None:
    buffer = LatestFrameBuffer()
    for number in range(5):
        buffer.put(body(50 + number, 7), 1.0 + number)
    assert buffer.get(0) is not None
    assert buffer.get(0) is None
    assert buffer.arrived == 5.0


def test_the_newest_frame_replaces_the_waiting_one() -> None:
    buffer = LatestFrameBuffer()
    before = metric("rider_frames_total", outcome="replaced")
    for number in range(5):
        buffer.put(body(50 + number, number), 1.0 + number)
    frame = buffer.get(0)
    assert frame is not None
    assert frame.ts == 54
    assert metric("rider_frames_total", outcome="replaced") == before + 4


def test_after_a_gap_a_byte_identical_picture_is_analysed() -> None:
    """Seen with the robot's own code after the PC slept: it counted as the same picture for 29 s."""
    buffer, body = LatestFrameBuffer(), {"ts": 1.0, "frame_jpeg": encode_base64(picture(40_000))}

    def put(*times: float) -> list[int | None]:
        streams = []
        for now in times:
            buffer.put(body, now)
            frame = buffer.get(0)
            streams.append(None if frame is None else frame.stream)
        return streams

    first, same, after_a_gap = put(100.0, 100.2, 104.0)
    assert (first is None, same, after_a_gap) == (False, None, (first or 0) + 1)
    buffer.reset()
    assert put(104.2) == [(after_a_gap or 0) + 1]


def black(width: int, height: int) -> bytes:
    return simplejpeg.encode_jpeg(np.zeros((height, width, 1), np.uint8), 90, colorspace="GRAY")


@pytest.mark.parametrize(("width", "height"), [(1, 1), (8, 8), (31, 480)])
def test_a_picture_that_is_too_small(width: int, height: int) -> None:
    with pytest.raises(InvalidInput, match=f"{width} x {height} pixels"):
        check_picture(black(width, height))


def test_a_picture_that_is_too_large() -> None:
    with pytest.raises(TooLarge, match="4000 x 3000"):
        check_picture(black(4_000, 3_000))
