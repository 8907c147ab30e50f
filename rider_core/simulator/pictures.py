"""The camera's pictures: JPEG files, or a drawn scene, which is encoded here without an image library."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rider_core.errors import ConfigError

MAX_FILES = 50
MAX_FILE_BYTES = 4 * 1024 * 1024

#: The drawn scene: its size in blocks of 8 by 8 pixels, and the number of pictures until it repeats.
_BLOCKS_W, _BLOCKS_H = 40, 30
_SCENE_LENGTH = 30
#: Step of the DC coefficient: 8 makes one step one grey level, since DC is eight times the mean.
_QUANTUM = 8
#: Huffman codes for the size of a DC difference: table K.3 of the JPEG standard (ITU-T T.81).
_DC_COUNTS = (0, 1, 5, 1, 1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0, 0)
_DC_CODES = ("00", "010", "011", "100", "101", "110", "1110", "11110", "111110", "1111110", "11111110", "111111110")
#: The only AC symbol that is used is "end of block", with the code 0.
_END_OF_BLOCK = "0"


@dataclass(frozen=True)
class Picture:
    """A JPEG file and its size in pixels."""

    jpeg: bytes
    width: int
    height: int


def pictures(folder: Path | None) -> tuple[Picture, ...]:
    """The pictures of a folder, or the drawn scene.

    Raises:
        ConfigError: the folder has no JPEG file, or a file that is not a JPEG.
    """
    if folder is None:
        return scene()
    files = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".jpeg"))[:MAX_FILES]
    if not files:
        raise ConfigError(f"there is no .jpg file in {folder}", remedy="name a folder with JPEG files")
    return tuple(_read(path) for path in files)


def scene() -> tuple[Picture, ...]:
    """A bright box that moves through a room: blocks of one grey level each, so that it is plainly a drawing."""
    return tuple(_draw(step) for step in range(_SCENE_LENGTH))


def encode_grey_blocks(rows: Sequence[Sequence[int]]) -> bytes:
    """A baseline JPEG in which each value (0 to 255) is one block of 8 by 8 pixels. Only DC coefficients are needed."""
    height, width = len(rows), len(rows[0])
    bits, previous = [], 0
    for value in (value for row in rows for value in row):
        level = value - 128
        bits.append(_dc_code(level - previous) + _END_OF_BLOCK)
        previous = level
    stream = "".join(bits)
    stream += "1" * (-len(stream) % 8)
    data = int(stream, 2).to_bytes(len(stream) // 8, "big").replace(b"\xff", b"\xff\x00")
    return b"".join(
        (
            b"\xff\xd8",
            _segment(0xDB, bytes([0]) + bytes([_QUANTUM] * 64)),
            _segment(
                0xC0, bytes([8, *(height * 8).to_bytes(2, "big"), *(width * 8).to_bytes(2, "big"), 1, 1, 0x11, 0])
            ),
            _segment(0xC4, bytes([0x00, *_DC_COUNTS, *range(12)])),
            _segment(0xC4, bytes([0x10, 1, *[0] * 15, 0])),
            _segment(0xDA, bytes([1, 1, 0x00, 0, 63, 0])),
            data,
            b"\xff\xd9",
        )
    )


def _dc_code(difference: int) -> str:
    size = abs(difference).bit_length()
    if size == 0:
        return _DC_CODES[0]
    value = difference if difference > 0 else difference + (1 << size) - 1
    return _DC_CODES[size] + format(value, f"0{size}b")


def _segment(marker: int, content: bytes) -> bytes:
    return bytes([0xFF, marker]) + (len(content) + 2).to_bytes(2, "big") + content


def _draw(step: int) -> Picture:
    left = step * (_BLOCKS_W - 8) // _SCENE_LENGTH
    rows = [
        [230 if left <= x < left + 8 and 12 <= y < 22 else 60 + y * 3 + (x % 2) * 4 for x in range(_BLOCKS_W)]
        for y in range(_BLOCKS_H)
    ]
    return Picture(encode_grey_blocks(rows), _BLOCKS_W * 8, _BLOCKS_H * 8)


def _read(path: Path) -> Picture:
    if path.stat().st_size > MAX_FILE_BYTES:
        raise ConfigError(f"{path} has {path.stat().st_size} bytes", remedy=f"use files of {MAX_FILE_BYTES} at most")
    jpeg = path.read_bytes()
    width, height = _size(jpeg, path)
    return Picture(jpeg, width, height)


def _size(jpeg: bytes, path: Path) -> tuple[int, int]:
    """Width and height from the frame header (SOF0 to SOF2)."""
    at = 2
    while jpeg[:2] == b"\xff\xd8" and at + 9 <= len(jpeg) and jpeg[at] == 0xFF:
        if jpeg[at + 1] in (0xC0, 0xC1, 0xC2):
            return int.from_bytes(jpeg[at + 7 : at + 9], "big"), int.from_bytes(jpeg[at + 5 : at + 7], "big")
        at += 2 + int.from_bytes(jpeg[at + 2 : at + 4], "big")
    raise ConfigError(f"{path} is no JPEG file", remedy="name a folder with JPEG files")
