"""llama.cpp context: evaluates tokens, and reuses the KV cache for the prefix shared with the request before.

A token evaluated alone, as in decoding, or in a large batch may give other logits than in a small batch, and sometimes
another answer. A repeatable prefill therefore reuses only tokens that were evaluated in small batches.
"""

from __future__ import annotations

import ctypes
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rider_core.errors import ProviderError, ProviderUnavailable
from rider_text_llama import bindings

if TYPE_CHECKING:
    from rider_text_llama.grammar import GrammarMatcher

#: Most tokens of a batch. ggml computes attention differently for one token, and from 64 tokens on (`GGML_FA_TILE_Q`);
#: in between, batches of any size give the same logits. Batches of 512 would save about a tenth of the time.
_BATCH_TOKENS = 48
#: Tokens that the KV cache has room for at first. It is doubled for a conversation that needs more: 4,096 tokens of
#: SmolLM2 take 94 MB, and most conversations with a robot fit into a quarter of that.
FIRST_CAPACITY = 1_024
_MAIN_SEQUENCE = 0


@dataclass
class DecodeState:
    """The tokens of one answer so far, prompt included."""

    tokens: list[int]


class Context:
    """The KV cache of one loaded model.

    Args:
        size: Most tokens of a conversation, its answer included.
        batch_invariant: The model gives the same logits for batches of any size (see `preflight`). Where it does not,
            a repeatable prefill reuses nothing.

    Attributes:
        capacity: Tokens that the KV cache has room for now.

    Raises:
        ProviderUnavailable: there is not enough memory.
    """

    def __init__(self, library: Any, model: int, *, size: int, threads: int, batch_invariant: bool, path: Path) -> None:
        self._library = library
        self._model = model
        self._threads = threads
        self._batch_invariant = batch_invariant
        self._name = path.name
        self._vocabulary_size = library.llama_vocab_n_tokens(library.llama_model_get_vocab(model))
        self.size = size
        self._context: Any = None
        self._create(min(size, FIRST_CAPACITY))

    def _create(self, capacity: int) -> None:
        """Create llama.cpp's context, with an empty KV cache."""
        params = self._library.llama_context_default_params()
        params.n_ctx = capacity
        params.n_batch = params.n_ubatch = _BATCH_TOKENS
        params.n_threads = params.n_threads_batch = self._threads
        bindings.take_error()
        context = self._library.llama_init_from_model(self._model, params)
        if not context:
            raise ProviderUnavailable(
                f"no context of {capacity} tokens can be created for {self._name}: {bindings.take_error()}",
                remedy="lower the engine's setting context_tokens",
            )
        if self._context:
            self._library.llama_free(self._context)
        self._context = context
        self._tokens: list[int] = []  # in the KV cache
        self._batched = 0  # how many of the first tokens were evaluated in batches
        self._owner: DecodeState | None = None
        self._memory = self._library.llama_get_memory(context)
        self.capacity: int = self._library.llama_n_ctx(context)

    def close(self) -> None:
        self._library.llama_free(self._context)

    def prefill(self, tokens: Sequence[int], *, repeatable: bool, room: int = 0) -> DecodeState:
        """Evaluate a conversation; `sample` then gives the first token of the answer.

        Args:
            repeatable: The logits do not depend on what was evaluated before.
            room: Most tokens of the answer. Later, room could only be made by evaluating the answer's tokens again, in
                batches, which may change how it goes on.

        Raises:
            ProviderError: llama.cpp failed.
            ProviderUnavailable: there is not enough memory for a conversation of that length.
        """
        self._owner = None
        needed = len(tokens) + room
        if needed > self.capacity:
            self._create(min(self.size, max(needed, 2 * self.capacity)))
        state = DecodeState(list(tokens))
        self._prefill(state.tokens, repeatable)
        self._owner = state
        return state

    def decode(self, state: DecodeState, token: int) -> None:
        """Evaluate one more token of the answer.

        Raises:
            ProviderError: llama.cpp failed.
        """
        if self._owner is not state:  # another answer was started in between
            self._prefill(state.tokens, repeatable=False)
            self._owner = state
        self._evaluate([token])
        state.tokens.append(token)

    def sample(self, sampler: int, matcher: GrammarMatcher | None = None) -> int:
        """The next token, chosen by a llama.cpp sampler among those that the grammar allows."""
        if matcher is not None:
            matcher.mask_logits(self._library.llama_get_logits_ith(self._context, -1))
        return int(self._library.llama_sampler_sample(sampler, self._context, -1))

    def logits(self) -> list[float]:
        """One value for each token of the vocabulary."""
        logits = self._library.llama_get_logits_ith(self._context, -1)
        return list(logits[: self._vocabulary_size])

    def clear(self) -> None:
        """Empty the KV cache."""
        self._library.llama_memory_clear(self._memory, True)
        self._tokens, self._batched, self._owner = [], 0, None

    def _prefill(self, tokens: list[int], repeatable: bool) -> None:
        kept = min(_common_prefix(tokens, self._tokens), len(tokens) - 1)  # the last one is evaluated for its logits
        if repeatable:
            kept = max(0, min(kept, self._batched, len(tokens) - 2)) if self._batch_invariant else 0
        kept = self._truncate(kept)
        for batch in _batches(tokens[kept:]):
            self._evaluate(batch)

    def _truncate(self, length: int) -> int:
        """Keep the first `length` tokens of the KV cache; returns how many are left."""
        if length < len(self._tokens) and not self._library.llama_memory_seq_rm(
            self._memory, _MAIN_SEQUENCE, length, -1
        ):
            length = 0  # a model whose memory cannot be truncated
        if length == 0:
            self.clear()
        del self._tokens[length:]
        self._batched = min(self._batched, length)
        return length

    def _evaluate(self, batch: list[int]) -> None:
        buffer = (ctypes.c_int32 * len(batch))(*batch)  # llama.cpp's batch only points to it
        code = self._library.llama_decode(self._context, self._library.llama_batch_get_one(buffer, len(batch)))
        if code != 0:
            self.clear()
            raise ProviderError(f"llama.cpp failed with code {code} on {len(batch)} tokens: {bindings.take_error()}")
        if len(batch) > 1 and self._batched == len(self._tokens):
            self._batched += len(batch)
        self._tokens += batch


def _batches(tokens: list[int]) -> Iterator[list[int]]:
    """Batches of `tokens`, none of a single token unless it is the only one."""
    start = 0
    while start < len(tokens):
        left = len(tokens) - start
        size = _BATCH_TOKENS - 1 if left == _BATCH_TOKENS + 1 else _BATCH_TOKENS
        yield tokens[start : start + size]
        start += size


def _common_prefix(one: Sequence[int], other: Sequence[int]) -> int:
    """Length of the common prefix."""
    return sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(one, other, strict=False)))
