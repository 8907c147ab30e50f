"""System prompts of the language model: list, change, and forget the change."""

from __future__ import annotations

from pydantic import Field

from rider_core.api.languages import CODE_PATTERN
from rider_core.api.messages import Message
from rider_core.api.roles import Role
from rider_core.api.text_generation import MAX_PROMPT_CHARACTERS, PRESET_PATTERN
from rider_core.database.saved import saved_prompts
from rider_core.errors import NotFound
from rider_core.prompts import BUILT_IN
from rider_core.runtime.services import Services
from rider_core.web.access import audit
from rider_core.web.rest.blueprint import RestBlueprint

#: A character has four bytes at most, as an escape in JSON twelve.
_MAX_BODY_BYTES = 12 * MAX_PROMPT_CHARACTERS + 1_000


class PromptPath(Message):
    name: str = Field(pattern=PRESET_PATTERN, description="the prompt's name")
    language: str = Field(pattern=CODE_PATTERN, description="ISO 639-1, such as pl")


class PromptBody(Message):
    text: str = Field(min_length=1, max_length=MAX_PROMPT_CHARACTERS, pattern=r"\S", description="not only spaces")


class PromptView(Message):
    """A system prompt in one language."""

    name: str
    language: str
    text: str = Field(description="in effect")
    saved: bool = Field(description="it was saved here")
    built_in: str | None = Field(description="the text that it replaces; None: there is none")


class PromptsView(Message):
    prompts: tuple[PromptView, ...]


def prompts_blueprint(services: Services) -> RestBlueprint:
    """The routes."""
    prompts = RestBlueprint("prompts", "System prompts of the language model")

    @prompts.operation("GET", "", Role.READ, PromptsView)
    def list_prompts() -> PromptsView:
        """Every system prompt, by name and language"""
        saved = _saved(services)
        return PromptsView(prompts=tuple(_view(saved, *key) for key in sorted({*_BUILT_IN, *saved})))

    @prompts.operation("PUT", "/<name>/<language>", Role.ADMIN, PromptView, max_body_bytes=_MAX_BODY_BYTES)
    def put_prompt(path: PromptPath, body: PromptBody) -> PromptView:
        """Save a system prompt, also over a built-in one; running workers use it within seconds"""
        audit.changes({"text": _view(_saved(services), path.name, path.language).text})
        services.database.save_prompt(path.name, path.language, body.text)
        return _view(_saved(services), path.name, path.language)

    @prompts.operation("DELETE", "/<name>/<language>", Role.ADMIN, None, status=204, problems=(404,))
    def delete_prompt(path: PromptPath) -> None:
        """Delete a saved system prompt: a built-in one counts again"""
        if not services.database.delete_prompt(path.name, path.language):
            raise NotFound(f"nothing is saved for {path.name!r} in {path.language!r}")

    return prompts


#: Name and language to text.
_BUILT_IN = {(name, language): text for name, texts in BUILT_IN.items() for language, text in texts.items()}


def _saved(services: Services) -> dict[tuple[str, str], str]:
    found = saved_prompts(services.settings.database_location)
    return {(name, language): text for name, texts in found.items() for language, text in texts.items()}


def _view(saved: dict[tuple[str, str], str], name: str, language: str) -> PromptView:
    key = name, language
    built_in = _BUILT_IN.get(key)
    text = saved.get(key, built_in or "")
    return PromptView(name=name, language=language, text=text, saved=key in saved, built_in=built_in)
