"""What a model has read: evaluates tokens, and keeps what a request has in common with the one before.

Tokens that are evaluated one by one, as those of an answer, may give other figures than together, as those of a prompt
(models in 16 bits do), and now and then that makes another answer. A reading that must be repeatable therefore takes
over whole segments that were evaluated as such, nothing else.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import Any

from rider_core.errors import ProviderError, ProviderUnavailable
from rider_text_llama import native

#: Tokens that are evaluated at a time, at most. From 128 on it gets no faster on a processor.
_BATCH = 512
_MAIN_SEQUENCE = 0


@dataclass
class Reading:
    """Somebody's place in a context: all tokens that were read for him."""

    tokens: list[int]


class Context:
    """The memory that belongs to one loaded model.

    Args:
        size: In tokens.

    Raises:
        ProviderUnavailable: there is not enough memory for it.
    """

    def __init__(self, library: Any, model: int, *, size: int, threads: int, path: Path) -> None:
        self._library = library
        params = library.llama_context_default_params()
        params.n_ctx = size
        params.n_batch = params.n_ubatch = min(_BATCH, size)
        params.n_threads = params.n_threads_batch = threads
        native.complaint()
        self._context = library.llama_init_from_model(model, params)
        if not self._context:
            raise ProviderUnavailable(
                f"{path.name} cannot be given a context of {size} tokens: {native.complaint()}",
                remedy="lower the engine's setting context_tokens",
            )
        self._vocabulary_size = library.llama_vocab_n_tokens(library.llama_model_get_vocab(model))
        self._memory = library.llama_get_memory(self._context)
        self.size: int = library.llama_n_ctx(self._context)
        self._tokens: list[int] = []  # what the memory holds
        self._ends: list[int] = []  # where its segments end, as far as they were evaluated one by one from the start
        self._owner: Reading | None = None

    def close(self) -> None:
        self._library.llama_free(self._context)

    def read(self, segments: Sequence[Sequence[int]], *, repeatable: bool) -> Reading:
        """Evaluate a conversation; `sample` then gives the first token of an answer.

        Args:
            repeatable: Whatever was read before, the answer is the same.

        Raises:
            ProviderError: llama.cpp failed.
        """
        self._owner = None
        reading = Reading([token for segment in segments for token in segment])
        self._fill(reading.tokens, _ends(segments), repeatable)
        self._owner = reading
        return reading

    def go_on(self, reading: Reading, token: int) -> None:
        """Evaluate one token more, which was the answer so far.

        Raises:
            ProviderError: llama.cpp failed.
        """
        if self._owner is not reading:  # another answer was begun in between
            self._fill(reading.tokens, [len(reading.tokens)], repeatable=False)
            self._owner = reading
        self._evaluate([token])
        reading.tokens.append(token)

    def sample(self, sampler: int) -> int:
        """The next token, chosen by a sampler of llama.cpp's."""
        return int(self._library.llama_sampler_sample(sampler, self._context, -1))

    def logits(self) -> list[float]:
        """What `sample` chooses by: a figure for each token of the vocabulary."""
        figures = self._library.llama_get_logits_ith(self._context, -1)
        return list(figures[: self._vocabulary_size])

    def _fill(self, tokens: list[int], ends: list[int], repeatable: bool) -> None:
        shared = min(_shared(tokens, self._tokens), len(tokens) - 1)  # the last is read anew, for what follows it
        whole = [end for end, _ in takewhile(_alike, zip(ends, self._ends, strict=False)) if end <= shared]
        sound = whole[-1] if whole else 0
        start = self._cut_back(sound if repeatable else shared)
        self._ends = [end for end in whole if end <= start]
        if start not in (0, sound):  # within a segment: from here on nothing is whole
            self._evaluate(tokens[start:])
            return
        for end in ends[len(self._ends) :]:
            self._evaluate(tokens[start:end])
            self._ends.append(end)
            start = end

    def _cut_back(self, length: int) -> int:
        """Forget what comes after so many tokens; returns how many are left."""
        if length < len(self._tokens) and not self._library.llama_memory_seq_rm(
            self._memory, _MAIN_SEQUENCE, length, -1
        ):
            length = 0  # a model whose memory cannot be cut
        if length == 0:
            self._library.llama_memory_clear(self._memory, False)
        del self._tokens[length:]
        return length

    def _evaluate(self, tokens: list[int]) -> None:
        for start in range(0, len(tokens), _BATCH):
            part = tokens[start : start + _BATCH]
            buffer = (ctypes.c_int32 * len(part))(*part)  # the batch but points to it
            code = self._library.llama_decode(self._context, self._library.llama_batch_get_one(buffer, len(part)))
            if code != 0:
                self._library.llama_memory_clear(self._memory, True)
                self._tokens, self._ends, self._owner = [], [], None
                raise ProviderError(f"llama.cpp failed with code {code} on {len(part)} tokens: {native.complaint()}")
            self._tokens += part


def _ends(segments: Sequence[Sequence[int]]) -> list[int]:
    ends, end = [], 0
    for segment in segments:
        end += len(segment)
        ends.append(end)
    return ends


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens they have in common at their beginning."""
    return sum(1 for _ in takewhile(_alike, zip(one, other, strict=False)))


def _alike(pair: tuple[int, int]) -> bool:
    return pair[0] == pair[1]
