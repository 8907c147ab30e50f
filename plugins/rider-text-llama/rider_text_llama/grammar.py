"""Constrained decoding of JSON: llguidance computes the allowed next tokens, and the logits of all others are masked.

https://github.com/guidance-ai/llguidance. It has limits of its own: a schema that would take too long or too much
memory is refused when it is compiled, or during the answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

from rider_core.errors import InvalidInput, ProviderError
from rider_text_llama.vocabulary import Vocabulary

#: Prefix of special tokens' names for llguidance: no text has this byte.
_SPECIAL = b"\xff"
#: At most one space between the parts: small models would write spaces without end. `oneOf` is treated as `anyOf`.
_STYLE = {"whitespace_pattern": " ?", "coerce_one_of": True}
MAX_REASON = 300


class _TokenizerAdapter:
    """A model's vocabulary in the interface that llguidance expects."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        ends = [token for token in range(vocabulary.size) if vocabulary.is_end(token)]
        if not ends:
            raise ProviderError("the model has no end-of-generation token, so it cannot be constrained to JSON")
        self.eos_token_id = ends[0]
        self.bos_token_id = vocabulary.bos
        self.special_token_ids = [token for token in range(vocabulary.size) if vocabulary.is_special(token)]
        special = set(self.special_token_ids)
        self.tokens = [
            _SPECIAL + b"<%d>" % token if token in special else vocabulary.piece(token)
            for token in range(vocabulary.size)
        ]
        self._vocabulary = vocabulary

    def __call__(self, text: bytes | str) -> list[int]:
        return self._vocabulary.tokenize(text.decode("utf-8", "replace") if isinstance(text, bytes) else text)


class GrammarCompiler:
    """Compiles JSON schemas for one model. Reads its vocabulary once, which takes 0.1 s."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        adapter = _TokenizerAdapter(vocabulary)
        self._tokenizer = LLTokenizer(
            TokenizerWrapper(adapter), n_vocab=vocabulary.size, eos_token=adapter.eos_token_id
        )

    def compile(self, schema: Mapping[str, Any]) -> GrammarMatcher:
        """A matcher for one answer. Raises `InvalidInput` where no JSON fits the schema."""
        try:
            grammar = LLMatcher.grammar_from_json_schema(dict(schema) or {"type": "object"}, overrides=_STYLE)
            problem = LLMatcher.validate_grammar(grammar, self._tokenizer)
        except ValueError as error:
            problem = str(error)
        if problem:
            raise InvalidInput(f"no answer can fit this JSON schema: {_first_line(problem)}")
        return GrammarMatcher(LLMatcher(self._tokenizer, grammar, log_level=0), self._tokenizer.vocab_size)


class GrammarMatcher:
    """The allowed next tokens of one answer."""

    def __init__(self, matcher: LLMatcher, vocabulary_size: int) -> None:
        self._matcher = matcher
        self._bits = np.zeros((vocabulary_size + 31) // 32 * 4, dtype=np.uint8)
        self._size = vocabulary_size

    @property
    def ended(self) -> bool:
        """The JSON is complete, and no token may follow."""
        return bool(self._matcher.is_stopped())

    def mask_logits(self, pointer: Any) -> None:
        """Set the logits of disallowed tokens to minus infinity.

        Args:
            pointer: To a float for each token, as `llama_get_logits_ith` returns it. Changed in place.

        Raises:
            ProviderError: the schema exceeded llguidance's limits.
        """
        self._matcher.unsafe_compute_mask_ptr(self._bits.ctypes.data, self._bits.size)
        self._check()
        allowed = np.unpackbits(self._bits, bitorder="little")[: self._size]
        logits = np.ctypeslib.as_array(pointer, shape=(self._size,))
        logits[allowed == 0] = -np.inf

    def accept(self, token: int) -> None:
        """Advance by the token that was sampled."""
        self._matcher.consume_token(token)
        self._check()

    def _check(self) -> None:
        if self._matcher.is_error():
            raise ProviderError(f"the JSON schema is too complex: {_first_line(self._matcher.get_error())}")


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0][:MAX_REASON]
