"""The pictures of a frozen camera: the same scene, encoded again for each frame, so that the bytes differ."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import simplejpeg

#: OpenCV's default, which the robot uses.
QUALITY = 95
#: Frames until two encodings alternate for ever. On a robot there were 10 to 91.
DISTINCT = 40
#: The share of pixels that differ from the frozen picture by one grey level, in a random pattern for each frame. It
#: moves the pixels of a photograph by 0.27 levels in the mean, as OpenCV's encoding of its own output does at first.
_MOVED_SHARE = 0.05


def encodings(jpeg: bytes) -> Iterator[bytes]:
    """Encodings of one frozen picture, without end: `DISTINCT` different ones, the last two in turn for ever.

    The robot decodes its own last frame and encodes it again. simplejpeg does not do that with stable colours (its
    pictures were unrecognisable after 200 rounds, where OpenCV's moved by 1.6 grey levels), so each frame here is made
    from the first picture.
    """
    pixels = simplejpeg.decode_jpeg(jpeg, colorspace="BGR", fastdct=False, fastupsample=False).astype(np.int16)
    number = 0
    while True:
        dice = np.random.default_rng(number)
        moved = dice.random(pixels.shape[:2]) < _MOVED_SHARE
        step = np.where(moved, dice.choice((-1, 1), moved.shape), 0)[:, :, np.newaxis]
        frame = np.clip(pixels + step, 0, 255).astype(np.uint8)
        yield simplejpeg.encode_jpeg(frame, QUALITY, colorspace="BGR", colorsubsampling="420", fastdct=False)
        number = number + 1 if number < DISTINCT - 1 else DISTINCT - 2
