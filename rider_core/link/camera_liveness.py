"""Detects a frozen camera, which sends one picture for ever, encoded anew each time, and pictures that show nothing.

A robot that stands still before a wall sends much the same picture, too. The difference is the noise of the sensor: it
moves some of a JPEG's rounded coefficients by a step, other ones in each frame. Encoding the same picture again moves
them as well, but only as far as rounding explains, and equally where the quantization tables are equal. So coefficients
are compared, not bytes, and each difference is held against what rounding explains (ITU-T T.81, A.3.4).
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import simplejpeg

from rider_core.api.jpeg_header import read_header
from rider_core.errors import InvalidInput, RiderError

Coefficients = npt.NDArray[np.float32]

#: The shortest time between two compared frames, in seconds. More frames would cost time and show no more.
EVERY_S = 0.18
#: A camera that shows the same picture for this time is frozen, in seconds. The second value is for encoders that
#: change their tables from frame to frame, because noise needs longer to show; the third for tables that are too coarse
#: to show noise sooner.
STALE_AFTER_S, STALE_AFTER_MIXED_S, STALE_AFTER_COARSE_S = 2.0, 3.0, 8.0
#: A picture that is black, white or grey all over for this time counts as a problem, in seconds.
BLANK_AFTER_S = 2.0

_SIDE = 8
#: The level shift of brightness (A.3.1).
_MIDDLE = 128
#: The lowest frequencies in each direction. Higher ones are mostly rounded to zero.
_KEPT = 3
#: Their places in a quantization table, which is in zigzag order (figure A.6).
_PLACES = (0, 1, 5, 2, 4, 7, 3, 8, 12)
#: The largest number of compared blocks, evenly spread: that of 640 by 480 pixels.
_MAX_BLOCKS = 4_800
#: Pixels are rounded when they are decoded: 0.3 in each coefficient (a uniform error in each of 64 pixels).
_ROUNDING = 1.5
#: Encoders compute with whole numbers.
_TOLERANCE = 0.35
#: The share of coefficients that moved farther than rounding explains. Measured over pictures of every kind
#: (`bench/liveness`): sensor noise of 1 in 255 moves 7 % and more, encoding the same picture again 1.7 % at most.
_MOVED_SHARE = 0.04
#: The same for frames with several tables: the share for which no value fits all frames.
_MISFIT_SHARE = 0.04
#: Frames with several tables count as one picture only where noise would show by now: half of the blocks' brightnesses
#: are known to within `_NARROW`, in coefficient units, or `_ALIKE` frames had a table that came before. The width after
#: 3 s of a frozen camera (`bench/liveness`): 2.2 at most where any quality follows any, 4.2 and more where the quality
#: rises by one from frame to frame.
_NARROW, _ALIKE = 2.7, 8
#: The largest number of tables for which the latest picture is kept.
_MAX_TABLES = 16
#: A change that no encoder makes: five grey levels of a block's mean, in this many blocks.
_LARGE, _LARGE_BLOCKS = 40.0, 4
#: A picture whose blocks differ by less than this in brightness is blank, in grey levels.
_BLANK_LEVELS = 6.0


@dataclass(frozen=True)
class PictureFeatures:
    """What is compared of a picture.

    Attributes:
        coefficients: Of shape (blocks, 9), the lowest frequencies of each block's brightness.
        steps: Of shape (9,), the quantization steps to which they were rounded.
        unsure: Of shape (blocks,): the written coefficients cannot be derived from the pixels.
        spread: Difference between dark and bright blocks (5 % and 95 %), in grey levels.
    """

    coefficients: Coefficients
    steps: Coefficients
    unsure: npt.NDArray[np.bool_]
    spread: float

    @property
    def table(self) -> bytes:
        return self.steps.tobytes()


def picture_features(jpeg: bytes) -> PictureFeatures:
    """Decode a picture's brightness, and return its lowest frequencies.

    Args:
        jpeg: Of a frame that passed `LatestFrameBuffer`, which has the limits.

    Raises:
        InvalidInput: it is garbled or cut off.
    """
    header = read_header(jpeg)
    try:
        pixels = simplejpeg.decode_jpeg(jpeg, colorspace="GRAY", strict=True)[:, :, 0]
    except ValueError as error:
        raise InvalidInput(f"the camera's picture is garbled: {str(error)[:120]}") from None
    steps = header.luma_steps or (1,) * _SIDE**2
    blocks = _blocks(pixels)
    coefficients = (_COSINES @ (blocks.astype(np.float32) - _MIDDLE) @ _COSINES.T).reshape(-1, _KEPT * _KEPT)
    dark, bright = np.percentile(coefficients[:, 0] / _SIDE, (5, 95))
    return PictureFeatures(
        coefficients,
        np.array([steps[place] for place in _PLACES], np.float32),
        _is_unsure(blocks),
        float(bright - dark),
    )


class CameraLiveness:
    """For one camera. `update` belongs to one thread; `problem` and `passed` may be read from any."""

    def __init__(self) -> None:
        self._stream: int | None = None
        self._compared = float("-inf")
        #: When the last picture arrived that was given to `update` (monotonic).
        self.passed = float("-inf")
        self._last: PictureFeatures | None = None
        self._newest: dict[bytes, PictureFeatures] = {}
        self._same_since = self._blank_since = float("inf")
        #: Since when the picture is blank, since when it is the same, and after how long the latter is a problem.
        #: Replaced as a whole, because other threads read it.
        self._state = self._blank_since, self._same_since, STALE_AFTER_S
        self._low = self._high = np.empty((0, 0), np.float32)
        #: Frames since the last change whose table had come before.
        self._alike = 0

    def update(self, jpeg: bytes, arrived: float, stream: int) -> None:
        """Compare the next picture.

        Args:
            arrived: Our monotonic clock.
            stream: Another number: the pictures before are not compared with this one.

        Raises:
            InvalidInput: the picture is garbled or cut off.
        """
        if stream == self._stream and arrived - self._compared < EVERY_S:
            self.passed = arrived
            return
        if stream != self._stream:
            self._stream, self._blank_since = stream, float("inf")
            self._begin(arrived)
        try:
            features = picture_features(jpeg)
        except RiderError:
            self._begin(arrived)  # it is not the same picture
            self._compared = float("-inf")  # the next one is compared, however soon it comes
            raise
        else:
            self._compare(features, arrived)
        finally:
            self._state = self._blank_since, self._same_since, self._stale_after_s()
            self.passed = arrived

    def problem(self, arrived: float) -> tuple[str, str] | None:
        """The camera's problem, as a metric's label and in words; None: none is known.

        Args:
            arrived: When the last picture arrived, byte-identical ones included (monotonic).
        """
        blank_since, same_since, stale_after_s = self._state
        if arrived - blank_since >= BLANK_AFTER_S:
            return "blank", "the camera's picture is black, white or grey all over: is its lens covered?"
        same_s = arrived - same_since
        if same_s >= stale_after_s:
            return "stale", f"the camera shows the same picture for {same_s:.0f} s"
        return None

    def _compare(self, features: PictureFeatures, arrived: float) -> None:
        self._compared = arrived
        if features.spread >= _BLANK_LEVELS:
            self._blank_since = float("inf")
        else:
            self._blank_since = min(self._blank_since, arrived)
        if not self._fits(features):
            self._begin(arrived)
        self._add(features)

    def _stale_after_s(self) -> float:
        if len(self._newest) < 2:
            return STALE_AFTER_S
        noise_would_show = self._alike >= _ALIKE or np.median(self._high[:, 0] - self._low[:, 0]) <= _NARROW
        return STALE_AFTER_MIXED_S if noise_would_show else STALE_AFTER_COARSE_S

    def _begin(self, arrived: float) -> None:
        self._same_since = arrived
        self._last = None
        self._newest.clear()
        self._alike = 0
        self._low = self._high = np.empty((0, 0), np.float32)

    def _add(self, features: PictureFeatures) -> None:
        low, high = _bounds(features)
        if self._last is None:
            self._low, self._high = low, high
        else:
            self._low, self._high = np.maximum(self._low, low), np.minimum(self._high, high)
        self._last = features
        self._alike += features.table in self._newest
        self._newest[features.table] = features
        if len(self._newest) > _MAX_TABLES:
            del self._newest[next(iter(self._newest))]

    def _fits(self, features: PictureFeatures) -> bool:
        """Whether encoding alone can have made this picture from the pictures since the last change."""
        if self._last is None or features.coefficients.shape != self._low.shape:
            return False
        moved = np.abs(features.coefficients - self._last.coefficients)
        if _is_large(moved, features, self._last):
            return False
        alike = self._newest.get(features.table)
        if alike is not None:
            moved = np.abs(features.coefficients - alike.coefficients)
            if _share(moved > features.steps / 2 + _ROUNDING, features) > _MOVED_SHARE:
                return False
            if len(self._newest) == 1:
                return True
        low, high = _bounds(features)
        misfit = np.maximum(self._low, low) > np.minimum(self._high, high)
        return _share(misfit, features) <= _MISFIT_SHARE


def _bounds(features: PictureFeatures) -> tuple[Coefficients, Coefficients]:
    """The range in which each coefficient was before it was rounded to its step."""
    written = np.rint(features.coefficients / features.steps) * features.steps
    half = features.steps / 2 + _TOLERANCE
    half = np.where(features.unsure[:, None], np.inf, half)
    return written - half, written + half


def _share(marked: npt.NDArray[np.bool_], features: PictureFeatures) -> float:
    """The marked share of the coefficients that could move: those not rounded to zero, and every block's brightness."""
    counted = np.abs(features.coefficients) > features.steps / 2
    counted[:, 0] = True
    return float(np.count_nonzero(marked & counted) / np.count_nonzero(counted))


def _is_large(moved: Coefficients, features: PictureFeatures, before: PictureFeatures) -> bool:
    blocks = np.any(moved > features.steps + before.steps + _LARGE, axis=1)
    return bool(np.count_nonzero(blocks) >= _LARGE_BLOCKS)


def _cosines() -> Coefficients:
    """The first rows of the 8-point DCT (A.3.3)."""
    frequency, place = np.arange(_KEPT)[:, None], np.arange(_SIDE)[None, :]
    rows = np.cos((2 * place + 1) * frequency * np.pi / (2 * _SIDE)) / 2
    rows[0] /= np.sqrt(2)
    return rows.astype(np.float32)


_COSINES = _cosines()


def _blocks(pixels: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    """The picture's blocks, of shape (blocks, 8, 8)."""
    rows, columns = pixels.shape[0] // _SIDE, pixels.shape[1] // _SIDE
    every = max(1, math.ceil(math.sqrt(rows * columns / _MAX_BLOCKS)))
    blocks = pixels[: rows * _SIDE, : columns * _SIDE].reshape(rows, _SIDE, columns, _SIDE)[::every, :, ::every]
    return np.ascontiguousarray(blocks.transpose(0, 2, 1, 3)).reshape(-1, _SIDE, _SIDE)


def _is_unsure(blocks: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """Blocks with pixels clipped at black or white, or whose pixels were all rounded in the same direction."""
    darkest, brightest = blocks.min(axis=(1, 2)), blocks.max(axis=(1, 2))
    return np.asarray((darkest == 0) | (brightest == 255) | (brightest - darkest <= 1))
