"""PNG and WebP on their way into a job."""

from __future__ import annotations

import io
import struct
import zlib

import pytest
from PIL import Image

from rider_core.api.jpeg_header import read_header
from rider_core.cli.pictures import MAX_PIXELS, as_jpeg
from rider_core.errors import InvalidInput, TooLarge


def packed(image: Image.Image, form: str, **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, form, **options)
    return buffer.getvalue()


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
@pytest.mark.parametrize("mode", ["RGB", "RGBA", "L", "P", "1", "LA"])
def test_they_become_jpegs_of_the_same_size(form: str, mode: str) -> None:
    if form == "WEBP" and mode in ("1", "LA", "P"):
        mode = "RGB"  # it has no such modes
    jpeg = as_jpeg(packed(Image.new(mode, (97, 61)), form))
    header = read_header(jpeg)
    assert (header.width, header.height) == (97, 61)


def test_transparent_areas_become_white() -> None:
    jpeg = as_jpeg(packed(Image.new("RGBA", (16, 16), (255, 0, 0, 0)), "PNG"))
    assert Image.open(io.BytesIO(jpeg)).getpixel((8, 8)) == (255, 255, 255)


def test_16_bits_and_animations() -> None:
    assert read_header(as_jpeg(packed(Image.new("I;16", (20, 10)), "PNG"))).width == 20
    frames = [Image.new("RGB", (12, 8), colour) for colour in ("red", "blue")]
    assert read_header(as_jpeg(packed(frames[0], "WEBP", save_all=True, append_images=frames[1:]))).height == 8


@pytest.mark.parametrize("data", [b"", b"\xff\xd8\xff\xe0", b"RIFF\0\0\0\0WAVEfmt ", b"GIF89a", b"text"])
def test_anything_else_stays_as_it_is(data: bytes) -> None:
    assert as_jpeg(data) is data


@pytest.mark.parametrize(("value", "grey"), [(0, 0), (257, 1), (0x9C40, 156), (0xFFFF, 255)])
def test_greys_of_16_bits_keep_their_value(value: int, grey: int) -> None:
    """Depth cameras write such pictures."""
    jpeg = as_jpeg(packed(Image.new("I;16", (16, 16), value), "PNG"))
    assert Image.open(io.BytesIO(jpeg)).getpixel((8, 8)) == pytest.approx((grey,) * 3, abs=1)


@pytest.mark.parametrize("form", ["PNG", "WEBP"])
@pytest.mark.parametrize(("orientation", "turn_deg"), [(1, 0), (3, 180), (6, 90), (8, 270)])
def test_the_orientation_is_kept(form: str, orientation: int, turn_deg: int) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    header = read_header(as_jpeg(packed(Image.new("RGB", (40, 30)), form, exif=exif)))
    assert (header.width, header.height, header.turn_deg) == (40, 30, turn_deg)


def bomb(width: int, height: int) -> bytes:
    """A PNG header with this size, and few pixels."""

    def chunk(name: bytes, content: bytes) -> bytes:
        return struct.pack(">I", len(content)) + name + content + struct.pack(">I", zlib.crc32(name + content))

    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(bytes(1_000))) + chunk(b"IEND", b"")


def test_a_bomb_is_not_unpacked() -> None:
    with pytest.raises((TooLarge, InvalidInput)):
        as_jpeg(bomb(50_000, 50_000))
    with pytest.raises(TooLarge, match="the PNG picture has 10000 x 5001 pixels"):
        as_jpeg(bomb(10_000, MAX_PIXELS // 10_000 + 1))


@pytest.mark.parametrize("cut", [9, 20, 40, 60])
def test_a_damaged_one_says_so(cut: int) -> None:
    whole = packed(Image.effect_noise((40, 40), 50), "PNG")
    with pytest.raises(InvalidInput, match="the PNG picture cannot be read"):
        as_jpeg(whole[:cut])
    with pytest.raises(InvalidInput, match="the WebP picture cannot be read"):
        as_jpeg(packed(Image.new("RGB", (40, 40)), "WEBP")[: max(cut - 10, 12)])
