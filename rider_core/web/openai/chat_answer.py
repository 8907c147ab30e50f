"""Formats a chat model's answer: as a whole, and as the chunks of a stream."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from typing import Any

from rider_core.api.text_generation import GeneratedText
from rider_core.web.openai.directory import ModelInfo

DONE = b"data: [DONE]\n\n"


@dataclass(frozen=True)
class ChatAnswer:
    """The fields that all chunks of one answer share.

    Attributes:
        job_id: Of the job that generates the answer.
        model_info: The model that was requested.
        usage_at_end: The stream ends with the number of tokens (`stream_options.include_usage`).
    """

    job_id: str
    model_info: ModelInfo
    usage_at_end: bool = False
    created: int = field(default_factory=lambda: int(time.time()))

    def whole(self, text: GeneratedText) -> dict[str, Any]:
        message: dict[str, Any] = {"role": "assistant", "content": text.text, "refusal": None}
        if text.tool_calls:
            message |= {"content": text.text or None, "tool_calls": self._calls(text)}
        choice = {"index": 0, "message": message, "logprobs": None, "finish_reason": text.finish_reason}
        return {**self._head("chat.completion"), "choices": [choice], "usage": usage(text)}

    def first_chunk(self) -> bytes:
        return self._chunk({"role": "assistant", "content": ""}, None)

    def next_chunk(self, text: str) -> bytes:
        return self._chunk({"content": text}, None)

    def last_chunks(self, text: GeneratedText) -> bytes:
        """Tool calls, finish reason, usage if the client asked for it and the provider counts, and the end mark."""
        chunks = b""
        if text.tool_calls:
            calls = [{"index": number, **call} for number, call in enumerate(self._calls(text))]
            chunks += self._chunk({"tool_calls": calls}, None)
        chunks += self._chunk({}, text.finish_reason)
        counted = usage(text)
        if self.usage_at_end and counted is not None:
            chunks += server_sent({**self._head("chat.completion.chunk"), "choices": [], "usage": counted})
        return chunks + DONE

    def _calls(self, text: GeneratedText) -> list[dict[str, Any]]:
        return [
            {
                "id": f"call_{self.job_id[:16]}_{number}",
                "type": "function",
                "function": {"name": call.name, "arguments": json.dumps(call.arguments, ensure_ascii=False)},
            }
            for number, call in enumerate(text.tool_calls)
        ]

    def _chunk(self, delta: dict[str, Any], finish_reason: str | None) -> bytes:
        choice = {"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}
        unknown_yet = {"usage": None} if self.usage_at_end else {}
        return server_sent({**self._head("chat.completion.chunk"), "choices": [choice], **unknown_yet})

    def _head(self, kind: str) -> dict[str, Any]:
        head = {"id": f"chatcmpl-{self.job_id}", "object": kind, "created": self.created, "model": self.model_info.id}
        return head | ({"mock": True} if self.model_info.mock else {})


def usage(text: GeneratedText) -> dict[str, int] | None:
    """Tokens read and written; None where the engine does not count: an estimate would be taken for a count."""
    if text.prompt_tokens is None or text.completion_tokens is None:
        return None
    return {
        "prompt_tokens": text.prompt_tokens,
        "completion_tokens": text.completion_tokens,
        "total_tokens": text.prompt_tokens + text.completion_tokens,
    }


def server_sent(data: dict[str, Any]) -> bytes:
    """One server-sent event."""
    return b"data: " + json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode() + b"\n\n"
