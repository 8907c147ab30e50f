"""File types by signature (the first bytes), for error messages about files of the wrong type."""

from __future__ import annotations

#: Longest prefix that is compared with signatures.
SIGNATURE_BYTES = 12

#: Offset, the bytes there, and the file type. The first match counts.
_SIGNATURES: tuple[tuple[int, bytes, str], ...] = (
    (0, b"\x89PNG", "a PNG picture"),
    (0, b"\xff\xd8\xff", "a JPEG picture"),
    (0, b"GIF8", "a GIF picture"),
    (0, b"BM", "a BMP picture"),
    (0, b"II*\x00", "a TIFF picture"),
    (0, b"MM\x00*", "a TIFF picture"),
    (8, b"WEBP", "a WebP picture"),
    (8, b"AVI ", "an AVI video"),
    (0, b"ID3", "an MP3 sound"),
    (0, b"\xff\xfb", "an MP3 sound"),
    (0, b"\xff\xfa", "an MP3 sound"),
    (0, b"\xff\xf3", "an MP3 sound"),
    (0, b"\xff\xf2", "an MP3 sound"),
    # MPEG 2.5: 8, 11 and 12 kHz, in telephony and speech synthesis.
    (0, b"\xff\xe3", "an MP3 sound"),
    (0, b"\xff\xe2", "an MP3 sound"),
    (0, b"\xff\xf1", "an AAC sound"),
    (0, b"\xff\xf9", "an AAC sound"),
    (0, b"OggS", "an Ogg sound"),
    (0, b"fLaC", "a FLAC sound"),
    (4, b"ftypM4A", "an M4A sound"),
    (4, b"ftyphei", "a HEIC picture"),
    (4, b"ftypmif1", "a HEIC picture"),
    (4, b"ftypavif", "an AVIF picture"),
    (4, b"ftyp", "an MP4 file"),
    (0, b"\x1aE\xdf\xa3", "a WebM or Matroska file"),
    (0, b"FORM", "an AIFF sound"),
    (0, b".snd", "an AU sound"),
    (0, b"caff", "a CAF sound"),
    (0, b"riff\x2e\x91\xcf\x11", "a Wave64 sound"),
    (0, b"\x30\x26\xb2\x75\x8e\x66\xcf\x11", "a WMA sound"),
    (0, b"#!AMR", "an AMR sound"),
    (0, b"RIFX", "a WAV file of the other byte order (RIFX)"),
    (0, b"%PDF", "a PDF document"),
    (0, b"PK\x03\x04", "a ZIP archive"),
    (0, b"\x1f\x8b", "a gzip archive"),
)


def file_type(head: bytes) -> str:
    """The type of a file that begins with `head`, with an article."""
    for offset, signature, name in _SIGNATURES:
        if head[offset : offset + len(signature)] == signature:
            return name
    if not head:
        return "an empty file"
    if all(byte in b"\t\r\n" or 32 <= byte < 127 for byte in head):
        return f"a text that begins with {head[:12].decode('ascii')!r}"
    return f"a file that begins with {head[:SIGNATURE_BYTES]!r}"
