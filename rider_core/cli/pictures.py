"""Converts PNG and WebP pictures to JPEG, the only format that providers take."""

from __future__ import annotations

import io
from importlib import import_module
from typing import Any

from rider_core.errors import InvalidInput, TooLarge

#: Maximum number of pixels that is decoded: each needs four bytes.
MAX_PIXELS = 50_000_000
QUALITY = 92
#: Exif tag of the orientation, which phones set.
_ORIENTATION = 0x0112
_PNG, _RIFF, _WEBP = b"\x89PNG\r\n\x1a\n", b"RIFF", b"WEBP"


def as_jpeg(data: bytes) -> bytes:
    """A PNG or WebP picture as a JPEG of the same size; anything else unchanged.

    Raises:
        InvalidInput, TooLarge: the PNG or WebP picture cannot be read.
    """
    is_webp = data[:4] == _RIFF and data[8:12] == _WEBP
    if not data.startswith(_PNG) and not is_webp:
        return data
    kind = "WebP" if is_webp else "PNG"
    image_module = import_module("PIL.Image")  # 30 ms, and most pictures need none
    try:
        with image_module.open(io.BytesIO(data), formats=("PNG", "WEBP")) as image:
            if image.width * image.height > MAX_PIXELS:
                raise TooLarge(
                    f"the {kind} picture has {image.width} x {image.height} pixels, the limit is {MAX_PIXELS} in all"
                )
            # Transparent areas become white.
            flat = image_module.new("RGB", image.size, "white")
            layer = _in_8_bits(image).convert("RGBA")
            flat.paste(layer, mask=layer)
            orientation = image.getexif().get(_ORIENTATION)
    except (OSError, ValueError, SyntaxError, image_module.DecompressionBombError) as error:
        raise InvalidInput(f"the {kind} picture cannot be read: {str(error)[:120]}") from None
    packed = io.BytesIO()
    exif = image_module.Exif()
    if orientation is not None:
        exif[_ORIENTATION] = orientation
    flat.save(packed, "JPEG", quality=QUALITY, exif=exif)
    return packed.getvalue()


def _in_8_bits(image: Any) -> Any:
    """16-bit grey scaled to 8 bits: Pillow's own conversion clips all values above 255."""
    return image.point(lambda value: value / 257).convert("L") if image.mode.startswith("I") else image
