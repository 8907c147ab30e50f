"""Short commands, through us and by whisper.cpp's default; and sixteen of them together."""

from __future__ import annotations

import statistics
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from clips import Clip, clips
from stack import WAIT_S, Bare, Stack

from rider_core.api import BatchSpec
from rider_core.api.messages import encode_base64
from rider_core.testing.words import word_errors, words_of

TOGETHER = 16
ROUNDS = 5
#: "A 3 s command": those whose length is within these, in seconds.
COMMAND_S = (2.2, 3.8)


def measure(stack: Stack, recording: Path, folder: Path) -> dict[str, float]:
    """`asr_short_speedup`, `asr_batch_speedup`, and the word error rates beside them."""
    found = clips(stack, recording, folder)
    with Bare("whisper.py", stack.services.catalogue.path("whisper-base")) as bare:
        bare.measure(f"{found[0].wav} en")
        return {**_alone(stack, bare, found), **_together(stack, bare, found)}


def _alone(stack: Stack, bare: Bare, found: Sequence[Clip]) -> dict[str, float]:
    """Each clip by both, in turns. Speed: the median over the commands of about 3 s; errors are counted in all."""
    ratios, seconds = [], []
    ours_wrong = theirs_wrong = words = 0
    for clip in found:
        heard, took = _heard(stack, clip)
        default = bare.measure(f"{clip.wav} {clip.language}")
        ours_wrong += word_errors(clip.words, words_of(heard))
        theirs_wrong += word_errors(clip.words, words_of(default["text"]))
        words += len(clip.words)
        if COMMAND_S[0] <= clip.duration_s <= COMMAND_S[1]:
            ratios.append(default["seconds"] / took)
            seconds.append(took)
    return {
        "asr_short_speedup": round(statistics.median(ratios), 2),
        "asr_short_s": round(statistics.median(seconds), 3),
        "wer_ours": round(ours_wrong / words, 3),
        "wer_default": round(theirs_wrong / words, 3),
        "wer_words": words,
    }


def _heard(stack: Stack, clip: Clip) -> tuple[str, float]:
    started = time.perf_counter()
    record = stack.run("voice.transcribe", _payload(clip))
    return str(record.value()["text"]), time.perf_counter() - started


def _together(stack: Stack, bare: Bare, found: Sequence[Clip]) -> dict[str, float]:
    """The same clips as one batch, and one after another, in turns; each round has others of the English ones."""
    english = [clip for clip in found if clip.language == "en"]
    ratios = []
    wrong = {"one_by_one": 0, "together": 0, "together_default": 0}
    words = 0
    for number in range(ROUNDS):
        short = [english[(number * 5 + offset) % len(english)] for offset in range(TOGETHER)]
        started = time.perf_counter()
        one_by_one = [_heard(stack, clip)[0] for clip in short]
        alone_s = time.perf_counter() - started
        started = time.perf_counter()
        together = _batch(stack, short)
        ratios.append(alone_s / (time.perf_counter() - started))
        default = [bare.measure(f"{clip.wav} {clip.language}")["text"] for clip in short]
        for kind, texts in (("one_by_one", one_by_one), ("together", together), ("together_default", default)):
            wrong[kind] += sum(word_errors(it.words, words_of(text)) for it, text in zip(short, texts, strict=True))
        words += sum(len(it.words) for it in short)
    rates = {f"wer_{kind}": round(errors / words, 3) for kind, errors in wrong.items()}
    return {"asr_batch_speedup": round(statistics.median(ratios), 2), **rates}


def _batch(stack: Stack, short: Sequence[Clip]) -> list[str]:
    spec = BatchSpec(task="voice.transcribe", payloads=[_payload(clip) for clip in short], origin="bench")
    backend = stack.services.backend
    backend.submit_batch(spec)
    backend.wait(spec.id, WAIT_S)
    items = backend.batch_items(spec.id)
    return [str((item.result or {}).get("text", "")) for item in items]


def _payload(clip: Clip) -> dict[str, Any]:
    return {"audio": encode_base64(clip.wav.read_bytes()), "format": "wav", "language": clip.language}
