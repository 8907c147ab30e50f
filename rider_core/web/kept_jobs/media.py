"""Sound and pictures of jobs: which kind a job has, and its bytes out of the payload or the job's events."""

from __future__ import annotations

from collections.abc import Iterable
from enum import Enum

from rider_core.api.audio import MAX_CLIP_S, AudioClip
from rider_core.api.events import Event
from rider_core.api.jobs import JobSpec
from rider_core.api.messages import decode_base64, parse_message
from rider_core.api.object_detection import MAX_IMAGE_BYTES, DetectRequest
from rider_core.api.speech_to_text import TranscribeRequest
from rider_core.api.text_to_speech import AudioChunk
from rider_core.errors import InvalidInput, TooLarge

#: Longest speech that is put together from its chunks, in bytes: as long as the longest clip, at 24 kHz.
MAX_SPEECH_BYTES = int(MAX_CLIP_S) * 24_000 * 2
_JPEG = b"\xff\xd8\xff"


class MediaKind(str, Enum):
    """What can be played or looked at. A job has one kind at most; it follows from its task."""

    HEARD = "heard"
    SPOKEN = "spoken"
    PICTURE = "picture"

    @property
    def content_type(self) -> str:
        return "image/jpeg" if self is MediaKind.PICTURE else "audio/wav"

    @property
    def suffix(self) -> str:
        """Of the file."""
        return f".{self.value}{'.jpg' if self is MediaKind.PICTURE else '.wav'}"


#: Task to the kind of media in its payload, and the field that has it.
PAYLOAD_MEDIA = {"voice.transcribe": (MediaKind.HEARD, "audio"), "vision.detect": (MediaKind.PICTURE, "image")}
#: Task to the kind of media in the partial results of its jobs.
RESULT_MEDIA = {"voice.synthesize": MediaKind.SPOKEN}


def payload_media(spec: JobSpec) -> bytes:
    """The WAV file or the JPEG picture in a payload. Of a task of `PAYLOAD_MEDIA`.

    Raises:
        InvalidInput, TooLarge: there is none, or it is longer than the task allows.
    """
    if spec.task == "voice.transcribe":
        # Written anew: what people upload may be of a format that no browser plays.
        return parse_message(TranscribeRequest, spec.payload).clip().to_wav()
    image = parse_message(DetectRequest, spec.payload).image
    data = decode_base64(image, max_bytes=MAX_IMAGE_BYTES, name="image")
    if not data.startswith(_JPEG):
        raise InvalidInput("the picture is not a JPEG")
    return data


def spoken_media(events: Iterable[Event]) -> bytes:
    """The speech of a job as one WAV file, out of the events of its stream.

    Raises:
        InvalidInput, TooLarge: there are no chunks, a chunk is damaged, or they are longer than `MAX_SPEECH_BYTES`.
    """
    pcm, sample_rate = bytearray(), 0
    for event in events:
        if event.kind != "job.partial":
            continue
        chunk = parse_message(AudioChunk, event.data)
        data = decode_base64(chunk.audio, max_bytes=MAX_SPEECH_BYTES, name="audio")
        clip = AudioClip.from_wav(data) if chunk.format == "wav" else AudioClip(data, chunk.sample_rate)
        pcm += clip.pcm
        sample_rate = clip.sample_rate
        if len(pcm) > MAX_SPEECH_BYTES:
            raise TooLarge(f"the speech has more than {MAX_SPEECH_BYTES} bytes")
    return AudioClip(bytes(pcm), sample_rate).to_wav() if pcm else _no_speech()


def _no_speech() -> bytes:
    raise InvalidInput("the job's stream has no sound: it lives for two minutes, and only where the job streams")
