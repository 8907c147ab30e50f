"""Chat template: a conversation as tokens. The oldest turns are dropped where it is longer than the context."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from rider_core.api import ChatMessage
from rider_core.errors import InvalidInput, ModelError, ProviderError
from rider_text_llama import bindings
from rider_text_llama.vocabulary import Vocabulary

#: Marks a message's content in the rendered template. No template has these control characters.
_PLACEHOLDER = re.compile("\x02(\\d+)\x03")
_RENDERED_BYTES = 64 * 1024
#: Turns of a too long history that are dropped at a time. With one, each request would have another prefix than the
#: one before, and the whole conversation would be evaluated again.
_DROP_STEP = 8
#: Typical of ordinary text. A conversation with more characters per token of the limit is not tokenized as a whole.
_CHARACTERS_PER_TOKEN = 5


class ChatFormat:
    """The chat template of one model.

    Args:
        template: The model's own (Jinja, as its file has it), or the name of one of llama.cpp's (`chatml`).

    Raises:
        ModelError: llama.cpp does not support the template.
    """

    def __init__(self, library: Any, vocabulary: Vocabulary, template: str) -> None:
        self._library = library
        self._vocabulary = vocabulary
        self._template = template.encode()
        self._parts = lru_cache(maxsize=64)(vocabulary.template_parts)  # a template has few texts between messages
        turn = ChatMessage(role="user", content="?")
        try:
            self._turn_overhead = len(self.tokens([turn, turn])) - len(self.tokens([turn])) - 1
        except ProviderError:
            raise ModelError(
                f"llama.cpp does not support the chat template {template[:80]!r}",
                remedy="name one of its own in the setting chat_template, for example chatml",
            ) from None

    def tokens(self, messages: Sequence[ChatMessage]) -> list[int]:
        """The conversation, up to the beginning of the assistant's next turn."""
        writer = _TokenWriter(self._vocabulary)
        texts = self._render(messages)
        for text, message in zip(texts, messages, strict=False):
            writer.write(self._parts(text))
            if message.role == "assistant":
                writer.flush()  # it was generated after these tokens, so none may span the border
            writer.write([message.content])
        writer.write(self._parts(texts[-1]))
        return writer.finish()

    def size(self, message: ChatMessage) -> int:
        """Estimated tokens that a message adds to a conversation."""
        return len(self._vocabulary.tokenize(message.content)) + self._turn_overhead

    def _render(self, messages: Sequence[ChatMessage]) -> list[str]:
        """The template's texts before, between and after the messages."""
        chat = (bindings.ChatMessage * len(messages))()
        for index, message in enumerate(messages):
            chat[index].role, chat[index].content = message.role.encode(), f"\x02{index}\x03".encode()
        buffer = ctypes.create_string_buffer(_RENDERED_BYTES)
        length = self._library.llama_chat_apply_template(
            self._template, chat, len(messages), True, buffer, _RENDERED_BYTES
        )
        pieces = _PLACEHOLDER.split(buffer.raw[: max(0, length)].decode("utf-8", "replace"))
        if length > _RENDERED_BYTES or pieces[1::2] != [str(index) for index in range(len(messages))]:
            raise ProviderError(f"the chat template does not contain {len(messages)} messages in their order")
        return pieces[::2]


class _TokenWriter:
    """Joins plain text up to the next special token, because a token may span the border of two texts."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self._tokens: list[int] = []
        self._text = ""

    def write(self, parts: Sequence[str | int]) -> None:
        for part in parts:
            if isinstance(part, str):
                self._text += part
            else:
                self.flush()
                self._tokens.append(part)

    def flush(self) -> None:
        self._tokens += self._vocabulary.tokenize(self._text)
        self._text = ""

    def finish(self) -> list[int]:
        self.flush()
        bos = self._vocabulary.bos
        return self._tokens if bos is None or self._tokens[:1] == [bos] else [bos, *self._tokens]


def fit_to_context(chat: ChatFormat, messages: Sequence[ChatMessage], limit: int) -> list[int]:
    """The conversation in `limit` tokens at most. The oldest turns are dropped, but no system message.

    Args:
        messages: As `GenerateRequest.messages` gives them: the prompt is the last.

    Raises:
        InvalidInput: it is too long even without the history.
    """
    if sum(len(message.content) for message in messages) <= limit * _CHARACTERS_PER_TOKEN:
        tokens = chat.tokens(messages)
        if len(tokens) <= limit:
            return tokens
    turns = [index for index, message in enumerate(messages[:-1]) if message.role != "system"]
    needed = len(chat.tokens(_without(messages, turns)))
    if needed > limit:
        raise InvalidInput(
            f"the prompt has {needed} tokens with the system prompt, the limit is {limit}",
            remedy="shorten it, or raise the engine's setting context_tokens",
        )
    dropped = len(turns) - _newest_within(chat, [messages[index] for index in turns], limit - needed)
    while True:
        rounded = -(-dropped // _DROP_STEP) * _DROP_STEP
        tokens = chat.tokens(_without(messages, turns[: rounded if rounded < len(turns) else dropped]))
        if len(tokens) <= limit:
            return tokens
        dropped += 1  # a turn may have a token more in the conversation than alone


def _newest_within(chat: ChatFormat, turns: Sequence[ChatMessage], room: int) -> int:
    """How many of the last turns fit in about `room` tokens. Earlier turns are not tokenized."""
    count = 0
    for turn in reversed(turns):
        room -= chat.size(turn)
        if room < 0:
            break
        count += 1
    return count


def _without(messages: Sequence[ChatMessage], dropped: Sequence[int]) -> list[ChatMessage]:
    """The conversation without these turns, and without answers whose question was dropped."""
    kept = [message for index, message in enumerate(messages) if index not in set(dropped)]
    first = next(index for index, message in enumerate(kept) if message.role != "system")
    while dropped and kept[first].role == "assistant":
        del kept[first]
    return kept
