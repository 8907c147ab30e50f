"""Tools for engines that only keep a JSON schema: the model answers with a call, or with words, in JSON of our form."""

from __future__ import annotations

import json
from typing import Any

from rider_core.api.text_generation import GeneratedText, GenerateRequest, TextGenerator, ToolCall
from rider_core.errors import InvalidInput, ProviderError

_HEAD = 'You can use tools. To use one, answer with JSON: {"tool": its name, "arguments": its arguments}. '
_OR_WORDS = 'Where none helps, answer with JSON: {"answer": your words}. '
_LIST = "The tools, in JSON, one in each line:\n"


def check_abilities(provider: TextGenerator, request: GenerateRequest) -> None:
    """Refuse what the engine cannot promise. Raises `InvalidInput`."""
    if lacking := provider.lacks(request):
        raise InvalidInput(f"{provider.name} knows no {lacking}", remedy="ask an engine that does: llama, ollama")


def needs_json(provider: TextGenerator, request: GenerateRequest) -> bool:
    """Whether its tools must be asked for in JSON: the engine has no tools of its own, or none that can be required."""
    return bool(request.tools) and ("tools" not in provider.abilities or request.tool_required)


def in_json(request: GenerateRequest) -> GenerateRequest:
    """The request without tools, whose answer `understood` reads."""
    forms: list[dict[str, Any]] = [
        _object({"tool": {"const": tool.name}, "arguments": tool.parameters}) for tool in request.tools
    ]
    lines = [tool.model_dump_json(exclude_defaults=True) for tool in request.tools]
    told = _HEAD + ("" if request.tool_required else _OR_WORDS) + _LIST + "\n".join(lines)
    if not request.tool_required:
        forms.append(_object({"answer": request.json_schema or {"type": "string"}}))
    system = f"{request.system_prompt}\n\n{told}" if request.system_prompt else told
    update = {"tools": (), "tool_required": False, "json_schema": {"anyOf": forms}, "system_prompt": system}
    return request.model_copy(update=update)


def understood(answer: GeneratedText) -> GeneratedText:
    """The answer to `in_json`: a call or words. One that was cut off stays as it is.

    Raises:
        ProviderError: it is neither.
    """
    try:
        said = json.loads(answer.text)
        if "tool" in said:
            call = ToolCall(name=said["tool"], arguments=said["arguments"])
            return answer.model_copy(update={"text": "", "tool_calls": (call,), "finish_reason": "tool_calls"})
        words = said["answer"]
    except (ValueError, TypeError, KeyError):
        if answer.finish_reason == "length":
            return answer
        raise ProviderError(f"the model answered neither with a tool nor with words: {answer.text[:100]!r}") from None
    return answer.model_copy(update={"text": words if isinstance(words, str) else json.dumps(words)})


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }
