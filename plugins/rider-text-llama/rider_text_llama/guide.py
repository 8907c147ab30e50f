"""Answers in JSON: at each step, llguidance says which tokens may follow, and the others are made impossible.

https://github.com/guidance-ai/llguidance. It is bounded by itself: a schema that would take too long or too much
memory is refused, when it is read or in mid-answer.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from llguidance import LLMatcher, LLTokenizer, TokenizerWrapper

from rider_core.errors import InvalidInput, ProviderError
from rider_text_llama.vocabulary import Vocabulary

#: What llguidance takes for a special token's name: no text has this byte.
_SPECIAL = b"\xff"
#: A space between the parts is allowed, and no more: small models never stop. `oneOf` is taken as `anyOf`.
_STYLE = {"whitespace_pattern": " ?", "coerce_one_of": True}
MAX_REASON = 300


class _Words:
    """A model's vocabulary as llguidance wants it."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        ends = [token for token in range(vocabulary.size) if vocabulary.is_end(token)]
        if not ends:
            raise ProviderError("the model has no token that ends an answer, so it can write no JSON")
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
        return self._vocabulary.plain(text.decode("utf-8", "replace") if isinstance(text, bytes) else text)


class Guides:
    """Makes them for one model. Its vocabulary is read once, which takes a tenth of a second."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        words = _Words(vocabulary)
        self._tokenizer = LLTokenizer(TokenizerWrapper(words), n_vocab=vocabulary.size, eos_token=words.eos_token_id)

    def guide(self, schema: Mapping[str, Any]) -> Guide:
        """For one answer. Raises `InvalidInput` where nothing can be written by that schema."""
        try:
            grammar = LLMatcher.grammar_from_json_schema(dict(schema) or {"type": "object"}, overrides=_STYLE)
            problem = LLMatcher.validate_grammar(grammar, self._tokenizer)
        except ValueError as error:
            problem = str(error)
        if problem:
            raise InvalidInput(f"no answer can be written by this JSON schema: {_first_line(problem)}")
        return Guide(LLMatcher(self._tokenizer, grammar, log_level=0), self._tokenizer.vocab_size)


class Guide:
    """What may come next in one answer.

    Attributes:
        ended: The JSON is complete, and nothing can follow.
    """

    def __init__(self, matcher: LLMatcher, vocabulary_size: int) -> None:
        self._matcher = matcher
        self._bits = np.zeros((vocabulary_size + 31) // 32 * 4, dtype=np.uint8)
        self._size = vocabulary_size

    @property
    def ended(self) -> bool:
        return bool(self._matcher.is_stopped())

    def restrict(self, figures: Any) -> None:
        """Make impossible what may not come next.

        Args:
            figures: Pointer to a float for each token, as `llama_get_logits_ith` gives it. They are changed.

        Raises:
            ProviderError: the schema turned out to be too much.
        """
        self._matcher.unsafe_compute_mask_ptr(self._bits.ctypes.data, self._bits.size)
        self._check()
        allowed = np.unpackbits(self._bits, bitorder="little")[: self._size]
        logits = np.ctypeslib.as_array(figures, shape=(self._size,))
        logits[allowed == 0] = -np.inf

    def accept(self, token: int) -> None:
        """It was chosen."""
        self._matcher.consume_token(token)
        self._check()

    def _check(self) -> None:
        if self._matcher.is_error():
            raise ProviderError(f"the JSON schema is too much: {_first_line(self._matcher.get_error())}")


def _first_line(text: str) -> str:
    return text.strip().partition("\n")[0][:MAX_REASON]
