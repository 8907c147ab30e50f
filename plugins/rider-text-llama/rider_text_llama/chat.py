"""A conversation as the tokens that a chat model was trained on, without its oldest turns where it is too long."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Any

from rider_core.api import ChatMessage
from rider_core.errors import InvalidInput, ModelError, ProviderError
from rider_text_llama import native
from rider_text_llama.vocabulary import Vocabulary

#: Where a message's words stand in the filled-in template. No template has these control characters.
_PLACE = re.compile("\x02(\\d+)\x03")
_RENDERED_BYTES = 64 * 1024
#: Of a history that is too long, so many turns are left out at a time. Were it one, each request would begin
#: otherwise than the one before, and everything had to be evaluated anew.
_LEFT_OUT_TOGETHER = 8
#: Of ordinary text. What has more for each token that there is room for will not fit, and is not tried.
_CHARACTERS_PER_TOKEN = 5


class ChatFormat:
    """How one model wants conversations written.

    Args:
        template: The model's own (Jinja, as its file has it), or the name of one of llama.cpp's (`chatml`).

    Raises:
        ModelError: llama.cpp knows no such template.
    """

    def __init__(self, library: Any, vocabulary: Vocabulary, template: str) -> None:
        self._library = library
        self._vocabulary = vocabulary
        self._template = template.encode()
        self._parts = lru_cache(maxsize=64)(vocabulary.template_parts)  # a handful of texts between the messages
        turn = ChatMessage(role="user", content="?")
        try:
            self._around = len(self.tokens([turn, turn])) - len(self.tokens([turn])) - 1
        except ProviderError:
            raise ModelError(
                f"llama.cpp knows no chat template like {template[:80]!r}",
                remedy="name one of its own in the setting chat_template, for example chatml",
            ) from None

    def tokens(self, messages: Sequence[ChatMessage]) -> list[int]:
        """The conversation, up to where the assistant begins to speak."""
        writer = _Writer(self._vocabulary)
        texts = self._between(messages)
        for text, message in zip(texts, messages, strict=False):
            writer.write(self._parts(text))
            if message.role == "assistant":
                writer.flush()  # it was written after tokens that were there already
            writer.write([message.content])
        writer.write(self._parts(texts[-1]))
        return writer.finish()

    def size(self, message: ChatMessage) -> int:
        """About how many tokens a message adds to a conversation."""
        return len(self._vocabulary.plain(message.content)) + self._around

    def _between(self, messages: Sequence[ChatMessage]) -> list[str]:
        """What the template writes before, between and after the messages."""
        chat = (native.ChatMessage * len(messages))()
        for index, message in enumerate(messages):
            chat[index].role, chat[index].content = message.role.encode(), f"\x02{index}\x03".encode()
        buffer = ctypes.create_string_buffer(_RENDERED_BYTES)
        length = self._library.llama_chat_apply_template(
            self._template, chat, len(messages), True, buffer, _RENDERED_BYTES
        )
        pieces = _PLACE.split(buffer.raw[: max(0, length)].decode("utf-8", "replace"))
        if length > _RENDERED_BYTES or pieces[1::2] != [str(index) for index in range(len(messages))]:
            raise ProviderError(f"the chat template does not hold {len(messages)} messages in their order")
        return pieces[::2]


class _Writer:
    """Collects plain text until a special token comes, because tokens may span where two texts meet."""

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
        self._tokens += self._vocabulary.plain(self._text)
        self._text = ""

    def finish(self) -> list[int]:
        self.flush()
        bos = self._vocabulary.bos
        return self._tokens if bos is None or self._tokens[:1] == [bos] else [bos, *self._tokens]


def fitted(chat: ChatFormat, messages: Sequence[ChatMessage], limit: int) -> list[int]:
    """The conversation in `limit` tokens at most. The oldest turns are left out, never one of the system's.

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
            f"the prompt has {needed} tokens with what belongs to it, the limit is {limit}",
            remedy="say it in fewer words, or raise the engine's setting context_tokens",
        )
    left_out = len(turns) - _newest_within(chat, [messages[index] for index in turns], limit - needed)
    while True:
        together = -(-left_out // _LEFT_OUT_TOGETHER) * _LEFT_OUT_TOGETHER
        tokens = chat.tokens(_without(messages, turns[: together if together < len(turns) else left_out]))
        if len(tokens) <= limit:
            return tokens
        left_out += 1  # a turn may have a token more among its neighbours than alone


def _newest_within(chat: ChatFormat, turns: Sequence[ChatMessage], room: int) -> int:
    """How many of the last turns have about `room` tokens. Those before them are not even looked at."""
    count = 0
    for turn in reversed(turns):
        room -= chat.size(turn)
        if room < 0:
            break
        count += 1
    return count


def _without(messages: Sequence[ChatMessage], left_out: Sequence[int]) -> list[ChatMessage]:
    """The conversation without these turns, and without an answer whose question they took along."""
    kept = [message for index, message in enumerate(messages) if index not in set(left_out)]
    first = next(index for index, message in enumerate(kept) if message.role != "system")
    while left_out and kept[first].role == "assistant":
        del kept[first]
    return kept
