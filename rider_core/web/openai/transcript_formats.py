"""A transcript in the formats that OpenAI's clients may ask for."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from rider_core.api.speech_to_text import Segment, Transcript

#: Rendered as text, each with its content type.
TEXT_TYPES = {
    "text": "text/plain; charset=utf-8",
    "srt": "application/x-subrip; charset=utf-8",
    "vtt": "text/vtt; charset=utf-8",
}


def as_json(transcript: Transcript, verbose: bool) -> dict[str, Any]:
    """The transcript as JSON. `mock` and `no_speech` are our additions. Values that providers do not give are null."""
    fields: dict[str, Any] = {"text": transcript.text}
    if verbose:
        segments = [_verbose_segment(number, segment) for number, segment in enumerate(transcript.segments)]
        fields = {
            "task": "transcribe",
            "language": transcript.language,
            "duration": transcript.duration_s,
            **fields,
            "segments": segments,
        }
    if transcript.no_speech:
        fields["no_speech"] = True
    return fields | ({"mock": True} if transcript.mock else {})


def as_text(transcript: Transcript, form: str) -> str:
    """The transcript as "text", "srt" or "vtt"."""
    return _WRITERS[form](transcript)


def _verbose_segment(number: int, segment: Segment) -> dict[str, Any]:
    unknown = dict.fromkeys(("seek", "tokens", "temperature", "avg_logprob", "compression_ratio", "no_speech_prob"))
    return {
        "id": number,
        "start": segment.start_s,
        "end": segment.end_s,
        "text": segment.text,
        "confidence": segment.confidence,
        **unknown,
    }


def _plain(transcript: Transcript) -> str:
    return transcript.text + "\n"


def _srt(transcript: Transcript) -> str:
    return "".join(
        f"{number}\n{_clock(segment.start_s, ',')} --> {_clock(segment.end_s, ',')}\n{_caption(segment)}\n\n"
        for number, segment in enumerate(transcript.segments, start=1)
    )


def _vtt(transcript: Transcript) -> str:
    captions = (
        f"{_clock(segment.start_s, '.')} --> {_clock(segment.end_s, '.')}\n{_caption(segment)}\n\n"
        for segment in transcript.segments
    )
    return "WEBVTT\n\n" + "".join(captions)


_WRITERS: dict[str, Callable[[Transcript], str]] = {"text": _plain, "srt": _srt, "vtt": _vtt}


def _caption(segment: Segment) -> str:
    """The text on one line without arrows: an empty line would end the caption, an arrow would start another."""
    return " ".join(segment.text.split()).replace("-->", "->")


def _clock(seconds: float, point: str) -> str:
    """`00:01:02,345`."""
    total_ms = round(seconds * 1000)
    minutes, ms = divmod(total_ms, 60_000)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02}:{minutes:02}:{ms // 1000:02}{point}{ms % 1000:03}"
