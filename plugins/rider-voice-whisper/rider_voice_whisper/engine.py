"""whisper.cpp through pywhispercpp: one loaded model, samples in, segments with probabilities out.

What counts as speech, and what the results are called elsewhere, is decided in `provider`.
"""

from __future__ import annotations

import atexit
import logging
import math
import os
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rider_core.api import openmp

os.environ.update(openmp.environment())  # before whisper.cpp is loaded

import _pywhispercpp as whisper_cpp
import numpy as np
import numpy.typing as npt

from rider_core.errors import ProviderError, ProviderUnavailable

log = logging.getLogger(__name__)

Samples = npt.NDArray[np.float32]

MODEL_RATE = 16_000
#: Encoder frames for each second of sound.
FRAMES_PER_S = 50
#: What the encoder sees at a time, in seconds and in its own frames.
WINDOW_S, FULL_CONTEXT = 30, 1500
#: The context is fitted to the clip: its length and a margin, at least the floor. See bench/whisper_audio_ctx/run.py.
CONTEXT_FLOOR, CONTEXT_MARGIN = 384, 128
#: The language is found out from the first 5 s: 0.2 s of work on two cores, and twice as much gave the same answers.
_DETECTION_CONTEXT = 256
#: Nobody speaks more than about 6 words a second, of 2 to 3 tokens each. Bounds what a repetition can cost.
_TOKENS_PER_S, _TOKENS_AT_LEAST = 15, 24
#: Whisper may try an unlikely text again with some chance in its choices. That rescued no command in our measurements,
#: took up to three times as long, and made words of a tone; without it, the same sound gives the same text.
_TEMPERATURE_STEP = 0.0
#: ggml's error level. Even its errors are told by an exception or an empty result of ours, so they are but a hint.
_GGML_ERROR = 4
#: What it complains of each time `language_probabilities` ends a run early, as it means to.
_OUR_OWN_ABORT = "encoder_begin_callback returned false"


@dataclass(frozen=True)
class WhisperOptions:
    """How the engine decodes.

    Attributes:
        beam_size: 1: greedy; more: so many hypotheses side by side.
        prompt: Words that the decoder takes as said before.
    """

    threads: int = 2
    beam_size: int = 1
    prompt: str = ""
    no_speech_threshold: float = 0.6


@dataclass(frozen=True)
class HeardSegment:
    """Times in seconds; `probability` is the arithmetic mean over the tokens of the text, None without any."""

    text: str
    start_s: float
    end_s: float
    probability: float | None


@dataclass(frozen=True)
class HeardToken:
    """A word, a piece of one, or a mark.

    Attributes:
        text: In UTF-8; a character may be spread over several tokens. A new word begins with a blank.
        segment: Number of the segment that it belongs to.
        middle_s: When it is spoken, as whisper.cpp guesses from the loudness of the sound and the times of the segment.
    """

    text: bytes
    segment: int
    middle_s: float
    probability: float


def fit_context(duration_s: float) -> int:
    """Encoder frames for a clip. whisper.cpp pads every clip to 30 s; most of that is not worth encoding."""
    return min(FULL_CONTEXT, max(CONTEXT_FLOOR, math.ceil(duration_s * FRAMES_PER_S) + CONTEXT_MARGIN))


def known_languages() -> tuple[str, ...]:
    """Every language code that Whisper knows."""
    return tuple(whisper_cpp.whisper_lang_str(number) for number in range(whisper_cpp.whisper_lang_max_id() + 1))


class WhisperEngine:
    """Not for several threads at once. The interpreter's lock is free while it works.

    Raises:
        ProviderUnavailable: the file is not a model that whisper.cpp can load.
    """

    def __init__(self, model: Path, options: WhisperOptions) -> None:
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
        if self._context is not None:
            whisper_cpp.whisper_free(self._context)
            self._context = None

    def transcribe(
        self, samples: Samples, language: str, *, context_of: Callable[[float], int] = fit_context
    ) -> tuple[HeardSegment, ...]:
        """What is said in `samples` (mono, 16 kHz, at least 1 s).

        Args:
            language: A code of `known_languages()`.
            context_of: Clip length in seconds to encoder frames; 0: all 30 s.
        """
        context = self._run(samples, language, context_of)
        return tuple(self._segment(index) for index in range(whisper_cpp.whisper_full_n_segments(context)))

    def transcribe_together(
        self, sounds: Sequence[Samples], language: str, *, context_of: Callable[[float], int]
    ) -> list[tuple[HeardToken, ...]]:
        """For each of `sounds` its text in pieces, each with its time. As many at once as there are threads.

        Each then has a thread of its own, which is quicker than all threads for one after the other. The model is
        shared; each of those at once takes 30 MB beside it, and all have the context of the longest.
        """
        heard: list[tuple[HeardToken, ...]] = []
        self._set(token_timestamps=True)
        try:
            for start in range(0, len(sounds), self._threads):
                heard += self._at_once(sounds[start : start + self._threads], language, context_of)
        finally:
            self._set(token_timestamps=False, n_threads=self._threads)
        return heard

    def _at_once(
        self, sounds: Sequence[Samples], language: str, context_of: Callable[[float], int]
    ) -> list[tuple[HeardToken, ...]]:
        """whisper.cpp cuts one stretch of sound into equal parts, and gives each a state and threads of its own."""
        parts = len(sounds)
        longest = max(map(len, sounds))
        # In whole seconds, so that the parts can be told apart by their segments' times.
        length = math.ceil(longest / MODEL_RATE) * MODEL_RATE
        joined = np.concatenate([np.pad(sound, (0, length - len(sound))) for sound in sounds])
        self._prepare(language, context_of(longest / MODEL_RATE), longest / MODEL_RATE)
        self._set(n_threads=max(1, self._threads // parts))
        context = self._loaded()
        code = whisper_cpp.whisper_full_parallel(context, self._params, joined, len(joined), parts)
        _check(code, len(joined))
        heard: list[list[HeardToken]] = [[] for _ in sounds]
        for index in range(whisper_cpp.whisper_full_n_segments(context)):
            # Segments are told in the time of the whole, tokens in that of their part. So what a part claims to hear
            # after its own end comes to the next one, with times that do not fit there.
            start_s = whisper_cpp.whisper_full_get_segment_t0(context, index) / 100
            heard[min(parts - 1, int(start_s * MODEL_RATE / length))] += self._tokens(index)
        return [tuple(tokens) for tokens in heard]

    def _run(self, samples: Samples, language: str, context_of: Callable[[float], int]) -> Any:
        duration_s = len(samples) / MODEL_RATE
        self._prepare(language, context_of(duration_s), duration_s)
        context = self._loaded()
        _check(whisper_cpp.whisper_full(context, self._params, samples, len(samples)), len(samples))
        return context

    def _prepare(self, language: str, encoder_frames: int, duration_s: float) -> None:
        tokens = _TOKENS_AT_LEAST + math.ceil(_TOKENS_PER_S * min(duration_s, WINDOW_S))
        self._set(language=language, audio_ctx=encoder_frames, max_tokens=tokens)

    def language_probabilities(self, samples: Samples) -> dict[str, float]:
        """How likely each language is, from the beginning of `samples`.

        whisper.cpp's own `language="auto"` encodes with the context of the clip before (30 s at first) and tells no
        probabilities. Here an aborted run sets the context and makes the spectrogram, and the detection is called
        directly. This call, of about 0.2 s, keeps the interpreter's lock; the binding leaves no choice.
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

    def _tokens(self, index: int) -> Iterator[HeardToken]:
        """The pieces of a segment's text; those that stand for times and the like are left out."""
        context = self._loaded()
        end_of_text = whisper_cpp.whisper_token_eot(context)
        for number in range(whisper_cpp.whisper_full_n_tokens(context, index)):
            token = whisper_cpp.whisper_full_get_token_data(context, index, number)
            if token.id < end_of_text:
                text = whisper_cpp.whisper_token_to_bytes(context, token.id)
                yield HeardToken(text, index, (token.t0 + token.t1) / 200, token.p)

    def _segment(self, index: int) -> HeardSegment:
        context = self._loaded()
        probabilities = [token.probability for token in self._tokens(index)]
        probability = float(np.mean(probabilities)) if probabilities else None
        return HeardSegment(
            text=whisper_cpp.whisper_full_get_segment_text(context, index).decode("utf-8", "replace"),
            start_s=whisper_cpp.whisper_full_get_segment_t0(context, index) / 100,
            end_s=whisper_cpp.whisper_full_get_segment_t1(context, index) / 100,
            probability=None if probability is None or math.isnan(probability) else min(1.0, max(0.0, probability)),
        )

    def _loaded(self) -> Any:
        if self._context is None:
            raise ProviderUnavailable("the Whisper model is closed")
        return self._context

    def _set(self, **params: Any) -> None:
        for name, value in params.items():
            setattr(self._params, name, value)


def _check(code: int, samples: int) -> None:
    if code != 0:
        raise ProviderError(f"whisper.cpp failed with code {code} on {samples / MODEL_RATE:.1f} s of sound")


def _load(model: Path) -> Any:
    """A whisper.cpp context. A failed load gives one around a null pointer, of which only the log knows."""
    whisper_cpp.whisper_log_set(_log_line)
    # A callback that is dropped after the interpreter has ended can abort the process (seen with a closure).
    atexit.unregister(_forget_log)
    atexit.register(_forget_log)
    params = whisper_cpp.whisper_context_default_params()
    params.use_gpu = False
    # With flash attention the keys are padded to 256 frames, and a context between such sizes attends to what an
    # earlier clip left there: word error rates above 1, and repetitions for 40 s.
    params.flash_attn = False
    _errors.clear()
    context = whisper_cpp.whisper_init_from_file_with_params(str(model), params)
    if _errors:
        raise ProviderUnavailable(f"whisper.cpp cannot load {model.name}: {_errors[0]}")
    return context


def _forget_log() -> None:
    whisper_cpp.whisper_log_set(None)


#: What whisper.cpp last complained about. It has one log for the whole process.
_errors: deque[str] = deque(maxlen=8)


def _log_line(level: int, text: str) -> None:
    line = text.rstrip()
    is_error = level == _GGML_ERROR and _OUR_OWN_ABORT not in line
    if is_error:
        _errors.append(line)
    log.log(logging.INFO if is_error else logging.DEBUG, "%s", line)
