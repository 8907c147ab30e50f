"""Finds the library's voice for a request: by language, by name or by identifier."""

from __future__ import annotations

from collections.abc import Iterable

from rider_core.errors import InvalidInput
from rider_voice_espeak.library import Voice


class VoiceList:
    """The accepted names. The library only ever gets an identifier from its own list."""

    def __init__(self, voices: Iterable[Voice]) -> None:
        self._identifiers: dict[str, str] = {}
        self._languages: set[str] = set()
        best: dict[str, int] = {}
        listed = tuple(voices)
        for voice in listed:
            for priority, language in voice.languages:
                if priority < best.get(language, 256):
                    best[language] = priority
                    self._identifiers[language] = voice.identifier
        self._languages.update(best)
        for voice in listed:
            for name in (voice.name, voice.identifier):
                self._identifiers.setdefault(name.lower(), voice.identifier)

    @property
    def names(self) -> tuple[str, ...]:
        """All names that `identifier()` accepts, languages first."""
        others = sorted(set(self._identifiers) - self._languages)
        return (*sorted(self._languages), *others)

    @property
    def languages(self) -> int:
        """Number of languages."""
        return len(self._languages)

    def identifier(self, name: str) -> str:
        """The voice for a language ("pl", "en-gb"), a name ("Polish") or an identifier ("zlw/pl"), in any case.

        Raises:
            InvalidInput: there is none.
        """
        try:
            return self._identifiers[name.lower()]
        except KeyError:
            raise InvalidInput(
                f"eSpeak NG has no voice {name!r}",
                remedy=f'use a language such as "en", "pl" or "de"; it has {self.languages} of them',
            ) from None
