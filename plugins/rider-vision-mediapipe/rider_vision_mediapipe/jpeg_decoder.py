"""Decodes JPEG to pixels, scaled down to about the size that the detector needs.

By OpenCV: mediapipe depends on it, and for a frame of 640 x 480 it was 1.5 ms faster than Pillow, of 20 ms in all.
"""

from __future__ import annotations

import cv2
import numpy as np
import numpy.typing as npt

from rider_core.api.jpeg_header import JpegHeader
from rider_core.errors import InvalidInput

Pixels = npt.NDArray[np.uint8]

#: Grey and CMYK pictures become RGB, too. The detector, not the decoder, applies the rotation.
_AS_STORED = cv2.IMREAD_COLOR_RGB | cv2.IMREAD_IGNORE_ORIENTATION
#: The decoder can scale each side to a half, a quarter or an eighth directly, in a fraction of the time. The grayscale
#: flags are the bits of the size alone; the colour flags would select BGR as well.
_REDUCED = {
    8: cv2.IMREAD_REDUCED_GRAYSCALE_8,
    4: cv2.IMREAD_REDUCED_GRAYSCALE_4,
    2: cv2.IMREAD_REDUCED_GRAYSCALE_2,
    1: 0,
}
#: Limit for narrow pictures, too: 12 MB in RGB.
_MAX_DECODED_PIXELS = 4_000_000


def decode(data: bytes, header: JpegHeader, needed_px: int) -> Pixels:
    """The picture in RGB, of shape (height, width, 3), as it is stored (not rotated).

    It is at least `needed_px` wide and high where the original is, unless that exceeds `_MAX_DECODED_PIXELS`.

    Raises:
        InvalidInput: it is damaged, cut off, or of an unsupported kind (12 bits, lossless).
    """
    reduction = _reduction(header, needed_px)
    try:
        pixels = cv2.imdecode(np.frombuffer(data, np.uint8), _AS_STORED | _REDUCED[reduction])
    except cv2.error as error:
        raise InvalidInput(f"the JPEG picture cannot be decoded: {str(error)[:200]}") from None
    if pixels is None:
        raise InvalidInput(f"the JPEG picture of {len(data)} bytes cannot be decoded: it is damaged or cut off")
    expected = (-(-header.height // reduction), -(-header.width // reduction), 3)
    if pixels.shape != expected:
        raise InvalidInput(f"the JPEG picture has two sizes: decoded it is {pixels.shape}, not {expected}")
    return np.asarray(pixels, np.uint8)


def _reduction(header: JpegHeader, needed_px: int) -> int:
    """The divisor of each side."""
    narrow, pixels = min(header.width, header.height), header.width * header.height
    wanted = next((by for by in _REDUCED if narrow // by >= needed_px), 1)
    enough = next((by for by in reversed(_REDUCED) if pixels // by**2 <= _MAX_DECODED_PIXELS), max(_REDUCED))
    return max(wanted, enough)
