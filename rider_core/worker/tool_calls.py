"""Tools for engines that only enforce a JSON schema: the model answers in our JSON, with a tool call or with words."""

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


def with_json_tools(request: GenerateRequest) -> GenerateRequest:
    """The request with the tools in its system prompt and JSON schema; `parse_answer` reads the answer."""
    forms: list[dict[str, Any]] = [
        _object({"tool": {"const": tool.name}, "arguments": tool.parameters}) for tool in request.tools
    ]
    lines = [tool.model_dump_json(exclude_defaults=True) for tool in request.tools]
    instructions = _HEAD + ("" if request.tool_required else _OR_WORDS) + _LIST + "\n".join(lines)
    if not request.tool_required:
        forms.append(_object({"answer": request.json_schema or {"type": "string"}}))
    system = f"{request.system_prompt}\n\n{instructions}" if request.system_prompt else instructions
    update = {"tools": (), "tool_required": False, "json_schema": {"anyOf": forms}, "system_prompt": system}
    return request.model_copy(update=update)


def parse_answer(answer: GeneratedText) -> GeneratedText:
    """The answer to a request of `with_json_tools`: a tool call or words. One that was cut off stays as it is.

    Raises:
        ProviderError: it is neither.
    """
    try:
        parsed = json.loads(answer.text)
        if "tool" in parsed:
            call = ToolCall(name=parsed["tool"], arguments=parsed["arguments"])
            return answer.model_copy(update={"text": "", "tool_calls": (call,), "finish_reason": "tool_calls"})
        words = parsed["answer"]
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
