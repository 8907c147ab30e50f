"""Decodes JPEG to pixels, scaled down to about the size that the detector needs.

By simplejpeg, as the core does. OpenCV gives the same pixels in the same time and takes 26 MB; Pillow takes 1.5 ms
more for a frame of 640 x 480.
"""

from __future__ import annotations

import importlib
import io

import numpy as np
import numpy.typing as npt
import simplejpeg

from rider_core.api.jpeg_header import JpegHeader
from rider_core.errors import InvalidInput

Pixels = npt.NDArray[np.uint8]

#: libjpeg's warning of something that does no harm.
_STRAY_BYTES = "extraneous bytes before marker"
#: The decoder can scale each side down by these directly, in a fraction of the time.
_REDUCTIONS = (8, 4, 2, 1)
#: Limit for narrow pictures, too: 12 MB in RGB.
_MAX_DECODED_PIXELS = 4_000_000


def decode(data: bytes, header: JpegHeader, needed_px: int) -> Pixels:
    """The picture in RGB, of shape (height, width, 3), as it is stored (not rotated).

    It is at least `needed_px` wide and high where the original is, unless that exceeds `_MAX_DECODED_PIXELS`.

    Raises:
        InvalidInput: it is damaged, cut off, or of an unsupported kind (12 bits, lossless).
    """
    reduction = _reduction(header, needed_px)
    height, width = -(-header.height // reduction), -(-header.width // reduction)
    try:
        # The smallest size that it has and that is not below these. Grey and CMYK pictures become RGB, too; the
        # detector, not the decoder, applies the rotation.
        pixels: Pixels = simplejpeg.decode_jpeg(data, "RGB", min_height=height, min_width=width, strict=True)
    except ValueError as error:
        if _STRAY_BYTES not in str(error):
            raise _damaged(data, error) from None
        pixels = _decode_tolerantly(data, height, width)
    if pixels.shape != (height, width, 3):
        raise InvalidInput(f"the JPEG picture has two sizes: decoded it is {pixels.shape}, not {(height, width, 3)}")
    return pixels


def _decode_tolerantly(data: bytes, height: int, width: int) -> Pixels:
    """By Pillow, where simplejpeg refuses a picture for a few bytes between two segments, as some webcams send them."""
    image = importlib.import_module("PIL.Image")
    try:
        with image.open(io.BytesIO(data), formats=["JPEG"]) as picture:
            picture.draft("RGB", (width, height))
            return np.asarray(picture.convert("RGB"), np.uint8)
    except (OSError, SyntaxError, ValueError) as error:
        raise _damaged(data, error) from None


def _damaged(data: bytes, error: Exception) -> InvalidInput:
    return InvalidInput(
        f"the JPEG picture of {len(data)} bytes cannot be decoded, it is damaged or cut off: {str(error)[:200]}"
    )


def _reduction(header: JpegHeader, needed_px: int) -> int:
    """The divisor of each side."""
    narrow, pixels = min(header.width, header.height), header.width * header.height
    wanted = next((by for by in _REDUCTIONS if narrow // by >= needed_px), 1)
    enough = next((by for by in reversed(_REDUCTIONS) if pixels // by**2 <= _MAX_DECODED_PIXELS), max(_REDUCTIONS))
    return max(wanted, enough)
