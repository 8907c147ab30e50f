"""Text generators, also with the faults that any provider may have."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

from pydantic import ConfigDict, Field

from broken_providers.loose_thread import LooseThread
from rider_core.api import (
    GenerateRequest,
    GenerationEnd,
    Health,
    HealthStatus,
    ProviderConfig,
    TextGenerator,
    TextStream,
)
from rider_core.errors import InvalidInput


class GoodText(TextGenerator):
    name = "good-text"

    class Config(ProviderConfig):
        greeting: str = Field("Hello", description="the first word")

    def generate_stream(self, request: GenerateRequest) -> TextStream:
        return (yield from said([self.config.greeting, " you", " there"], request))


def said(words: Sequence[str], request: GenerateRequest) -> TextStream:
    """The words, cut by the request's `max_tokens` and `stop`."""
    whole = "".join(words[: request.max_tokens])
    ends = [at for at in map(whole.find, request.stop) if at >= 0]
    if text := whole[: min(ends, default=len(whole))]:
        yield text
    cut = not ends and request.max_tokens < len(words)
    return GenerationEnd(None, "length" if cut else "stop", 1, min(request.max_tokens, len(words)))


class BadName(GoodText):
    name = "Bad Name"


class MadeUpInSecret(GoodText):
    mock = True


class BareSetting(GoodText):
    class Config(ProviderConfig):
        greeting: str = "Hello"


class TakesAnySetting(GoodText):
    class Config(ProviderConfig):
        model_config = ConfigDict(extra="ignore")
        greeting: str = Field("Hello", description="the first word")


class HealthNeedsOpen(GoodText):
    def open(self) -> None:
        self.engine = "loaded"

    def health(self) -> Health:
        return Health.ok(self.engine)


class HealthWithoutReason(GoodText):
    def health(self) -> Health:
        return Health(status=HealthStatus.DEGRADED)


class HealthIsABool(GoodText):
    def health(self) -> Health:
        return True  # type: ignore[return-value]


class OpenStartsAThread(GoodText):
    def open(self) -> None:
        LooseThread.start()


class SaysBytes(GoodText):
    def generate_stream(self, request: GenerateRequest) -> Iterator[str]:
        yield b"Hello"  # type: ignore[misc]


class SaysNothing(GoodText):
    def generate_stream(self, request: GenerateRequest) -> Iterator[str]:
        yield from ()


class EmptyDelta(GoodText):
    def generate_stream(self, request: GenerateRequest) -> Iterator[str]:
        yield from ("Hello", "")


class TalksOn(GoodText):
    def generate_stream(self, request: GenerateRequest) -> Iterator[str]:
        yield from ["Hello "] * 50


class TextThread(GoodText):
    def generate_stream(self, request: GenerateRequest) -> Iterator[str]:
        LooseThread.start()
        yield "Hello"


class FailsOnHistory(GoodText):
    def generate_stream(self, request: GenerateRequest) -> TextStream:
        roles = [message.role for message in request.messages()]
        assert roles.count("user") == 1
        return (yield from super().generate_stream(request))


class TwoModels(GoodText):
    def models(self) -> tuple[str, ...]:
        return ("one", "two")

    def generate_stream(self, request: GenerateRequest) -> TextStream:
        if request.model not in (None, *self.models()):
            raise InvalidInput(f"there is no model {request.model!r}")
        return (yield from super().generate_stream(request))


class KnowsOneOfTwo(TwoModels):
    def generate_stream(self, request: GenerateRequest) -> TextStream:
        if request.model == "two":
            raise InvalidInput("there is no model 'two'")
        return (yield from super().generate_stream(request))


class TakesAnyModel(TwoModels):
    def generate_stream(self, request: GenerateRequest) -> TextStream:
        return (yield from super().generate_stream(request.model_copy(update={"model": None})))


class ListsModelsWhenOpen(TwoModels):
    names: tuple[str, ...] = ()

    def open(self) -> None:
        self.names = ("one",)

    def models(self) -> tuple[str, ...]:
        return self.names


class RemembersWhatWasSaid(GoodText):
    count = 0

    def generate_stream(self, request: GenerateRequest) -> TextStream:
        self.count += 1
        return (yield from said(["Hello", f" {self.count}"], request))


class TalksOverTheStop(GoodText):
    def generate_stream(self, request: GenerateRequest) -> TextStream:
        return (yield from super().generate_stream(request.model_copy(update={"stop": ()})))


class SilentAboutItsEnd(GoodText):
    def generate_stream(self, request: GenerateRequest) -> TextStream:
        yield from super().generate_stream(request)
        return None


class CountsCharacters(GoodText):
    def generate_stream(self, request: GenerateRequest) -> TextStream:
        end = yield from super().generate_stream(request)
        return replace(end, completion_tokens=100)


class FailsOnBlank(GoodText):
    def generate_stream(self, request: GenerateRequest) -> Iterator[str]:
        yield request.prompt.split()[0]
