"""What a JPEG picture says about itself before anything of it is decoded, and what is refused by that alone.

The markers are those of ITU-T T.81, the orientation is that of Exif 2.3 (JEITA CP-3451C).
"""

from __future__ import annotations

import struct
from dataclasses import dataclass

from rider_core.errors import InvalidInput, TooLarge

#: Far more than a robot's camera has, and few enough for an engine to decode.
MAX_PIXELS = 50_000_000
#: From 32,767 on, an assertion of the OpenCV within mediapipe ends the process. Half of that is a wide panorama.
MAX_SIDE_PX = 16_384
#: Of a picture in several scans (a progressive one) the decoder holds all numbers at once, 6 bytes for a pixel, and
#: goes through them once for every scan. Programs write 10 scans at the most usual; a few bytes are enough for one.
MAX_PIXELS_IN_SCANS, MAX_SCANS = 16_000_000, 64
#: A camera writes about ten segments in front of the picture; a colour profile may have 255.
MAX_SEGMENTS = 1_000

_START, _SCAN, _APP1 = b"\xff\xd8", 0xDA, 0xE1
#: Table B.1: SOF0 to SOF15 without DHT, JPG and DAC, which lie between them.
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE_FRAMES = {0xC2, 0xC6, 0xCA, 0xCE}
#: TEM, RST0 to RST7, SOI, EOI have no length, and no place in a header.
_BARE = {0x00, 0x01, *range(0xD0, 0xDA)}
_ORIENTATION, _SHORT = 0x0112, 3
#: Orientation to the turn that puts the picture upright. Of those that are mirrored as well, the mirror is left: a
#: detector finds things in a mirror, too.
_TURNS = {1: 0, 2: 0, 3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}


@dataclass(frozen=True)
class JpegHeader:
    """Of the picture as it is stored.

    Attributes:
        width: In pixels.
        height: In pixels.
        turn_deg: By which it must be turned clockwise to be upright: 0, 90, 180 or 270.
    """

    width: int
    height: int
    turn_deg: int


def read_header(data: bytes) -> JpegHeader:
    """Raises:
    InvalidInput: it is not a JPEG picture, or its header is damaged.
    TooLarge: it has too many pixels, segments or scans.
    """
    if not data.startswith(_START):
        raise InvalidInput(f"the picture is not a JPEG: it begins with {data[:8]!r}")
    position, turn_deg = len(_START), 0
    frame: tuple[int, int, int] | None = None
    for _ in range(MAX_SEGMENTS):
        if data[position : position + 1] != b"\xff" or position + 4 > len(data):
            raise InvalidInput(f"the JPEG picture of {len(data)} bytes is damaged or cut off at byte {position}")
        marker = data[position + 1]
        if marker == 0xFF:  # fill bytes may stand before a marker
            position += 1
            continue
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        if marker in _BARE or length < 2:
            raise InvalidInput(f"the JPEG picture is damaged: marker {marker:#04x} of length {length} at {position}")
        content = data[position + 4 : position + 2 + length]
        if marker == _SCAN:
            return _checked(frame, data.count(b"\xff\xda", position), turn_deg)
        if marker in _FRAMES:
            if frame is not None or len(content) < 5:
                raise InvalidInput("the JPEG picture has two frame headers, or one that is cut off")
            frame = (marker, int.from_bytes(content[3:5], "big"), int.from_bytes(content[1:3], "big"))
        elif marker == _APP1:
            turn_deg = turn_deg or _TURNS.get(_orientation(content), 0)
        position += 2 + length
    raise TooLarge(f"the JPEG picture has more than {MAX_SEGMENTS} segments before its pixels")


def _checked(frame: tuple[int, int, int] | None, scans: int, turn_deg: int) -> JpegHeader:
    if frame is None:
        raise InvalidInput("the JPEG picture has no frame header, so its size is unknown")
    marker, width, height = frame
    if not width or not height:
        raise InvalidInput(f"the JPEG picture says that it has {width} x {height} pixels")
    if width * height > MAX_PIXELS:
        raise TooLarge(f"the picture has {width} x {height} pixels, the limit is {MAX_PIXELS} in all")
    if max(width, height) > MAX_SIDE_PX:
        raise TooLarge(f"the picture has {width} x {height} pixels, the limit is {MAX_SIDE_PX} for each side")
    if scans > 1 or marker in _PROGRESSIVE_FRAMES:
        if width * height > MAX_PIXELS_IN_SCANS:
            raise TooLarge(
                f"the progressive picture has {width} x {height} pixels, the limit is {MAX_PIXELS_IN_SCANS} in all",
                remedy="send it as a baseline JPEG",
            )
        if scans > MAX_SCANS:
            raise TooLarge(f"the progressive picture has {scans} scans, the limit is {MAX_SCANS}")
    return JpegHeader(width, height, turn_deg)


def _orientation(exif: bytes) -> int:
    """The Exif orientation, 1 to 8; 0 where there is none, or none that can be read: that is no reason to refuse."""
    if not exif.startswith(b"Exif\0\0"):
        return 0
    tiff = exif[6:]
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return 0
    try:
        (directory,) = struct.unpack_from(f"{order}I", tiff, 4)
        (entries,) = struct.unpack_from(f"{order}H", tiff, directory)
        for index in range(entries):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, directory + 2 + 12 * index)
            if tag == _ORIENTATION:
                return int(value) if kind == _SHORT else 0
    except struct.error:
        pass  # it ends too early
    return 0
