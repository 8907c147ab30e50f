"""Converts audio from and to other formats than WAV with ffmpeg, in a process with limits on time, memory and output.

Some of ffmpeg's formats refer to other files or addresses (HLS, concat): only self-contained formats are allowed, and
no protocol but files.
"""

from __future__ import annotations

import contextlib
import resource
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from rider_core.api.file_types import file_type
from rider_core.errors import InvalidInput

#: Allowed demuxers by the names of `ffmpeg -demuxers`: mp3, m4a, mp4, ogg, opus, webm, mka, flac, aac, wav and aiff.
_FORMATS = "mp3,mov,mp4,m4a,3gp,3g2,mj2,ogg,matroska,webm,flac,aac,wav,aiff"
#: The names that `file_type` gives to files that these demuxers read.
READABLE = frozenset(
    {
        "an MP3 sound",
        "an AAC sound",
        "an Ogg sound",
        "a FLAC sound",
        "an M4A sound",
        "an MP4 file",
        "a WebM or Matroska file",
        "an AIFF sound",
        "a WAV file of the other byte order (RIFX)",
    }
)
#: Sample rate of the converted recording, in Hz; speech-to-text models use it.
SAMPLE_RATE = 16_000
#: A little more than the longest recording that is accepted, so that the error names that limit.
MAX_SECONDS = 310
MAX_OUTPUT_BYTES = 64 * 1024 * 1024
#: Limits of ffmpeg's process: its duration and processor time in seconds, and its memory.
LIMIT_S = 60.0
MEMORY_BYTES = 1 << 30
#: Maximum length of ffmpeg's error message in ours, in characters.
MAX_REASON = 200
#: OpenAI's names of audio formats, each with ffmpeg's muxer and encoder, and the content type.
ENCODERS = {
    "mp3": ("mp3", "libmp3lame", "audio/mpeg"),
    "opus": ("ogg", "libopus", "audio/ogg; codecs=opus"),
    "aac": ("adts", "aac", "audio/aac"),
    "flac": ("flac", "flac", "audio/flac"),
}


def is_installed() -> bool:
    return shutil.which("ffmpeg") is not None


def can_read(head: bytes) -> bool:
    """Whether a file with this head can be converted to WAV here."""
    return file_type(head) in READABLE and is_installed()


def to_wav(data: bytes) -> bytes:
    """A recording as WAV: 16 bit, mono, 16 kHz.

    Raises:
        InvalidInput: ffmpeg cannot read it, or not within its limits.
    """
    with tempfile.TemporaryDirectory(prefix="rider-") as folder:
        # A file, not a pipe: an M4A file may have its index at the end.
        source = Path(folder) / "recording"
        source.write_bytes(data)
        source_options = ["-protocol_whitelist", "file", "-format_whitelist", _FORMATS, "-i", f"file:{source}"]
        shape = ["-map", "0:a:0", "-vn", "-sn", "-dn", "-t", str(MAX_SECONDS), "-ac", "1", "-ar", str(SAMPLE_RATE)]
        return _run([*source_options, *shape, "-c:a", "pcm_s16le", "-f", "wav", "pipe:1"], b"", "the recording")


def from_pcm(pcm: bytes, sample_rate: int, form: str) -> bytes:
    """16-bit mono samples converted to another format.

    Args:
        form: One of `ENCODERS`.

    Raises:
        InvalidInput: ffmpeg cannot convert them, or not within its limits.
    """
    muxer, encoder, _ = ENCODERS[form]
    source_options = ["-protocol_whitelist", "pipe", "-f", "s16le", "-ar", str(sample_rate), "-ac", "1", "-i", "pipe:0"]
    return _run([*source_options, "-c:a", encoder, "-f", muxer, "pipe:1"], pcm, form)


def _run(arguments: Sequence[str], data: bytes, what: str) -> bytes:
    command = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-threads", "1", *arguments]
    if data:
        command.remove("-nostdin")
    command[-1:-1] = ["-fs", str(MAX_OUTPUT_BYTES)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        _limit(process.pid)
        try:
            output, message = process.communicate(data, timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise InvalidInput(f"ffmpeg did not convert {what} within {LIMIT_S:g} s") from None
    if process.returncode != 0 or not output:
        reason = message.decode("utf-8", "replace").strip().splitlines()
        raise InvalidInput(f"ffmpeg cannot convert {what}: {(reason or ['no reason was given'])[-1][:MAX_REASON]}")
    return output


def _limit(pid: int) -> None:
    """Limit the process's CPU time, memory and files (Linux only); elsewhere the timeout alone applies."""
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError):  # it has ended already
        seconds = max(1, int(LIMIT_S))
        resource.prlimit(pid, resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.prlimit(pid, resource.RLIMIT_CPU, (seconds, seconds))
        resource.prlimit(pid, resource.RLIMIT_NOFILE, (64, 64))
