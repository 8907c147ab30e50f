"""Reads the header of a JPEG picture, and refuses decompression bombs before decoding.

Markers and tables as in ITU-T T.81, the orientation as in Exif 2.3 (JEITA CP-3451C).
"""

from __future__ import annotations

import re
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NamedTuple

from rider_core.api.file_types import file_type
from rider_core.errors import InvalidInput, TooLarge

#: The largest pictures of phones have 108 megapixels. The decoder scales a baseline picture down to an eighth of each
#: side directly, row by row.
MAX_PIXELS = 120_000_000
#: From 32,767 on, an assertion of the OpenCV within mediapipe ends the process. Half of that is a wide panorama.
MAX_SIDE_PX = 16_384
#: For a picture in several scans (progressive) the decoder holds all coefficients in memory, 6 bytes for a pixel, and
#: processes them once for every scan. Programs usually write up to 10 scans; a scan can be only a few bytes long.
MAX_PIXELS_IN_SCANS, MAX_SCANS = 16_000_000, 64
#: A camera writes about ten segments before the picture; a colour profile may have 255.
MAX_SEGMENTS = 1_000

_START, _SCAN, _END, _APP1, _TABLES = b"\xff\xd8", 0xDA, 0xD9, 0xE1, 0xDB
_SCAN_MARKER = bytes((0xFF, _SCAN))
#: The end of a scan's data: a marker other than those within it (stuffed bytes, RST0 to RST7).
_MARKER = re.compile(rb"\xff+[^\x00\xd0-\xd7\xff]")
#: A quantization table has 64 steps, of one byte or two.
_STEPS = 64
#: Table B.1: SOF0 to SOF15 without DHT, JPG and DAC, which lie between them.
_FRAMES = set(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_PROGRESSIVE_FRAMES = {0xC2, 0xC6, 0xCA, 0xCE}
#: TEM, RST0 to RST7, SOI, EOI have no length, and are invalid in a header.
_BARE = {0x00, 0x01, *range(0xD0, 0xDA)}
_ORIENTATION, _SHORT = 0x0112, 3
#: Orientation to the rotation that makes the picture upright. Mirroring is not undone: a detector works on mirrored
#: pictures, too.
_TURNS = {1: 0, 2: 0, 3: 180, 4: 180, 5: 90, 6: 90, 7: 270, 8: 270}


@dataclass(frozen=True)
class JpegHeader:
    """Of the picture as it is stored.

    Attributes:
        width: In pixels.
        height: In pixels.
        turn_deg: Clockwise rotation that makes it upright: 0, 90, 180 or 270.
        luma_steps: The 64 quantization steps of its first component (luma), in zigzag order; empty where they are not
            before the pixels.
    """

    width: int
    height: int
    turn_deg: int
    luma_steps: tuple[int, ...] = ()


def read_header(data: bytes) -> JpegHeader:
    """Raises:
    InvalidInput: it is not a JPEG picture, or its header is damaged.
    TooLarge: it has too many pixels, segments or scans.
    """
    if not data.startswith(_START):
        raise InvalidInput(f"the picture is not a JPEG but {file_type(data[:64])}", remedy="save it as a JPEG")
    position, turn_deg = len(_START), 0
    frame: _Frame | None = None
    tables: dict[int, tuple[int, ...]] = {}
    for _ in range(MAX_SEGMENTS):
        if position + 4 > len(data):
            raise InvalidInput(f"the JPEG picture of {len(data)} bytes is cut off")
        if data[position : position + 1] != b"\xff":
            raise InvalidInput(f"the JPEG picture of {len(data)} bytes is damaged at byte {position}")
        marker = data[position + 1]
        if marker == 0xFF:  # fill bytes may stand before a marker
            position += 1
            continue
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        if marker in _BARE or length < 2:
            raise InvalidInput(f"the JPEG picture is damaged: marker {marker:#04x} of length {length} at {position}")
        content = data[position + 4 : position + 2 + length]
        if marker == _SCAN:
            return _checked(frame, _scans(data, position), turn_deg, tables)
        if marker in _FRAMES:
            if frame is not None or len(content) < 5:
                raise InvalidInput("the JPEG picture has two frame headers, or one that is cut off")
            frame = _Frame.read(marker, content)
        elif marker == _TABLES:
            tables |= _quantization_tables(content)
        elif marker == _APP1:
            turn_deg = turn_deg or _TURNS.get(_orientation(content), 0)
        position += 2 + length
    raise TooLarge(f"the JPEG picture has more than {MAX_SEGMENTS} segments before its pixels")


def _scans(data: bytes, position: int) -> int:
    """Number of scans up to the picture's end; counting stops above `MAX_SCANS`.

    After the end phones append a film, previews and a gain map, each with pictures and scans of its own.
    """
    if data.find(_SCAN_MARKER, position + 2) < 0:
        return 1  # the usual case of a camera: saves 0.3 ms for 70 kB
    scans = 0
    for _ in range(MAX_SEGMENTS):
        marker = data[position + 1 : position + 2]
        if not marker or marker[0] == _END or scans > MAX_SCANS:
            break
        length = int.from_bytes(data[position + 2 : position + 4], "big")
        if marker[0] == _SCAN:
            scans += 1
            found = _MARKER.search(data, position + 2 + length)
            if found is None:
                break
            position = found.end() - 2
        else:
            position += 2 + length
    return scans


class _Frame(NamedTuple):
    """A frame header (SOF).

    Attributes:
        luma_table: Number of the quantization table of its first component; -1 without components.
    """

    marker: int
    width: int
    height: int
    luma_table: int

    @classmethod
    def read(cls, marker: int, content: bytes) -> _Frame:
        height, width = struct.unpack_from(">HH", content, 1)
        return cls(marker, width, height, content[8] if len(content) > 8 else -1)


def _quantization_tables(content: bytes) -> dict[int, tuple[int, ...]]:
    """Number to steps. Truncated tables are left out: the decoder refuses such a picture."""
    found, position = {}, 0
    while position < len(content):
        precision, number = content[position] >> 4, content[position] & 15
        layout = f">{_STEPS}{'H' if precision else 'B'}"
        if position + 1 + struct.calcsize(layout) > len(content):
            break
        found[number] = struct.unpack_from(layout, content, position + 1)
        position += 1 + struct.calcsize(layout)
    return found


def _checked(frame: _Frame | None, scans: int, turn_deg: int, tables: Mapping[int, tuple[int, ...]]) -> JpegHeader:
    if frame is None:
        raise InvalidInput("the JPEG picture has no frame header, so its size is unknown")
    marker, width, height, luma_table = frame
    if not width or not height:
        raise InvalidInput(f"the JPEG picture claims {width} x {height} pixels")
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
    return JpegHeader(width, height, turn_deg, tables.get(luma_table, ()))


def _orientation(exif: bytes) -> int:
    """The Exif orientation, 1 to 8; 0 where it is missing or damaged, for which a picture is not refused."""
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
