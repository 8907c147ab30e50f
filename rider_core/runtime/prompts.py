"""The system prompts by name: built-in ones, overridden by saved ones."""

from __future__ import annotations

import logging
import time

from rider_core.api.text_generation import GenerateRequest
from rider_core.database.saved import saved_prompts
from rider_core.errors import DatabaseError, InvalidInput
from rider_core.prompts import BUILT_IN

log = logging.getLogger(__name__)

#: For how long a text is cached before the database is read again, in seconds: an edit takes effect within this time.
REFRESH_S = 2.0
#: Language if neither the request nor the settings have one, or the prompt does not exist in it.
FALLBACK_LANGUAGE = "en"
#: Maximum number of cached names: requests may contain any.
MAX_CACHED = 100


class PromptStore:
    """One process's cache of the system prompts. For one thread at a time."""

    def __init__(self, database_url: str, language: str | None) -> None:
        """
        Args:
            language: Language if a request has none; None: English.
        """
        self._database_url = database_url
        self._language = language
        self._cache: dict[str, tuple[float, dict[str, str]]] = {}

    def resolved(self, request: GenerateRequest) -> GenerateRequest:
        """`request` with the text of its preset as its system prompt. Its own system prompt takes precedence.

        Raises:
            InvalidInput: there is no preset of that name.
        """
        if request.preset is None or request.system_prompt is not None:
            return request
        text = self.text(request.preset, request.language)
        return request.model_copy(update={"system_prompt": text})

    def text(self, name: str, language: str | None = None) -> str:
        """The prompt in that language, else in the one of the settings, else in English, else in any.

        Raises:
            InvalidInput: there is none of that name.
        """
        texts = self._texts(name)
        if not texts:
            raise InvalidInput(f"there is no system prompt {name[:40]!r}", remedy="`rider prompts list` shows all")
        for wanted in (language, self._language, FALLBACK_LANGUAGE):
            if wanted in texts:
                return texts[wanted]
        return next(iter(texts.values()))

    def _texts(self, name: str) -> dict[str, str]:
        read_at, texts = self._cache.get(name, (float("-inf"), {}))
        if time.monotonic() - read_at > REFRESH_S:
            texts = {**BUILT_IN.get(name, {}), **self._saved(name)}
            if len(self._cache) >= MAX_CACHED:
                self._cache.clear()
            self._cache[name] = time.monotonic(), texts
        return texts

    def _saved(self, name: str) -> dict[str, str]:
        try:
            return saved_prompts(self._database_url, name).get(name, {})
        except DatabaseError as error:
            # The built-in prompt is better than no answer; the log says that the saved ones are missing.
            log.warning("the saved system prompts cannot be read: %s", error)
            return {}
