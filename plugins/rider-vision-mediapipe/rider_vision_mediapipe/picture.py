"""From JPEG bytes to the pixels that the detector takes, no more of them than it needs."""

from __future__ import annotations

import io
import struct

import numpy as np
import numpy.typing as npt
from PIL.JpegImagePlugin import JpegImageFile

from rider_core.errors import InvalidInput
from rider_vision_mediapipe.jpeg_header import JpegHeader

Pixels = npt.NDArray[np.uint8]

#: The decoder can make a picture of half, a quarter or an eighth of each side directly, in a fraction of the time.
_REDUCTIONS = (8, 4, 2)
#: However narrow the picture is: 12 MB in RGB.
_MAX_DECODED_PIXELS = 4_000_000


def decode(data: bytes, header: JpegHeader, needed_px: int) -> Pixels:
    """The picture in RGB, of shape (height, width, 3), as it is stored (not turned).

    It is at least `needed_px` wide and high, where the original is, or is so large that less has to do.

    Raises:
        InvalidInput: it is damaged, cut off, or of a kind that is not read (12 bits, lossless).
    """
    try:
        # This class, and not Image.open: nothing but a JPEG is to be taken for a picture.
        image = JpegImageFile(io.BytesIO(data))
        if image.size != (header.width, header.height):
            raise InvalidInput(f"the JPEG picture says two sizes: {image.size} and {(header.width, header.height)}")
        reduction = _reduction(header, needed_px)
        if reduction > 1:
            image.draft(image.mode, (header.width // reduction, header.height // reduction))
        # Grey pictures and those for printing (CMYK) become RGB as well.
        return np.asarray(image if image.mode == "RGB" else image.convert("RGB"))
    except (OSError, SyntaxError, ValueError, struct.error) as error:
        raise InvalidInput(f"the JPEG picture cannot be decoded: {error}") from None


def _reduction(header: JpegHeader, needed_px: int) -> int:
    narrow = min(header.width, header.height)
    pixels = header.width * header.height
    wanted = next((by for by in _REDUCTIONS if narrow // by >= needed_px), 1)
    enough = next((by for by in reversed(_REDUCTIONS) if pixels // by**2 <= _MAX_DECODED_PIXELS), _REDUCTIONS[0])
    return max(wanted, enough) if pixels > _MAX_DECODED_PIXELS else wanted
