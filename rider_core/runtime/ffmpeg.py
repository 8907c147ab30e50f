"""Other forms of sound than WAV, where ffmpeg is on this machine: in a process of its own, with limits on all it takes.

ffmpeg reads a hundred formats, some of which name files or addresses to be read instead (HLS, concat): only forms that
hold their sound themselves are allowed, and no protocol but files.
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

#: Its demuxers, as `ffmpeg -demuxers` names them: mp3, m4a and mp4, ogg and opus, webm and mka, flac, aac, wav, aiff.
_FORMATS = "mp3,mov,mp4,m4a,3gp,3g2,mj2,ogg,matroska,webm,flac,aac,wav,aiff"
#: What `file_type` calls sounds that these read.
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
#: What every engine here hears best.
SAMPLE_RATE = 16_000
#: A little more than the longest recording that is taken, which is then told by its own limit.
MAX_SECONDS = 310
MAX_OUTPUT_BYTES = 64 * 1024 * 1024
LIMIT_S = 60.0
MEMORY_BYTES = 1 << 30
#: Of what it says is wrong.
MAX_REASON = 200
#: OpenAI's names for the forms of speech, and ffmpeg's: muxer, encoder, content type.
ENCODERS = {
    "mp3": ("mp3", "libmp3lame", "audio/mpeg"),
    "opus": ("ogg", "libopus", "audio/ogg; codecs=opus"),
    "aac": ("adts", "aac", "audio/aac"),
    "flac": ("flac", "flac", "audio/flac"),
}


def is_installed() -> bool:
    return shutil.which("ffmpeg") is not None


def can_read(head: bytes) -> bool:
    """Whether a file that begins so is a sound that it makes WAV of."""
    return file_type(head) in READABLE and is_installed()


def to_wav(data: bytes) -> bytes:
    """A recording as WAV: 16 bit, mono, 16 kHz.

    Raises:
        InvalidInput: ffmpeg cannot read it, or not within its limits.
    """
    with tempfile.TemporaryDirectory(prefix="rider-") as folder:
        # A file and not a pipe: an M4A says at its end how it is to be read.
        source = Path(folder) / "recording"
        source.write_bytes(data)
        reading = ["-protocol_whitelist", "file", "-format_whitelist", _FORMATS, "-i", f"file:{source}"]
        shape = ["-map", "0:a:0", "-vn", "-sn", "-dn", "-t", str(MAX_SECONDS), "-ac", "1", "-ar", str(SAMPLE_RATE)]
        return _run([*reading, *shape, "-c:a", "pcm_s16le", "-f", "wav", "pipe:1"], b"", "the recording")


def from_pcm(pcm: bytes, sample_rate: int, form: str) -> bytes:
    """Sound in 16-bit mono in another form.

    Args:
        form: One of `ENCODERS`.

    Raises:
        InvalidInput: ffmpeg cannot make it.
    """
    muxer, encoder, _ = ENCODERS[form]
    reading = ["-protocol_whitelist", "pipe", "-f", "s16le", "-ar", str(sample_rate), "-ac", "1", "-i", "pipe:0"]
    return _run([*reading, "-c:a", encoder, "-f", muxer, "pipe:1"], pcm, f"{form}")


def _run(arguments: Sequence[str], data: bytes, what: str) -> bytes:
    command = ["ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "error", "-threads", "1", *arguments]
    if data:
        command.remove("-nostdin")
    command[-1:-1] = ["-fs", str(MAX_OUTPUT_BYTES)]
    pipe = subprocess.PIPE
    with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=pipe) as process:
        _limit(process.pid)
        try:
            made, said = process.communicate(data, timeout=LIMIT_S)
        except subprocess.TimeoutExpired:
            process.kill()
            raise InvalidInput(f"ffmpeg was not done with {what} within {LIMIT_S:g} s") from None
    if process.returncode != 0 or not made:
        reason = said.decode("utf-8", "replace").strip().splitlines()
        raise InvalidInput(f"ffmpeg cannot do {what}: {(reason or ['it says nothing'])[-1][:MAX_REASON]}")
    return made


def _limit(process: int) -> None:
    """On a processor's time and memory; where the system has no such thing, the time that is waited for it holds."""
    if not sys.platform.startswith("linux"):
        return
    with contextlib.suppress(OSError):  # it has ended already
        seconds = max(1, int(LIMIT_S))
        resource.prlimit(process, resource.RLIMIT_AS, (MEMORY_BYTES, MEMORY_BYTES))
        resource.prlimit(process, resource.RLIMIT_CPU, (seconds, seconds))
        resource.prlimit(process, resource.RLIMIT_NOFILE, (64, 64))
