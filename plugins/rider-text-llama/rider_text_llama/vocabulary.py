"""Text to tokens and back, by a model's own vocabulary. Who may use special tokens is decided here, for everyone."""

from __future__ import annotations

import ctypes
from typing import Any

from rider_core.errors import ProviderError
from rider_text_llama.native import TOKEN_LSTRIP, TOKEN_RSTRIP

#: Longest piece of any vocabulary so far: 128 spaces in some; more is asked for again.
_PIECE_BYTES = 256


class Vocabulary:
    """Of one loaded model; not to be used after the model was freed."""

    def __init__(self, library: Any, model: int) -> None:
        self._library = library
        self._vocab = library.llama_model_get_vocab(model)
        self._special: dict[int, bool] = {}  # each token of a text is looked up, and there are not many different ones
        self.size: int = library.llama_vocab_n_tokens(self._vocab)
        self.bos: int | None = None
        if library.llama_vocab_get_add_bos(self._vocab):
            self.bos = library.llama_vocab_bos(self._vocab)

    def plain(self, text: str) -> list[int]:
        """Tokens of what somebody said: `<|im_end|>` in it is nine characters, never the end of a turn."""
        tokens = self._tokens(text, special=False)
        if not any(self.is_special(token) for token in tokens):
            return tokens
        # Some tokenizers put `</s>` together from its characters all the same. One by one they cannot.
        return [part for token in tokens for part in (self._apart(token) if self.is_special(token) else [token])]

    def template_parts(self, text: str) -> list[str | int]:
        """What a chat template wrote: its special tokens, and the plain text between them, which is not tokenised yet
        because what somebody says may adjoin it."""
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
        """What a token stands for: perhaps half a character, nothing for a special one."""
        size = _PIECE_BYTES
        while True:
            buffer = ctypes.create_string_buffer(size)
            length = self._library.llama_token_to_piece(self._vocab, token, buffer, size, 0, False)
            if length >= 0:
                return buffer.raw[:length]
            size = -length

    def is_end(self, token: int) -> bool:
        """Whether the model says with it that its answer is complete."""
        return bool(self._library.llama_vocab_is_eog(self._vocab, token))

    def is_special(self, token: int) -> bool:
        known = self._special.get(token)
        if known is None:
            control = bool(self._library.llama_vocab_is_control(self._vocab, token))
            known = self._special[token] = control or self.is_end(token)
        return known

    def _apart(self, token: int) -> list[int]:
        name = self._library.llama_vocab_get_text(self._vocab, token).decode("utf-8", "replace")
        parts = [part for character in name for part in self._tokens(character, special=False)]
        return [part for part in parts if not self.is_special(part)]

    def _tokens(self, text: str, *, special: bool) -> list[int]:
        data = text.encode("utf-8", "replace")  # half of a surrogate pair, as JSON may bring it, is a question mark
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
