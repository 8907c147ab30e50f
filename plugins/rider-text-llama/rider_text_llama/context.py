"""What a model has read: evaluates tokens, and keeps what a request has in common with the one before.

A token that is evaluated alone, as those of an answer are, or among very many, may give other figures than among a few,
and now and then that makes another answer. A reading that must be repeatable takes over only what was read in groups.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rider_core.errors import ProviderError, ProviderUnavailable
from rider_text_llama import native

if TYPE_CHECKING:
    from rider_text_llama.guide import Guide

#: Tokens that are evaluated at a time, at most. ggml computes attention otherwise for one alone, and from 64 on
#: (`GGML_FA_TILE_Q`); between, groups of any size give the same figures. 512 at a time would save about a tenth.
_GROUP = 48
_MAIN_SEQUENCE = 0


@dataclass
class Reading:
    """Somebody's place in a context: all tokens that were read for him."""

    tokens: list[int]


class Context:
    """The memory that belongs to one loaded model.

    Args:
        size: In tokens.
        alike: The model gives the same figures for groups of any size (see `trial`). Where it does not, everything is
            read anew for a repeatable answer.

    Raises:
        ProviderUnavailable: there is not enough memory for it.
    """

    def __init__(self, library: Any, model: int, *, size: int, threads: int, alike: bool, path: Path) -> None:
        self._library = library
        self._alike = alike
        params = library.llama_context_default_params()
        params.n_ctx = size
        params.n_batch = params.n_ubatch = _GROUP
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
        self._grouped = 0  # so many of them, from the first on, were evaluated in groups
        self._owner: Reading | None = None

    def close(self) -> None:
        self._library.llama_free(self._context)

    def read(self, tokens: Sequence[int], *, repeatable: bool) -> Reading:
        """Evaluate a conversation; `sample` then gives the first token of an answer.

        Args:
            repeatable: Whatever was read before, the answer is the same.

        Raises:
            ProviderError: llama.cpp failed.
        """
        self._owner = None
        reading = Reading(list(tokens))
        self._fill(reading.tokens, repeatable)
        self._owner = reading
        return reading

    def go_on(self, reading: Reading, token: int) -> None:
        """Evaluate one token more, which was the answer so far.

        Raises:
            ProviderError: llama.cpp failed.
        """
        if self._owner is not reading:  # another answer was begun in between
            self._fill(reading.tokens, repeatable=False)
            self._owner = reading
        self._evaluate([token])
        reading.tokens.append(token)

    def sample(self, sampler: int, guide: Guide | None = None) -> int:
        """The next token, chosen by a sampler of llama.cpp's, among those that the guide allows."""
        if guide is not None:
            guide.restrict(self._library.llama_get_logits_ith(self._context, -1))
        return int(self._library.llama_sampler_sample(sampler, self._context, -1))

    def logits(self) -> list[float]:
        """What `sample` chooses by: a figure for each token of the vocabulary."""
        figures = self._library.llama_get_logits_ith(self._context, -1)
        return list(figures[: self._vocabulary_size])

    def forget(self) -> None:
        """Nothing was read yet."""
        self._library.llama_memory_clear(self._memory, True)
        self._tokens, self._grouped, self._owner = [], 0, None

    def _fill(self, tokens: list[int], repeatable: bool) -> None:
        kept = min(_shared(tokens, self._tokens), len(tokens) - 1)  # the last is read anew, for what follows it
        if repeatable:
            kept = max(0, min(kept, self._grouped, len(tokens) - 2)) if self._alike else 0
        kept = self._cut_back(kept)
        for group in _groups(tokens[kept:]):
            self._evaluate(group)

    def _cut_back(self, length: int) -> int:
        """Forget what comes after so many tokens; returns how many are left."""
        if length < len(self._tokens) and not self._library.llama_memory_seq_rm(
            self._memory, _MAIN_SEQUENCE, length, -1
        ):
            length = 0  # a model whose memory cannot be cut
        if length == 0:
            self.forget()
        del self._tokens[length:]
        self._grouped = min(self._grouped, length)
        return length

    def _evaluate(self, group: list[int]) -> None:
        buffer = (ctypes.c_int32 * len(group))(*group)  # the batch but points to it
        code = self._library.llama_decode(self._context, self._library.llama_batch_get_one(buffer, len(group)))
        if code != 0:
            self.forget()
            raise ProviderError(f"llama.cpp failed with code {code} on {len(group)} tokens: {native.complaint()}")
        if len(group) > 1 and self._grouped == len(self._tokens):
            self._grouped += len(group)
        self._tokens += group


def _groups(tokens: list[int]) -> Iterator[list[int]]:
    """Pieces to be evaluated at a time: none of a single token, unless it is the only one."""
    start = 0
    while start < len(tokens):
        rest = len(tokens) - start
        size = _GROUP - 1 if rest == _GROUP + 1 else _GROUP
        yield tokens[start : start + size]
        start += size


def _shared(one: Sequence[int], other: Sequence[int]) -> int:
    """How many tokens they have in common at their beginning."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
