"""whisper.cpp through pywhispercpp: one loaded model, samples in, segments with probabilities out.

VAD and the conversion to transcripts are in `transcription`.
"""

from __future__ import annotations

import atexit
import logging
import math
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rider_core.api import openmp

os.environ.update(openmp.environment())  # before whisper.cpp is loaded

import _pywhispercpp as whisper_cpp
import numpy as np
import numpy.typing as npt

from rider_core.api.heap import trim_heap
from rider_core.errors import ProviderError, ProviderUnavailable

log = logging.getLogger(__name__)

Samples = npt.NDArray[np.float32]

MODEL_RATE = 16_000
#: Encoder frames for each second of audio.
FRAMES_PER_S = 50
#: The encoder's full context, in seconds and in encoder frames.
WINDOW_S, FULL_CONTEXT = 30, 1500
#: The context is fitted to the clip: its length and a margin, at least the floor. See bench/whisper_audio_ctx/run.py.
CONTEXT_FLOOR, CONTEXT_MARGIN = 384, 128
#: Whisper.cpp keeps the memory of its largest run. What a run of more frames took is given back when it is over, by
#: loading the model again: 117 MB for the base model and a clip that was decoded with the full context, in 0.1 s.
KEPT_CONTEXT = 750
#: Encoder frames for language detection: 5 s, which take 0.2 s on two cores. Twice as many gave the same languages.
_DETECTION_CONTEXT = 256
#: Limits of decoded tokens, which bound the cost of a loop. Speech has up to about 6 words a second, of 2 to 3 tokens.
_TOKENS_PER_S, _TOKENS_AT_LEAST = 15, 24
#: No temperature fallback. It corrected no command in our measurements, took up to three times as long, and turned a
#: tone into words; without it, the same audio gives the same text.
_TEMPERATURE_STEP = 0.0
#: ggml's error level. Logged as info: each such error also leads to an exception or an empty result.
_GGML_ERROR = 4
#: Logged by whisper.cpp whenever `language_probabilities` ends a run early, on purpose.
_EXPECTED_ABORT = "encoder_begin_callback returned false"


@dataclass(frozen=True)
class WhisperOptions:
    """How the engine decodes.

    Attributes:
        beam_size: 1: greedy decoding; more: beam search with this number of hypotheses.
        prompt: Text that the decoder is given as the preceding transcript.
    """

    threads: int = 2
    beam_size: int = 1
    prompt: str = ""
    no_speech_threshold: float = 0.6


@dataclass(frozen=True)
class DecodedSegment:
    """Times in seconds; `probability` is the arithmetic mean over the text's tokens, None without tokens."""

    text: str
    start_s: float
    end_s: float
    probability: float | None


@dataclass(frozen=True)
class DecodedToken:
    """A word, a part of one, or a punctuation mark.

    Attributes:
        text: In UTF-8; a character may be spread over several tokens. A new word begins with a space.
        segment: Number of its segment.
        middle_s: Middle of its time, which whisper.cpp estimates from the loudness and the segment's times.
    """

    text: bytes
    segment: int
    middle_s: float
    probability: float


def fit_context(duration_s: float) -> int:
    """Encoder frames for a clip. whisper.cpp pads every clip to 30 s, and encoding the padding would waste time."""
    return min(FULL_CONTEXT, max(CONTEXT_FLOOR, math.ceil(duration_s * FRAMES_PER_S) + CONTEXT_MARGIN))


def known_languages() -> tuple[str, ...]:
    """The codes of all languages that Whisper supports."""
    return tuple(whisper_cpp.whisper_lang_str(number) for number in range(whisper_cpp.whisper_lang_max_id() + 1))


class WhisperEngine:
    """One loaded model. Not thread-safe; the GIL is released while it decodes.

    Raises:
        ProviderUnavailable: the file is not a model that whisper.cpp can load.
    """

    def __init__(self, model: Path, options: WhisperOptions) -> None:
        self._model = model
        self._closed = False
        self._largest_context = 0
        self._context = _load(model)
        self._threads = options.threads
        self.multilingual = bool(whisper_cpp.whisper_is_multilingual(self._context))
        strategies = whisper_cpp.whisper_sampling_strategy
        beams = options.beam_size > 1
        self._params = whisper_cpp.whisper_full_default_params(
            strategies.WHISPER_SAMPLING_BEAM_SEARCH if beams else strategies.WHISPER_SAMPLING_GREEDY
        )
        self._set(
            n_threads=options.threads,
            print_progress=False,
            print_realtime=False,
            print_timestamps=False,
            no_context=True,
            temperature_inc=_TEMPERATURE_STEP,
            no_speech_thold=options.no_speech_threshold,
            initial_prompt=options.prompt,
            greedy={"best_of": 1},
            beam_search={"beam_size": options.beam_size if beams else -1, "patience": -1.0},
        )

    def close(self) -> None:
        """Free the model's memory."""
        self._closed = True
        self._free()

    @property
    def has_large_buffers(self) -> bool:
        """Whether `release_buffers` has something to give back."""
        return self._largest_context > KEPT_CONTEXT

    def release_buffers(self) -> None:
        """Give back what large runs took. If the model cannot be loaded again now, the next run tries it."""
        if self.has_large_buffers and not self._closed:
            self._free()
            trim_heap()
            with suppress(ProviderUnavailable):
                self._loaded()

    def _free(self) -> None:
        if self._context is not None:
            whisper_cpp.whisper_free(self._context)
            self._context = None
        self._largest_context = 0

    def transcribe(
        self, samples: Samples, language: str, *, context_of: Callable[[float], int] = fit_context
    ) -> tuple[DecodedSegment, ...]:
        """The segments of `samples` (mono, 16 kHz, at least 1 s).

        Args:
            language: A code of `known_languages()`.
            context_of: Clip length in seconds to encoder frames; 0: all 30 s.
        """
        context = self._run(samples, language, context_of)
        return tuple(self._segment(index) for index in range(whisper_cpp.whisper_full_n_segments(context)))

    def transcribe_parallel(
        self, sounds: Sequence[Samples], language: str, *, context_of: Callable[[float], int]
    ) -> list[tuple[DecodedToken, ...]]:
        """The tokens of each of `sounds`, decoded in parallel, as many at a time as there are threads.

        One thread each is faster than all threads for one sound after the other. The model is shared; each sound in
        parallel takes 30 MB more, and all have the context of the longest.
        """
        decoded: list[tuple[DecodedToken, ...]] = []
        self._set(token_timestamps=True)
        try:
            for start in range(0, len(sounds), self._threads):
                decoded += self._run_parallel(sounds[start : start + self._threads], language, context_of)
        finally:
            self._set(token_timestamps=False, n_threads=self._threads)
        return decoded

    def _run_parallel(
        self, sounds: Sequence[Samples], language: str, context_of: Callable[[float], int]
    ) -> list[tuple[DecodedToken, ...]]:
        """whisper.cpp splits the joined audio into equal parts, each with a state and threads of its own."""
        parts = len(sounds)
        longest = max(map(len, sounds))
        # In whole seconds, so that a segment's time identifies its part.
        length = math.ceil(longest / MODEL_RATE) * MODEL_RATE
        joined = np.concatenate([np.pad(sound, (0, length - len(sound))) for sound in sounds])
        self._prepare(language, context_of(longest / MODEL_RATE), longest / MODEL_RATE)
        self._set(n_threads=max(1, self._threads // parts))
        context = self._loaded()
        code = whisper_cpp.whisper_full_parallel(context, self._params, joined, len(joined), parts)
        _check(code, len(joined))
        decoded: list[list[DecodedToken]] = [[] for _ in sounds]
        for index in range(whisper_cpp.whisper_full_n_segments(context)):
            # Segment times count from the start of the joined audio, token times from the start of the part. A segment
            # after its part's end is assigned to the next part, where its token times do not fit.
            start_s = whisper_cpp.whisper_full_get_segment_t0(context, index) / 100
            decoded[min(parts - 1, int(start_s * MODEL_RATE / length))] += self._tokens(index)
        return [tuple(tokens) for tokens in decoded]

    def _run(self, samples: Samples, language: str, context_of: Callable[[float], int]) -> Any:
        duration_s = len(samples) / MODEL_RATE
        self._prepare(language, context_of(duration_s), duration_s)
        context = self._loaded()
        _check(whisper_cpp.whisper_full(context, self._params, samples, len(samples)), len(samples))
        return context

    def _prepare(self, language: str, encoder_frames: int, duration_s: float) -> None:
        tokens = _TOKENS_AT_LEAST + math.ceil(_TOKENS_PER_S * min(duration_s, WINDOW_S))
        self._largest_context = max(self._largest_context, encoder_frames or FULL_CONTEXT)
        self._set(language=language, audio_ctx=encoder_frames, max_tokens=tokens)

    def language_probabilities(self, samples: Samples) -> dict[str, float]:
        """The probability of each language, from the beginning of `samples`.

        whisper.cpp's own `language="auto"` encodes with the context of the clip before (30 s at first) and returns no
        probabilities. Here an aborted run sets the context and computes the spectrogram, and the detection is called
        directly. The binding holds the GIL during this call, about 0.2 s.
        """
        context = self._loaded()
        self._set(language="en", audio_ctx=_DETECTION_CONTEXT)
        whisper_cpp.assign_encoder_begin_callback(self._params, lambda *_: False)
        try:
            whisper_cpp.whisper_full(context, self._params, samples, len(samples))
        finally:
            whisper_cpp.clear_encoder_begin_callback(self._params)
        languages = known_languages()
        probabilities = np.zeros(len(languages), np.float32)
        whisper_cpp.whisper_lang_auto_detect(context, 0, self._threads, probabilities)
        return dict(zip(languages, probabilities.tolist(), strict=True))

    def _tokens(self, index: int) -> Iterator[DecodedToken]:
        """The text tokens of a segment, without timestamps and other special tokens."""
        context = self._loaded()
        end_of_text = whisper_cpp.whisper_token_eot(context)
        for number in range(whisper_cpp.whisper_full_n_tokens(context, index)):
            token = whisper_cpp.whisper_full_get_token_data(context, index, number)
            if token.id < end_of_text:
                text = whisper_cpp.whisper_token_to_bytes(context, token.id)
                yield DecodedToken(text, index, (token.t0 + token.t1) / 200, token.p)

    def _segment(self, index: int) -> DecodedSegment:
        context = self._loaded()
        probabilities = [token.probability for token in self._tokens(index)]
        probability = float(np.mean(probabilities)) if probabilities else None
        return DecodedSegment(
            text=whisper_cpp.whisper_full_get_segment_text(context, index).decode("utf-8", "replace"),
            start_s=whisper_cpp.whisper_full_get_segment_t0(context, index) / 100,
            end_s=whisper_cpp.whisper_full_get_segment_t1(context, index) / 100,
            probability=None if probability is None or math.isnan(probability) else min(1.0, max(0.0, probability)),
        )

    def _loaded(self) -> Any:
        if self._closed:
            raise ProviderUnavailable("the Whisper model is closed")
        if self._context is None:
            self._context = _load(self._model)
        return self._context

    def _set(self, **params: Any) -> None:
        for name, value in params.items():
            setattr(self._params, name, value)


def _check(code: int, samples: int) -> None:
    if code != 0:
        raise ProviderError(f"whisper.cpp failed with code {code} on {samples / MODEL_RATE:.1f} s of audio")


def _load(model: Path) -> Any:
    """A whisper.cpp context. A failed load returns a context around a null pointer; only the log shows the failure."""
    whisper_cpp.whisper_log_set(_log_line)
    # A callback that is freed after the interpreter has ended can abort the process (seen with a closure).
    atexit.unregister(_unset_log_callback)
    atexit.register(_unset_log_callback)
    params = whisper_cpp.whisper_context_default_params()
    params.use_gpu = False
    # Flash attention pads the keys to multiples of 256 frames, and a context of another size attends to remains of an
    # earlier clip: word error rates above 1, and loops for 40 s.
    params.flash_attn = False
    _errors.clear()
    context = whisper_cpp.whisper_init_from_file_with_params(str(model), params)
    if _errors:
        raise ProviderUnavailable(f"whisper.cpp cannot load {model.name}: {_errors[0]}")
    return context


def _unset_log_callback() -> None:
    whisper_cpp.whisper_log_set(None)


#: whisper.cpp's last errors. It has one log for the whole process.
_errors: deque[str] = deque(maxlen=8)


def _log_line(level: int, text: str) -> None:
    line = text.rstrip()
    is_error = level == _GGML_ERROR and _EXPECTED_ABORT not in line
    if is_error:
        _errors.append(line)
    log.log(logging.INFO if is_error else logging.DEBUG, "%s", line)
