"""Text to tokens and back by a model's vocabulary. Only chat templates may contain special tokens, not messages."""

from __future__ import annotations

import ctypes
from typing import Any

from rider_core.errors import ProviderError
from rider_text_llama.bindings import TOKEN_LSTRIP, TOKEN_RSTRIP

#: Enough for the longest tokens known, 128 spaces; a longer one takes a second call.
_PIECE_BYTES = 256


class Vocabulary:
    """The vocabulary of one loaded model; invalid after the model was freed."""

    def __init__(self, library: Any, model: int) -> None:
        self._library = library
        self._vocab = library.llama_model_get_vocab(model)
        self._special: dict[int, bool] = {}  # cache: every token of a text is looked up, few of them are different
        self.size: int = library.llama_vocab_n_tokens(self._vocab)
        self.bos: int | None = None
        if library.llama_vocab_get_add_bos(self._vocab):
            self.bos = library.llama_vocab_bos(self._vocab)

    def tokenize(self, text: str) -> list[int]:
        """The tokens of a message: `<|im_end|>` in it is plain text, never the end of a turn."""
        tokens = self._tokens(text, special=False)
        if not any(self.is_special(token) for token in tokens):
            return tokens
        # Some tokenizers still build `</s>` from its characters. Tokenized one by one, they cannot.
        return [
            part for token in tokens for part in (self._split_special(token) if self.is_special(token) else [token])
        ]

    def template_parts(self, text: str) -> list[str | int]:
        """A template's special tokens, and the plain text between them, not yet tokenized because a message may follow
        without a border."""
        parts: list[str | int] = []
        rest = text
        for token in filter(self.is_special, self._tokens(text, special=True)):
            name = self._library.llama_vocab_get_text(self._vocab, token).decode("utf-8", "replace")
            before, found, after = rest.partition(name)
            if not found:
                continue  # not from the text
            attributes = self._library.llama_vocab_get_attr(self._vocab, token)
            parts += [before.rstrip() if attributes & TOKEN_LSTRIP else before, token]
            rest = after.lstrip() if attributes & TOKEN_RSTRIP else after
        return [part for part in (*parts, rest) if part != ""]

    def piece(self, token: int) -> bytes:
        """A token's bytes: perhaps an incomplete character, empty for a special token."""
        size = _PIECE_BYTES
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = self._library.llama_token_to_piece(self._vocab, token, buffer, size, 0, False)
            if length >= 0:
                return buffer.raw[:length]
            size = -length

    def is_end(self, token: int) -> bool:
        """Whether it is an end-of-generation token."""
        return bool(self._library.llama_vocab_is_eog(self._vocab, token))

    def is_special(self, token: int) -> bool:
        known = self._special.get(token)
        if known is None:
            control = bool(self._library.llama_vocab_is_control(self._vocab, token))
            known = self._special[token] = control or self.is_end(token)
        return known

    def _split_special(self, token: int) -> list[int]:
        name = self._library.llama_vocab_get_text(self._vocab, token).decode("utf-8", "replace")
        parts = [part for character in name for part in self._tokens(character, special=False)]
        return [part for part in parts if not self.is_special(part)]

    def _tokens(self, text: str, *, special: bool) -> list[int]:
        data = text.encode("utf-8", "replace")  # a lone surrogate, as JSON may contain one, becomes a question mark
        if not data:
            return []
        size = len(data) + 8  # hardly any token is shorter than a byte
        for _ in range(2):
            buffer = (ctypes.c_int32 * size)()
            count = self._library.llama_tokenize(self._vocab, data, len(data), buffer, size, False, special)
            if count >= 0:
                return list(buffer[:count])
            size = -count
        raise ProviderError(f"llama.cpp cannot split a text of {len(text)} characters into tokens")
